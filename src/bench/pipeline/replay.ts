/** Scenario `replay`: how fast a log that the engine wrote is played back, whole and for a few symbols. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TickwireError } from '../../core/errors.js';
import {
  KIND_MASK,
  Kind,
  RECORD_U32,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../../core/tick.js';
import { createEngine } from '../../engine/engine.js';
import { LogReader } from '../../log/read/log-reader.js';
import { LogStream } from '../../replay/stream.js';
import { wholeNumber } from '../harness/flags.js';
import { median, until } from '../harness/measure.js';
import { Uniform } from '../harness/random.js';
import { type Findings, figure, type Scenario } from '../harness/scenario.js';

const DIAGRAM = `
  before:  synthetic feed ─▶ engine ─▶ LMDB, in segments
  timed:   LMDB ─▶ blocks ─▶ checksum, decode ─▶ merge by time ─▶ every tick is counted and compared with its
                                                                  symbol's last symbolSeq
           the same for one symbol of ten; and from a random moment on until the first tick is there`;

const WRITE_MS = 120_000;
/** One of so many symbols is wanted. */
const FEW = 10;
const MS_PER_S = 1000;
/** What a float64 of UNIX nanoseconds may be off by. */
const TIME_GRAIN_NS = 512;

interface ReplayOptions {
  ticks: number;
  runs: number;
  seeks: number;
  symbols: number;
  shards: number;
  seed: number;
  folder?: string;
}

export const replay: Scenario<ReplayOptions> = {
  name: 'replay',
  summary:
    'the log played back: ticks per second, whole and for a few symbols, and the time to a moment in it',
  diagram: DIAGRAM,
  example: '--ticks 20000000 --json',
  flags: (command) =>
    command
      .option('--ticks <n>', 'ticks of the log', wholeNumber, 10_000_000)
      .option('--runs <n>', 'how often it is played', wholeNumber, 5)
      .option('--seeks <n>', 'moments looked for in each run', wholeNumber, 50)
      .option('--symbols <n>', 'symbols of the market', wholeNumber, 500)
      .option('--shards <n>', 'shard threads that wrote it', wholeNumber, 1)
      .option('--seed <n>', 'seed of the market, and of the moments', wholeNumber, 1)
      .option('--folder <path>', 'where the log is made and removed again (default: the temporary folder)'),
  small: { ticks: 100_000, runs: 2, seeks: 5, symbols: 50, shards: 2 },
  run: benchReplay,
};

async function benchReplay(options: ReplayOptions): Promise<Findings> {
  const folder = mkdtempSync(join(options.folder ?? tmpdir(), 'tickwire-bench-'));
  try {
    await write(folder, options);
    return await play(folder, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Lets an engine write the log. */
async function write(folder: string, { ticks, symbols, shards, seed }: ReplayOptions): Promise<void> {
  const engine = await createEngine({
    feeds: [{ name: 'market', type: 'synthetic', options: { symbols, seed, rate: 'max', count: ticks } }],
    dataFolder: folder,
    shards,
    http: false,
  });
  await engine.start();
  const isWritten = () => {
    const { sequenced, logged, generated } = engine.totals();
    return sequenced - generated >= ticks && logged === sequenced;
  };
  const isDone = await until(isWritten, WRITE_MS);
  await engine.stop();
  if (!isDone)
    throw new TickwireError('stage_failed', `The log was not written within ${WRITE_MS / MS_PER_S} s.`);
}

async function play(folder: string, { ticks, runs, seeks, symbols, seed }: ReplayOptions): Promise<Findings> {
  const reader = LogReader.open(folder);
  const why = new Set<string>();
  const whole: number[] = [];
  const few: number[] = [];
  const seekMs: number[] = [];
  const span = spanOf(reader);
  const filter = Uint8Array.from({ length: symbols + 1 }, (_, id) => (id % FEW === 1 ? 1 : 0));
  const uniform = new Uniform(seed);
  try {
    let fewTicks = -1;
    for (let run = 0; run < runs; run++) {
      const all = playOnce(reader, null, symbols);
      whole.push(all.ticks / all.seconds);
      if (all.ticks !== ticks) why.add(`${all.ticks} of ${ticks} ticks played`);
      const some = playOnce(reader, filter, symbols);
      few.push(some.ticks / some.seconds);
      if (all.reordered + some.reordered > 0) why.add(`${all.reordered + some.reordered} ticks out of order`);
      if (fewTicks >= 0 && some.ticks !== fewTicks) why.add('another number of ticks each time');
      fewTicks = some.ticks;
      const waits: number[] = [];
      for (let n = 0; n < seeks; n++) {
        const at = span.fromNs + (span.toNs - span.fromNs) * uniform.share();
        const started = performance.now();
        const found = seek(reader, at);
        waits.push(performance.now() - started);
        if (found === undefined || found < at - TIME_GRAIN_NS) why.add('a moment was not found');
      }
      seekMs.push(median(waits));
    }
  } finally {
    await reader.close();
  }
  const figures = {
    ticksPerSecond: figure('ticks/s', 'higher', whole),
    fewTicksPerSecond: figure('ticks/s', 'higher', few),
    seekMs: figure('ms', 'lower', seekMs),
  };
  const mega = (n: number) => (n / 1e6).toFixed(2);
  return {
    figures,
    why: [...why],
    lines: [
      `replay: ${mega(figures.ticksPerSecond.median)} M ticks/s, of one symbol in ${FEW} ${mega(figures.fewTicksPerSecond.median)} M/s`,
      `        the first tick of a random moment after ${figures.seekMs.median.toFixed(2)} ms`,
    ],
  };
}

/** Plays the log once; the engine's own records are passed over. */
function playOnce(reader: LogReader, filter: Uint8Array | null, symbols: number) {
  const symbolSeqs = new Uint32Array(symbols + 1);
  let ticks = 0;
  let reordered = 0;
  const started = performance.now();
  const stream = new LogStream(reader, { filter });
  while (stream.next()) {
    const { u32 } = stream.records;
    const w = stream.index * RECORD_U32;
    if (++symbolSeqs[u32[w + U32_SYMBOL]] !== u32[w + U32_SYMBOL_SEQ]) reordered++;
    if ((u32[w + U32_KIND_FLAGS_SOURCE] & KIND_MASK) <= Kind.trade) ticks++;
  }
  return { ticks, reordered, seconds: (performance.now() - started) / MS_PER_S };
}

function timeOf(stream: LogStream): number {
  const w = stream.index * RECORD_U32;
  return stream.records.u32[w + U32_TS_RECV_S] * 1e9 + stream.records.u32[w + U32_TS_RECV_NS];
}

/** UNIX nanoseconds of the first and of the last receipt; a float64 keeps them to a fraction of a microsecond. */
function spanOf(reader: LogReader): { fromNs: number; toNs: number } {
  const stream = new LogStream(reader, { filter: null });
  let fromNs = 0;
  let toNs = 0;
  while (stream.next()) {
    toNs = Math.max(toNs, timeOf(stream));
    fromNs ||= toNs;
  }
  return { fromNs, toNs };
}

/** When the first tick from a moment on was received. */
function seek(reader: LogReader, atNs: number): number | undefined {
  const from = { kind: 'time', seconds: Math.floor(atNs / 1e9), nanos: Math.floor(atNs % 1e9) } as const;
  const stream = new LogStream(reader, { filter: null, from });
  return stream.next() ? timeOf(stream) : undefined;
}
