/** Scenario `pipeline`: the whole path from feed to log, with subscribers attached. */

import { setTimeout as sleep } from 'node:timers/promises';
import { positive, wholeNumber, zeroOrMore } from '../harness/flags.js';
import { cpuNs, memoryBytes } from '../harness/measure.js';
import { type Findings, figure, type Scenario } from '../harness/scenario.js';
import { imbalance, Setup } from '../harness/setup.js';

const DIAGRAM = `
  synthetic feed ─▶ [raw ring] ─▶ shard ─▶ [broadcast ring] ─┬─▶ log ─▶ LMDB
    flat out                                                 └─▶ fan-out ─▶ another process:
                                                                   n × latest of every symbol
                                                                   1 × every of a tenth of them`;

export interface PipelineOptions {
  seconds: number;
  /** Seconds before the clock starts. */
  warmup: number;
  runs: number;
  shards: number;
  symbols: number;
  /** Subscribers of all symbols in mode `latest`. */
  subscribers: number;
  seed: number;
  folder?: string;
}

interface PipelineRun {
  /** Numbered per second, until the last durable commit. */
  ticksPerSecond: number;
  loggedPerSecond: number;
  /** The sum of the three below. */
  lost: number;
  lostInLog: number;
  lostByEvery: number;
  /** Symbols that a subscriber ended with another last tick of than the table. */
  wrongFinalState: number;
  reordered: number;
  bytesPerTick: number;
  /** CPU time of the engine's process, all threads. */
  cpuNsPerTick: number;
  rssBytes: number;
  rssAnonBytes: number;
  seconds: number;
  ticks: number;
  everyPerSecond: number;
  latestPerSecond: number;
  /** Times that the lossless subscriber was passed by the ring and fed from the log. */
  catchUps: number;
  imbalance: { sequencing: number; logging: number };
  /** Ticks read back from the log. */
  logTicks: number;
}

export const pipeline: Scenario<PipelineOptions> = {
  name: 'pipeline',
  summary: 'feed → shard → log, with subscribers in another process',
  diagram: DIAGRAM,
  example: '--seconds 10 --json',
  flags: (command) =>
    command
      .option('--seconds <n>', 'measured time', positive, 10)
      .option('--warmup <n>', 'seconds before it', zeroOrMore, 4)
      .option('--runs <n>', 'how many runs, each from an empty log', wholeNumber, 1)
      .option('--shards <n>', 'shard threads', wholeNumber, 1)
      .option('--symbols <n>', 'symbols of the market', wholeNumber, 500)
      .option('--subscribers <n>', 'subscribers of every symbol in mode latest', wholeNumber, 1)
      .option('--seed <n>', 'seed of the market', wholeNumber, 1)
      .option('--folder <path>', 'where the log is made and removed again (default: the temporary folder)'),
  small: { seconds: 1, warmup: 0.2, shards: 2, symbols: 100, subscribers: 3, seed: 3 },
  run: benchPipeline,
};

async function benchPipeline(options: PipelineOptions): Promise<Findings> {
  const runs: PipelineRun[] = [];
  for (let i = 0; i < options.runs; i++) runs.push(await runOnce(options));
  const of = (key: 'ticksPerSecond' | 'loggedPerSecond' | 'bytesPerTick' | 'cpuNsPerTick') =>
    runs.map((run) => run[key]);
  const figures = {
    ticksPerSecond: figure('ticks/s', 'higher', of('ticksPerSecond')),
    loggedPerSecond: figure('ticks/s', 'higher', of('loggedPerSecond')),
    bytesPerTick: figure('bytes', 'lower', of('bytesPerTick')),
    cpuNsPerTick: figure('ns CPU', 'lower', of('cpuNsPerTick')),
  };
  const last = runs[runs.length - 1];
  return {
    figures,
    why: runs.flatMap(faultsOf),
    lines: [
      `pipeline: ${millions(figures.ticksPerSecond.median)} M ticks/s sequenced, ${millions(figures.loggedPerSecond.median)} M/s durable, over ${last.seconds.toFixed(1)} s`,
      `          lost ${last.lost}, reordered ${last.reordered}, ${figures.bytesPerTick.median.toFixed(1)} bytes a tick`,
      `          ${figures.cpuNsPerTick.median.toFixed(0)} ns CPU a tick, RSS ${millions(last.rssBytes)} MB (anonymous ${millions(last.rssAnonBytes)} MB)`,
      `          subscribers: every ${millions(last.everyPerSecond)} M/s (${last.catchUps} catch-ups), latest ${millions(last.latestPerSecond)} M/s`,
    ],
    details: last,
  };
}

function millions(n: number): string {
  return (n / 1e6).toFixed(2);
}

function faultsOf({ lost, reordered, imbalance: left, logTicks }: PipelineRun): string[] {
  const why = lost + reordered === 0 ? [] : [`lost ${lost}, reordered ${reordered}`];
  if (left.sequencing !== 0 || left.logging !== 0) why.push('the sums of the counters do not hold');
  return logTicks > 0 ? why : [...why, 'nothing was logged'];
}

async function runOnce(options: PipelineOptions): Promise<PipelineRun> {
  const setup = new Setup({
    feed: {
      name: 'market',
      type: 'synthetic',
      options: { symbols: options.symbols, seed: options.seed, rate: 'max' },
    },
    shards: options.shards,
    everyNth: 10,
    latest: options.subscribers,
    ...(options.folder === undefined ? {} : { folder: options.folder }),
  });
  await setup.start();
  await sleep(options.warmup * 1000);
  const before = setup.engine.totals();
  const bytesBefore = setup.loggedBytes();
  const cpu = process.cpuUsage();
  const started = performance.now();
  await sleep(options.seconds * 1000);
  const memory = memoryBytes();
  await setup.settle();
  const seconds = (performance.now() - started) / 1000;
  const spent = cpuNs(cpu);
  const after = setup.engine.totals();
  const bytes = setup.loggedBytes() - bytesBefore;
  const report = await setup.finish();
  const log = setup.checkLog();
  const left = imbalance(await setup.close());
  const ticks = after.sequenced - before.sequenced;
  // What waited for the log when the clock started does not count.
  const logged = after.logged - before.sequenced;
  const lost = log.lost + report.everyLost + report.wrongFinalState;
  const reordered = log.reordered + report.everyReordered + report.latestReordered;
  return {
    ticksPerSecond: Math.round(ticks / seconds),
    loggedPerSecond: Math.round(logged / seconds),
    lost,
    lostInLog: log.lost,
    lostByEvery: report.everyLost,
    wrongFinalState: report.wrongFinalState,
    reordered,
    bytesPerTick: bytes / (after.logged - before.logged),
    cpuNsPerTick: spent / ticks,
    rssBytes: memory.rss,
    rssAnonBytes: memory.rssAnon,
    seconds,
    ticks,
    everyPerSecond: Math.round(report.everyReceived / seconds),
    latestPerSecond: Math.round(report.latestReceived / seconds),
    catchUps: report.catchingUp,
    imbalance: left,
    logTicks: log.ticks,
  };
}
