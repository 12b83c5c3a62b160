/** Scenario `pipeline`: the whole path from feed to log, with subscribers attached. */

import { cpuNs, machine, memoryBytes, sleep } from './measure.js';
import { imbalance, Rig } from './rig.js';

export const PIPELINE_DIAGRAM = `
  synthetic feed ─▶ [raw ring] ─▶ shard ─▶ [broadcast ring] ─┬─▶ log ─▶ LMDB
    flat out                                                 └─▶ fan-out ─▶ another process:
                                                                   1 × latest of every symbol
                                                                   1 × every of a tenth of them`;

export interface PipelineOptions {
  seconds: number;
  /** Seconds before the clock starts. */
  warmup: number;
  shards: number;
  symbols: number;
  seed: number;
  folder?: string;
}

export interface PipelineResult {
  scenario: 'pipeline';
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
  imbalance: { numbering: number; logging: number };
  valid: boolean;
  options: PipelineOptions;
  machine: ReturnType<typeof machine>;
}

export async function benchPipeline(options: PipelineOptions): Promise<PipelineResult> {
  const rig = new Rig({
    feed: {
      name: 'market',
      type: 'synthetic',
      options: { symbols: options.symbols, seed: options.seed, rate: 'max' },
    },
    shards: options.shards,
    everyNth: 10,
    ...(options.folder === undefined ? {} : { folder: options.folder }),
  });
  await rig.start();
  await sleep(options.warmup * 1000);
  const before = rig.engine.totals();
  const bytesBefore = rig.loggedBytes();
  const cpu = process.cpuUsage();
  const started = performance.now();
  await sleep(options.seconds * 1000);
  const memory = memoryBytes();
  await rig.settle();
  const seconds = (performance.now() - started) / 1000;
  const spent = cpuNs(cpu);
  const after = rig.engine.totals();
  const bytes = rig.loggedBytes() - bytesBefore;
  const report = await rig.finish();
  const log = rig.checkLog();
  const left = imbalance(await rig.close());
  const ticks = after.numbered - before.numbered;
  // What waited for the log when the clock started does not count.
  const logged = after.logged - before.numbered;
  const lost = log.lost + report.everyLost + report.wrongFinalState;
  const reordered = log.reordered + report.everyReordered + report.latestReordered;
  return {
    scenario: 'pipeline',
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
    valid: lost === 0 && reordered === 0 && left.numbering === 0 && left.logging === 0 && log.ticks > 0,
    options,
    machine: machine(),
  };
}
