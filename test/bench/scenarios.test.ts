/** Every scenario runs small, and its result holds: nothing lost, order right, sums even. */
import t from 'tap';
import { benchPipeline } from '../../src/bench/pipeline.js';
import { benchRing } from '../../src/bench/ring.js';
import { benchSoak } from '../../src/bench/soak.js';

t.test('ring', async (t) => {
  const result = await benchRing(0.1, 2);
  t.ok(result.valid, JSON.stringify(result));
  t.ok(result.recordsPerSecond > 0);
});

t.test('pipeline', { timeout: 120_000 }, async (t) => {
  const result = await benchPipeline({ seconds: 1, warmup: 0.2, shards: 2, symbols: 100, seed: 3 });
  t.ok(result.valid, JSON.stringify(result));
  t.ok(result.ticks > 0 && result.everyPerSecond > 0 && result.latestPerSecond > 0, 'ticks went all the way');
  t.same(result.imbalance, { numbering: 0, logging: 0 });
});

t.test('soak', { timeout: 120_000 }, async (t) => {
  const samples: number[] = [];
  const options = { minutes: 0.05, rate: 20_000, shards: 1, symbols: 50, seed: 3 };
  const result = await benchSoak(options, (sample) => samples.push(sample.rssAnon));
  t.ok(result.valid, JSON.stringify(result));
  t.equal(result.flat, null, 'too short to judge memory, and says so');
  t.equal(samples.length, result.samples.length);
});
