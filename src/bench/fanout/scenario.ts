/** Scenario `fanout`: what one server delivers to many clients, each of which checks every tick. */

import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { TickwireError } from '../../core/errors.js';
import { IDLE_MS } from '../../core/limits.js';
import type { Mode } from '../../wire/ticks.js';
import { twoCores } from '../harness/child.js';
import { positive, rateOrAuto, share, wholeNumber, wholeNumberOrZero, zeroOrMore } from '../harness/flags.js';
import { type Figure, figure, type Scenario } from '../harness/scenario.js';
import { makeScratch, removeScratch } from '../harness/scratch.js';
import { highestSustained, mostDelivered } from '../load/peak.js';
import { fanoutLines, runLine } from './report.js';
import { FanoutSetup, FILL_MS_MAX } from './setup.js';
import { type Measure, measureStopped } from './stopped.js';
import type { FanoutFigures, FanoutResult, FanoutRun } from './types.js';

const DIAGRAM = `
  core 0, one process                              core 1, one process
    open-loop feed ─▶ shard ─▶ fan-out ───────────▶ N clients, each watching W of S symbols
     (tick n is due at     └─▶ log                   raw sockets, ticks.packed.v1; every tick is
      start + n / rate)                              held against its symbol's symbolSeq, every
                                                     127th has its latency taken since it was due

  delivered   a tick that advanced that client's symbolSeq; in mode every each one has to, by one
  peak        every: the highest rate of which 98 % is delivered in time; latest: the rate that
              delivers most. Sought by doubling and narrowing, then measured for --seconds
  half        the same at half that rate: its latencies are the ones to quote
  at the end of each row the feed stops, and every symbol at every client is compared with the
  server's table: symbolSeq, prices, last trade.
  A row is invalid when anything is wrong, when the processes cannot be pinned to a core each, when
  the load generator used more than 85 % of its own, or when other processes used 0.2 cores or more.
  With --stopped, rows without and with clients that stop reading alternate. They hold when the
  readers get 90 % or more of what they get without them, at a p99 within what it varies by, when
  memory (RssAnon of the server, and TCP) grows by at most a window and a frame for each, and when
  all have the right state within a second after they read again.`;

/** Seconds of a probe, and before it. */
const PROBE_SECONDS = 2;
const PROBE_WARMUP = 0.5;
/** Delivered ticks per second that the search for the peak begins at, or at one tick per second and symbol. */
const START_PER_SECOND = 6e6;
/** A rate that held for a probe and not for a whole run is lowered by this, so often. */
const LOWER = 0.93;
const LOWER_MAX = 5;
/** Descriptors of a process besides its connections. */
const SPARE_FILES = 200;

export interface FanoutOptions {
  clients: number;
  watch: number;
  symbols: number;
  seconds: number;
  warmup: number;
  mode: Mode | 'both';
  /** Ticks per second of the feed; `auto`: the peak is sought. */
  rate: number | 'auto';
  intervalMs: number;
  stopped: number;
  /** Rows without and with stopped clients that alternate, at each rate. */
  pairs: number;
  shards: number;
  seed: number;
  tradeShare: number;
  /** Exponent of Zipf's law; 0: all symbols are equally busy. */
  skew: number;
  log: boolean;
  pin: boolean;
  folder?: string;
}

type FanoutFlags = Omit<FanoutOptions, 'watch' | 'intervalMs'> & { watch?: number; interval: number };

export const fanout: Scenario<FanoutFlags> = {
  name: 'fanout',
  summary: 'one server to many clients, each on its core: throughput and latency, every tick checked',
  diagram: DIAGRAM,
  example: '--clients 1000 --watch 50 --seconds 10 --json',
  flags: (command) =>
    command
      .option('--clients <n>', 'clients that read', wholeNumber, 1000)
      .option('--watch <n>', 'symbols that each of them watches, of its own random choice', wholeNumber)
      .option('--symbols <n>', 'symbols of the market', wholeNumber, 500)
      .option('--seconds <n>', 'measured time of each row', positive, 10)
      .option('--warmup <n>', 'seconds before it', zeroOrMore, 1)
      .addOption(
        new Option('--mode <mode>', 'of the subscriptions')
          .choices(['every', 'latest', 'both'])
          .default('every'),
      )
      .option(
        '--rate <n>',
        'ticks per second of the feed, or auto: seek the peak, then measure it and its half',
        rateOrAuto,
        'auto',
      )
      .option('--interval <ms>', 'intervalMs of latest subscriptions', zeroOrMore, 0)
      .option(
        '--stopped <n>',
        'further clients, which stop reading: rows without and with them alternate',
        wholeNumberOrZero,
        0,
      )
      .option('--pairs <n>', 'how many of these rows, at each rate', wholeNumber, 3)
      .option('--shards <n>', 'shard threads', wholeNumber, 1)
      .option('--seed <n>', 'seed of the market, and of what each client watches', wholeNumber, 1)
      .option('--trade-share <n>', 'share of trades among the ticks, 0 to 1', share, 0.05)
      .option(
        '--skew <n>',
        "how unequally busy symbols are: exponent of Zipf's law, 0 = equally",
        zeroOrMore,
        0.9,
      )
      .option('--no-log', 'keep no log')
      .option('--no-pin', 'leave both processes to the scheduler: no row is valid then')
      .option('--folder <path>', 'where the log is made and removed again (default: the temporary folder)'),
  small: { clients: 20, symbols: 20, watch: 10, seconds: 1, warmup: 0.2, rate: 2000, mode: 'both' },
  async run({ interval, ...given }, tell) {
    const options = { ...given, watch: given.watch ?? given.symbols, intervalMs: interval };
    const result = await benchFanout(options, (row) => tell(runLine(row)));
    const figures: Record<string, Figure> = {};
    for (const mode of ['every', 'latest'] as const) {
      const of = result[mode];
      if (of === undefined) continue;
      figures[`${mode}DeliveredPerSecond`] = figure('ticks/s', 'higher', [of.deliveredPerSecond]);
      figures[`${mode}DeliveredPerCpuSecond`] = figure('ticks/CPU s', 'higher', [of.deliveredPerCpuSecond]);
      const { p99 } = of.latencyAtHalfUs ?? of.latencyUs;
      figures[`${mode}P99Us`] = figure('µs', 'lower', [p99]);
    }
    return {
      figures,
      why: objections(result),
      lines: fanoutLines(result, options.stopped),
      details: result,
    };
  },
};

/** What is against the figures: faults by themselves, as no run of a pinned scenario is valid on a busy machine. */
export function objections({
  lost,
  reordered,
  wrongFinalState,
  valid,
}: Pick<FanoutResult, 'lost' | 'reordered' | 'wrongFinalState' | 'valid'>): string[] {
  const why: string[] = [];
  if (lost > 0) why.push(`${lost} ticks were lost`);
  if (reordered > 0) why.push(`${reordered} ticks came out of order, or again`);
  if (wrongFinalState > 0) why.push(`${wrongFinalState} last states were wrong`);
  if (!valid) why.push('the rows say why');
  return why;
}

/** @throws TickwireError bad_config, limit_exceeded */
export async function benchFanout(
  options: FanoutOptions,
  onRow: (row: FanoutRun) => void,
): Promise<FanoutResult> {
  checkOptions(options);
  const pinning = options.pin ? twoCores() : { why: 'not pinned: as asked for' };
  const notes = 'why' in pinning ? [pinning.why] : [];
  const cores = 'cores' in pinning ? pinning.cores : undefined;
  const modes: Mode[] = options.mode === 'both' ? ['every', 'latest'] : [options.mode];
  const rows: FanoutRun[] = [];
  const figures: Partial<Record<Mode, FanoutFigures>> = {};
  for (const mode of modes) {
    const folder = options.log ? makeScratch(options.folder) : false;
    try {
      figures[mode] = await benchMode(options, mode, folder, cores, (row) => {
        rows.push(row);
        onRow(row);
      });
    } finally {
      if (folder !== false) removeScratch(folder);
    }
  }
  const total = (of: (row: FanoutRun) => number) => rows.reduce((sum, row) => sum + of(row), 0);
  const faults = {
    lost: total((row) => row.lost),
    reordered: total((row) => row.reordered),
    wrongFinalState: total((row) => row.wrongFinalState),
  };
  const isFaultless = faults.lost + faults.reordered + faults.wrongFinalState === 0;
  return {
    ...figures[modes[0]]!,
    ...faults,
    valid: isFaultless && modes.every((mode) => figures[mode]!.valid),
    mode: modes[0],
    ...figures,
    rows,
    notes,
  };
}

function checkOptions({ clients, stopped, watch, symbols, seconds, warmup }: FanoutOptions): void {
  if (watch > symbols)
    throw new TickwireError('bad_config', `--watch ${watch} is more than there are symbols (${symbols}).`);
  const stoppedMs = (seconds + warmup) * 1000 + FILL_MS_MAX;
  if (stopped > 0 && stoppedMs > IDLE_MS / 2) {
    throw new TickwireError(
      'bad_config',
      `The server closes clients that are silent for ${IDLE_MS / 1000} s: with --stopped, --seconds can be ${(IDLE_MS / 2 - FILL_MS_MAX) / 1000 - warmup} at most.`,
    );
  }
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const files = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
  const needed = clients + stopped + SPARE_FILES;
  if (needed > files) {
    throw new TickwireError(
      'limit_exceeded',
      `${clients + stopped} clients need ${needed} open files, and ${files} are allowed: raise it with ulimit -n ${needed}.`,
    );
  }
}

async function benchMode(
  options: FanoutOptions,
  mode: Mode,
  folder: string | false,
  cores: [number, number] | undefined,
  onRow: (row: FanoutRun) => void,
): Promise<FanoutFigures> {
  const setup = await FanoutSetup.start({ ...options, mode, folder, cores });
  try {
    const { warmup, seconds } = options;
    const measure: Measure = async (row) => {
      const measured = await setup.row({ warmup, seconds, withStopped: false, ...row });
      onRow(measured);
      return measured;
    };
    const top = await measureTop(options, mode, measure);
    const half =
      options.rate === 'auto' ? await measure({ phase: 'half', rate: Math.ceil(top.rate / 2) }) : null;
    return {
      deliveredPerSecond: top.deliveredPerSecond,
      deliveredPerCpuSecond: top.deliveredPerCpuSecond,
      latencyUs: top.latencyUs,
      latencyAtHalfUs: half?.latencyUs ?? null,
      serverRssBytes: top.serverRssBytes,
      bytesPerTick: top.bytesPerTick,
      valid: top.valid && (half?.valid ?? true),
      stopped:
        options.stopped === 0
          ? null
          : await measureStopped(options, half === null ? [top] : [top, half], measure),
    };
  } finally {
    await setup.stop();
  }
}

/** The run at the rate that was given, or at the peak. */
async function measureTop(options: FanoutOptions, mode: Mode, measure: Measure): Promise<FanoutRun> {
  const { clients, watch, symbols, rate: given } = options;
  const start =
    given === 'auto' ? Math.max(symbols, (START_PER_SECOND / clients) * (symbols / watch)) : given;
  const seconds = Math.min(PROBE_SECONDS, options.seconds);
  const probe = (rate: number) => measure({ phase: 'probe', rate, warmup: PROBE_WARMUP, seconds });
  // Code that never ran is slow, and would be taken for the server's limit.
  await probe(Math.round(start));
  if (given !== 'auto') return measure({ phase: 'fixed', rate: given });
  const found = await (mode === 'every' ? highestSustained : mostDelivered)(probe, start);
  if (found === 0) {
    throw new TickwireError(
      'stage_failed',
      'No rate was sustained: the machine is too busy to measure on. --rate sets one.',
    );
  }
  let row = await measure({ phase: 'peak', rate: found });
  for (let n = 0, rate = found; !row.holds && n < LOWER_MAX; n++) {
    rate = Math.round(rate * LOWER);
    row = await measure({ phase: 'peak', rate });
  }
  return row;
}
