/** `ticks simulate mt5`: plays files or the synthetic market into an MT5 port as terminals would. */
import { type Command, InvalidArgumentError } from 'commander';
import { TickwireError } from '../../core/errors.js';
import { DIGITS_MAX } from '../../core/limits.js';
import { openMerged } from '../../feeds/file/merge.js';
import { listTickFiles } from '../../feeds/file/paths.js';
import type { TickFile } from '../../feeds/file/reader.js';
import { Mt5Terminal, parseZone } from '../../feeds/mt5/index.js';
import { STANDARD_MARKET } from '../../feeds/synthetic/index.js';
import { portNumber, speedValue, stopSignal, wholeNumber } from '../support/exit.js';
import { Progress } from '../support/stdout.js';
import { openMarket } from './market-source.js';
import { Player } from './player.js';

/** Milliseconds that a stopped simulation waits for what it sent to be acknowledged. */
const STOP_DRAIN_MS = 500;

/** What to play, and as which terminals. Plain data, so that a worker can be given it. */
export interface Simulation {
  host: string;
  port: number;
  account: number;
  server: string;
  zone: string;
  secret?: string | undefined;
  terminals: number;
  /** Files, folders and patterns; empty: the synthetic market. */
  files: string[];
  /** All files at once, merged by time, instead of one after the other. */
  merge: boolean;
  symbol?: string | undefined;
  digits?: number | undefined;
  speed: number | 'max';
  loop: boolean;
  shiftToNow: boolean;
  symbols: number;
  rate: number;
  seed: number;
  count?: number | undefined;
}

export interface SimulationTotals {
  terminals: number;
  ticks: number;
  acked: number;
  resent: number;
  badRecords: number;
  seconds: number;
}

export const SIMULATION_DEFAULTS = {
  host: '127.0.0.1',
  port: 5555,
  account: 1_000_001,
  server: 'Simulated-Server',
  zone: 'UTC',
  terminals: 1,
  files: [],
  merge: false,
  speed: 1,
  loop: false,
  shiftToNow: false,
  symbols: 20,
  rate: 1_000,
  seed: 1,
} satisfies Simulation;

export function register(program: Command): void {
  const defaults = SIMULATION_DEFAULTS;
  program
    .command('simulate')
    .description('Play recorded or made-up ticks into an engine, as their source would.')
    .command('mt5')
    .description(
      'Play into the MT5 port as terminals would: over TCP, keeping ticks until they are acknowledged.',
    )
    .argument('[files...]', 'tick files, folders or patterns (.csv, .csv.gz, .bin, .bi5)')
    .option('--host <address>', 'where the MT5 port is', defaults.host)
    .option('--port <n>', 'the MT5 port', portNumber, defaults.port)
    .option(
      '--account <n>',
      'login of the first terminal; further ones count on',
      wholeNumber(1),
      defaults.account,
    )
    .option('--server <name>', 'name of the trade server', defaults.server)
    .option(
      '--zone <rule>',
      "rule of the trade server's clock: UTC+3, America/New_York+7h …",
      zoneRule,
      defaults.zone,
    )
    .option('--secret <text>', 'what the port asks of terminals off loopback')
    .option('--terminals <n>', 'terminals that play side by side', wholeNumber(1, 64), defaults.terminals)
    .option('--speed <n|max>', 'recorded seconds per second, or max', speedValue, defaults.speed)
    .option('--merge', 'play all files at once, merged by time', defaults.merge)
    .option('--symbol <name>', 'symbol of files whose name does not tell it')
    .option(
      '--digits <n>',
      "digits of the prices; default: learnt from them, of bi5 files by Dukascopy's list of instruments",
      wholeNumber(0, DIGITS_MAX),
    )
    .option('--loop', 'play for ever; times go on from where they were', defaults.loop)
    .option('--shift-to-now', 'shift the times so that the first tick happens now', defaults.shiftToNow)
    .option('--synthetic', 'play the synthetic market instead of files')
    .option('--symbols <n>', 'symbols of the synthetic market', wholeNumber(1, 65_535), defaults.symbols)
    .option('--rate <n>', 'its ticks per second', wholeNumber(1), defaults.rate)
    .option('--seed <n>', 'what it follows from', wholeNumber(0), defaults.seed)
    .option('--count <n>', 'ticks that each terminal plays at most', wholeNumber(1))
    .option('--json', 'print what was played as one JSON object')
    .addHelpText(
      'after',
      `
Examples:
  $ ticks simulate mt5 EURUSD_2024.csv --speed 10 --shift-to-now
  $ ticks simulate mt5 --synthetic --symbols 50 --rate 5000 --terminals 3`,
    )
    .action(async (files: string[], flags: Partial<Simulation> & { synthetic?: boolean; json?: boolean }) => {
      const { synthetic, json, ...rest } = flags;
      if (synthetic !== true && files.length === 0) {
        throw new TickwireError('bad_config', 'Nothing to play: name files, or give --synthetic.');
      }
      if (synthetic === true && files.length > 0) {
        throw new TickwireError(
          'bad_config',
          'Play files or the synthetic market: --synthetic takes no files.',
        );
      }
      const signal = stopSignal();
      const totals = await simulate({ ...defaults, ...rest, files }, signal, new Progress());
      if (json === true) process.stdout.write(`${JSON.stringify(totals)}\n`);
      else process.stderr.write(`${totals.ticks} ticks played, ${totals.acked} acknowledged as durable.\n`);
      if (totals.acked < totals.ticks && !signal.aborted) process.exitCode = 1;
    });
}

function zoneRule(text: string): string {
  try {
    parseZone(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
  return text;
}

/** Plays until everything is played and acknowledged, or the signal stops it. */
export async function simulate(
  simulation: Simulation,
  signal: AbortSignal,
  progress?: Progress,
): Promise<SimulationTotals> {
  const startedAt = Date.now();
  const openers = await openersOf(simulation);
  const runs = Array.from({ length: simulation.terminals }, (_, index) => {
    const terminal = createTerminal(simulation, index);
    const player = new Player(terminal, {
      ...simulation,
      signal,
      onProgress: () => progress?.tell(() => `${player.played} ticks played`),
    });
    return { terminal, player, ended: run(terminal, player, openers(index), signal) };
  });
  const ends = await Promise.allSettled(runs.map((r) => r.ended));
  progress?.done();
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined && !signal.aborted) throw failed.reason;
  const sum = (of: (r: (typeof runs)[number]) => number) => runs.reduce((total, r) => total + of(r), 0);
  return {
    terminals: runs.length,
    ticks: sum((r) => r.terminal.counters.ticks),
    acked: sum((r) => r.terminal.counters.acked),
    resent: sum((r) => r.terminal.counters.resent),
    badRecords: sum((r) => r.player.bad),
    seconds: (Date.now() - startedAt) / 1000,
  };
}

async function run(
  terminal: Mt5Terminal,
  player: Player,
  openers: (() => Promise<TickFile>)[],
  signal: AbortSignal,
): Promise<void> {
  // Waiting for the port, for room or for acknowledgement ends with the signal: closing rejects the waits.
  const onStop = () => {
    setTimeout(() => void terminal.close(), STOP_DRAIN_MS).unref();
    if (!terminal.isLive) void terminal.close();
  };
  signal.addEventListener('abort', onStop, { once: true });
  try {
    await terminal.start();
    await player.play(openers);
    await terminal.drain();
  } finally {
    signal.removeEventListener('abort', onStop);
    await terminal.close();
  }
}

function createTerminal(simulation: Simulation, index: number): Mt5Terminal {
  const { host, port, server, zone, secret } = simulation;
  const account = simulation.account + index;
  return new Mt5Terminal({
    host,
    port,
    account,
    server,
    zone,
    name: `${account}@${server}`.slice(0, 64),
    ...(secret === undefined ? {} : { secret }),
    onEvent: (sentence) => void process.stderr.write(`terminal ${account}: ${sentence}\n`),
  });
}

/** By terminal: what it plays. Terminals of a synthetic market differ by their seed. */
async function openersOf(simulation: Simulation): Promise<(terminal: number) => (() => Promise<TickFile>)[]> {
  if (simulation.files.length === 0) {
    const { symbols, rate, seed } = simulation;
    const startS = Math.floor(Date.now() / 1000);
    return (terminal) => [
      () =>
        Promise.resolve(
          openMarket({ ...STANDARD_MARKET, symbols, seed: seed + terminal, startS, ticksPerSecond: rate }),
        ),
    ];
  }
  const files = await listTickFiles(simulation.files);
  const groups = simulation.merge ? [files] : files.map((file) => [file]);
  const { symbol, digits, zone } = simulation;
  const warn = (_details: object, message: string) => void process.stderr.write(`${message}\n`);
  return () =>
    groups.map(
      (group) => () =>
        openMerged(group, {
          ...(symbol === undefined ? {} : { symbol }),
          ...(digits === undefined ? {} : { digits }),
          zone,
          warn,
        }),
    );
}
