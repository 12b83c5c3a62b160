/** Scenario `soak`: a steady rate for minutes, memory over time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { positive, wholeNumber } from '../harness/flags.js';
import { median, memoryBytes } from '../harness/measure.js';
import { type Findings, figure, type Scenario } from '../harness/scenario.js';
import { imbalance, Setup } from '../harness/setup.js';

const DIAGRAM = `
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
  sequenced: number;
  rssAnon: number;
  rss: number;
}

interface SoakRun {
  ticksPerSecond: number;
  lost: number;
  reordered: number;
  /** Medians of RssAnon over the first and last third of the time after the ring had wrapped. */
  rssAnonEarlyBytes: number;
  rssAnonLateBytes: number;
  /** Late over early. */
  rssAnonRatio: number;
  /** Whether memory stayed constant: the ratio is at most 1.05. Null when the run was too short to say. */
  flat: boolean | null;
  /** Samples before this time (seconds) are not judged. */
  wrappedAfterSeconds: number;
  samples: SoakSample[];
  imbalance: { sequencing: number; logging: number };
}

const FLAT_RATIO = 1.05;
const SAMPLES_TO_JUDGE = 9;
/** Samples whose median is the memory at the end. */
const LAST_SAMPLES = 5;

export const soak: Scenario<SoakOptions> = {
  name: 'soak',
  summary: 'a steady rate for minutes: memory over time',
  diagram: DIAGRAM,
  example: '--minutes 10 --json',
  flags: (command) =>
    command
      .option('--minutes <n>', 'how long', positive, 10)
      .option('--rate <n>', 'ticks per second', positive, 200_000)
      .option('--shards <n>', 'shard threads', wholeNumber, 1)
      .option('--symbols <n>', 'symbols of the market', wholeNumber, 500)
      .option('--seed <n>', 'seed of the market', wholeNumber, 1)
      .option('--folder <path>', 'where the log is made and removed again (default: the temporary folder)'),
  small: { minutes: 0.05, rate: 20_000, shards: 1, symbols: 50, seed: 3 },
  run: benchSoak,
};

async function benchSoak(options: SoakOptions, tell: (line: string) => void): Promise<Findings> {
  const run = await runOnce(options, (s) =>
    tell(`${s.seconds.toFixed(0)} s  ${s.sequenced} ticks  RssAnon ${(s.rssAnon / 1e6).toFixed(1)} MB`),
  );
  const { lost, reordered, imbalance: left, flat } = run;
  const late = median(run.samples.slice(-LAST_SAMPLES).map((s) => s.rssAnon));
  const why = lost + reordered === 0 ? [] : [`lost ${lost}, reordered ${reordered}`];
  if (left.sequencing !== 0 || left.logging !== 0) why.push('the sums of the counters do not hold');
  return {
    figures: {
      ticksPerSecond: figure('ticks/s', 'higher', [run.ticksPerSecond]),
      rssAnonBytes: figure('bytes', 'lower', [
        median(run.samples.slice(-LAST_SAMPLES).map((s) => s.rssAnon)),
      ]),
    },
    why,
    lines: [
      `soak: ${(run.ticksPerSecond / 1000).toFixed(0)} k ticks/s for ${options.minutes} min; lost ${lost}, reordered ${reordered}`,
      flat === null
        ? `      RssAnon ${(late / 1e6).toFixed(1)} MB; too short to judge`
        : `      RssAnon ${(run.rssAnonEarlyBytes / 1e6).toFixed(1)} MB → ${(run.rssAnonLateBytes / 1e6).toFixed(1)} MB after the ring had wrapped: ${flat ? 'flat' : 'GROWS'}`,
    ],
    details: run,
  };
}

async function runOnce(options: SoakOptions, onSample: (sample: SoakSample) => void): Promise<SoakRun> {
  const setup = new Setup({
    feed: {
      name: 'market',
      type: 'synthetic',
      options: { symbols: options.symbols, seed: options.seed, rate: options.rate },
    },
    shards: options.shards,
    everyNth: 10,
    ...(options.folder === undefined ? {} : { folder: options.folder }),
  });
  await setup.start();
  const { engine } = setup;
  const slots = engine.memory.plan.ringSlots * options.shards;
  const samples: SoakSample[] = [];
  const started = performance.now();
  const first = engine.totals().sequenced;
  const end = options.minutes * 60;
  const everyMs = Math.max(250, Math.min(5000, (end * 1000) / 60));
  for (let seconds = 0; seconds < end; ) {
    await sleep(everyMs);
    seconds = (performance.now() - started) / 1000;
    const { rssAnon, rss } = memoryBytes();
    const sample = { seconds, sequenced: engine.totals().sequenced, rssAnon, rss };
    samples.push(sample);
    onSample(sample);
  }
  await setup.settle();
  const seconds = (performance.now() - started) / 1000;
  const ticks = engine.totals().sequenced - first;
  const report = await setup.finish();
  const log = setup.checkLog();
  const left = imbalance(await setup.close());
  const judged = samples.filter((s) => s.sequenced > slots);
  const third = Math.floor(judged.length / 3);
  const early = median(judged.slice(0, third).map((s) => s.rssAnon));
  const late = median(judged.slice(judged.length - third).map((s) => s.rssAnon));
  const lost = log.lost + report.everyLost + report.wrongFinalState;
  const reordered = log.reordered + report.everyReordered + report.latestReordered;
  return {
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
  };
}
