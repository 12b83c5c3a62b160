/** `ticks replay`: a range of the log to stdout, or back through an engine to subscribers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, Option } from 'commander';
import type { Engine } from '../engine.js';
import { Pacer } from '../feeds/file/pacer.js';
import { LogReader } from '../log/reader.js';
import type { ReplayFeedOptions } from '../replay/feed.js';
import { parseBound } from '../replay/range.js';
import { LogStream } from '../replay/stream.js';
import { nameOf, readLogRegistry, watchOf } from '../replay/symbols.js';
import { RECORD_U32, U32_SYMBOL, U32_TS_RECV_NS, U32_TS_RECV_S } from '../tick.js';
import { LINE_FORMATS, LINES, type LineFormatName } from '../wire/lines.js';
import { portNumber, speedValue, stopSignal } from './exit.js';
import { createLogger, type LogLevel } from './logger.js';
import { LineOutput, Progress } from './output.js';
import { logLevelOption, runEngine } from './serve.js';

const SLEEP_MS_MAX = 100;
/** How often it is looked whether a subscriber has come. */
const LOOK_MS = 20;
/** Ticks between two turns of the event loop, in which a signal is noticed. */
const TURN_TICKS = 4_096;

interface ReplayFlags {
  data: string;
  from?: string;
  to?: string;
  symbols?: string[];
  format: LineFormatName;
  speed?: number | 'max';
  serve?: number;
  host: string;
  /** False under `--no-wait`. */
  wait: boolean;
  json?: boolean;
  logLevel: LogLevel;
}

export function registerReplay(program: Command): void {
  program
    .command('replay')
    .description('Replay a range of the tick log, also while an engine runs on it.')
    .option('-d, --data <folder>', 'data folder', './data')
    .option('--from <time|epoch:seq>', 'where to begin, inclusive; default: the oldest tick')
    .option(
      '--to <time|epoch:seq>',
      'where to end; a time is exclusive, a place inclusive; default: the newest tick',
    )
    .option('-s, --symbols <patterns...>', 'names and patterns, such as EURUSD or XAU*; default: all')
    .addOption(new Option('-f, --format <format>', 'lines on stdout').choices(LINE_FORMATS).default('ndjson'))
    .option('--speed <n|max>', 'recorded seconds per second; default max, with --serve 1', speedValue)
    .option('--serve <port>', 'serve the replay on a port, as an engine would', portNumber)
    .option('--host <address>', 'with --serve: address to serve on', '127.0.0.1')
    .option('--no-wait', 'with --serve: begin before the first subscriber has come')
    .option('--json', 'when done, print figures as one JSON object on stderr, as stdout has the ticks')
    .addOption(logLevelOption())
    .addHelpText(
      'after',
      `
Times are those of receipt, UTC where no zone is given. Gaps in the log are told on stderr.

Examples:
  $ ticks replay --from 2024-06-19T08:00:00Z --to 2024-06-19T09:00:00Z --symbols 'EUR*' --format csv
  $ ticks replay --data ./data --serve 9090 --speed 10`,
    )
    .action((flags: ReplayFlags) => (flags.serve === undefined ? print(flags) : serve(flags, flags.serve)));
}

async function print(flags: ReplayFlags): Promise<void> {
  const { header, line } = LINES[flags.format];
  const range = rangeOf(flags);
  const registry = await readLogRegistry(flags.data);
  const reader = LogReader.open(flags.data);
  const signal = stopSignal();
  const output = new LineOutput();
  const progress = new Progress();
  const pacer = new Pacer(flags.speed ?? 'max', { seconds: 0, nanos: 0, stamp() {} });
  let ticks = 0;
  let missing = 0;
  try {
    const watch = flags.symbols === undefined ? null : watchOf(registry, flags.symbols);
    const stream = new LogStream(reader, {
      ...range,
      watch,
      onGap(epoch, shard, { first, last, reason }) {
        missing += last - first + 1;
        progress.done();
        process.stderr.write(
          `Not in the log: ${epoch}:${first} to ${epoch}:${last} of shard ${shard} (${reason}).\n`,
        );
      },
    });
    const total = stream.length;
    if (header !== undefined) output.add(header);
    while (!signal.aborted && stream.next()) {
      if (flags.speed !== undefined && flags.speed !== 'max') await untilDue(stream, pacer, signal, output);
      if (signal.aborted) break;
      const symbol = nameOf(registry, stream.records.u32[stream.index * RECORD_U32 + U32_SYMBOL]);
      if (output.add(line(stream, symbol))) await output.flush();
      if (++ticks % TURN_TICKS === 0) await sleep(0);
      progress.tell(() => `${ticks} ticks of at most ${total}`);
    }
    await output.flush();
  } finally {
    progress.done();
    await reader.close();
  }
  if (flags.json) process.stderr.write(`${JSON.stringify({ ticks, missing })}\n`);
}

async function untilDue(
  stream: LogStream,
  pacer: Pacer,
  signal: AbortSignal,
  output: LineOutput,
): Promise<void> {
  const w = stream.index * RECORD_U32;
  for (;;) {
    const nowMs = performance.now();
    pacer.clock.seconds = Math.floor(nowMs / 1000);
    pacer.clock.nanos = (nowMs % 1000) * 1e6;
    const words = stream.records.u32;
    const waitMs = pacer.dueInMs(words[w + U32_TS_RECV_S], words[w + U32_TS_RECV_NS]);
    if (waitMs <= 0 || signal.aborted) return;
    await output.flush();
    await sleep(Math.min(waitMs, SLEEP_MS_MAX));
  }
}

function rangeOf(flags: ReplayFlags): Pick<ReplayFeedOptions, 'from' | 'to'> {
  return {
    ...(flags.from === undefined ? {} : { from: parseBound(flags.from) }),
    ...(flags.to === undefined ? {} : { to: parseBound(flags.to) }),
  };
}

async function serve(flags: ReplayFlags, port: number): Promise<void> {
  const options: ReplayFeedOptions = {
    ...rangeOf(flags),
    dataFolder: flags.data,
    symbols: flags.symbols ?? ['*'],
    speed: flags.speed ?? 1,
    startPaused: flags.wait,
  };
  // Asked here, so that a folder without a log is told at once and not by a stage.
  await LogReader.open(flags.data).close();
  const feed = {
    name: 'replay',
    module: new URL('../replay/feed.js', import.meta.url),
    export: 'replayFeed',
    options,
  };
  const logger = createLogger(flags.logLevel);
  await runEngine({ feeds: [feed], dataFolder: false, http: { host: flags.host, port } }, logger, {
    serving(engine) {
      if (flags.json) process.stderr.write(`${JSON.stringify({ event: 'serving', port: engine.port })}\n`);
      engine.on('feedStatus', (_feed, status) => {
        if (status.state === 'ended') logger.info({}, `${status.detail}; still serving the last values.`);
      });
      if (flags.wait) void letGo(engine);
    },
  });
}

/** Lets the replay begin once a subscriber has come, so that it misses nothing. */
async function letGo(engine: Engine): Promise<void> {
  engine.setPaused('replay', true);
  let isOver = false;
  engine.once('stopped', () => {
    isOver = true;
  });
  const state = () => engine.feeds()[0].state;
  while (!isOver && (state() !== 'paused' || engine.fanout?.stats().subscriptions === 0))
    await sleep(LOOK_MS);
  if (!isOver) engine.setPaused('replay', false);
}
