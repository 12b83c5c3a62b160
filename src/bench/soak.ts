/** Scenario `soak`: a steady rate for minutes, memory over time. */
import { machine, median, memoryBytes, sleep } from './measure.js';
import { imbalance, Rig } from './rig.js';

export const SOAK_DIAGRAM = `
  synthetic feed ─▶ [raw ring] ─▶ shard ─▶ [broadcast ring] ─┬─▶ log ─▶ LMDB
    steady rate                                              └─▶ fan-out ─▶ two verifying subscribers
  RssAnon is noted every few seconds and judged once the ring has wrapped`;

export interface SoakOptions {
  minutes: number;
  rate: number;
  shards: number;
  symbols: number;
  seed: number;
  folder?: string;
}

export interface SoakSample {
  seconds: number;
  numbered: number;
  rssAnon: number;
  rss: number;
}

export interface SoakResult {
  scenario: 'soak';
  ticksPerSecond: number;
  lost: number;
  reordered: number;
  /** Medians of RssAnon over the first and last third of the time after the ring had wrapped. */
  rssAnonEarlyBytes: number;
  rssAnonLateBytes: number;
  /** Late over early. */
  rssAnonRatio: number;
  /** Whether memory stood: the ratio is at most 1.05. Null when the run was too short to tell. */
  flat: boolean | null;
  /** Samples before this time (seconds) are not judged. */
  wrappedAfterSeconds: number;
  samples: SoakSample[];
  imbalance: { numbering: number; logging: number };
  valid: boolean;
  options: SoakOptions;
  machine: ReturnType<typeof machine>;
}

const FLAT_RATIO = 1.05;
const SAMPLES_TO_JUDGE = 9;

export async function benchSoak(
  options: SoakOptions,
  onSample: (sample: SoakSample) => void,
): Promise<SoakResult> {
  const rig = new Rig({
    feed: {
      name: 'market',
      type: 'synthetic',
      options: { symbols: options.symbols, seed: options.seed, rate: options.rate },
    },
    shards: options.shards,
    everyNth: 10,
    ...(options.folder === undefined ? {} : { folder: options.folder }),
  });
  await rig.start();
  const { engine } = rig;
  const slots = engine.memory.plan.ringSlots * options.shards;
  const samples: SoakSample[] = [];
  const started = performance.now();
  const first = engine.totals().numbered;
  const end = options.minutes * 60;
  const everyMs = Math.max(250, Math.min(5000, (end * 1000) / 60));
  for (let seconds = 0; seconds < end; ) {
    await sleep(everyMs);
    seconds = (performance.now() - started) / 1000;
    const { rssAnon, rss } = memoryBytes();
    const sample = { seconds, numbered: engine.totals().numbered, rssAnon, rss };
    samples.push(sample);
    onSample(sample);
  }
  await rig.settle();
  const seconds = (performance.now() - started) / 1000;
  const ticks = engine.totals().numbered - first;
  const report = await rig.finish();
  const log = rig.checkLog();
  const left = imbalance(await rig.close());
  const judged = samples.filter((s) => s.numbered > slots);
  const third = Math.floor(judged.length / 3);
  const early = median(judged.slice(0, third).map((s) => s.rssAnon));
  const late = median(judged.slice(judged.length - third).map((s) => s.rssAnon));
  const lost = log.lost + report.everyLost + report.wrongFinalState;
  const reordered = log.reordered + report.everyReordered + report.latestReordered;
  return {
    scenario: 'soak',
    ticksPerSecond: Math.round(ticks / seconds),
    lost,
    reordered,
    rssAnonEarlyBytes: early,
    rssAnonLateBytes: late,
    rssAnonRatio: late / early,
    flat: judged.length < SAMPLES_TO_JUDGE ? null : late / early <= FLAT_RATIO,
    wrappedAfterSeconds: judged[0]?.seconds ?? Number.NaN,
    samples,
    imbalance: left,
    valid: lost === 0 && reordered === 0 && left.numbering === 0 && left.logging === 0,
    options,
    machine: machine(),
  };
}
