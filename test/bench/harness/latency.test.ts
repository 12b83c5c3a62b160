/** Latencies are kept to within one per cent over the whole range. */
import t from 'tap';
import { LatencySamples } from '../../../src/bench/harness/latency.js';
import { Random } from '../../helpers/random.js';

t.test('percentiles are those of the values, within 0.1 %', async (t) => {
  const random = new Random(11);
  for (const top of [200, 5000, 2_000_000, 2 ** 31 - 1]) {
    const samples = new LatencySamples();
    const values = Array.from({ length: 20_000 }, () => random.below(top));
    for (const value of values) samples.record(value + 0.5);
    values.sort((a, b) => a - b);
    for (const share of [0.001, 0.5, 0.9, 0.99, 0.999, 0.9999]) {
      const exact = values[Math.ceil(share * values.length) - 1];
      const found = samples.percentile(share);
      t.ok(found >= exact && found <= exact * 1.001 + 1, `${share} of 0…${top}: ${found}, in truth ${exact}`);
    }
    t.equal(samples.summary().max, values[values.length - 1]);
    t.equal(samples.summary().samples, values.length);
  }
});

t.test('what is out of range counts at its ends', async (t) => {
  const samples = new LatencySamples();
  t.same(samples.summary(), { p50: 0, p90: 0, p99: 0, p999: 0, p9999: 0, max: 0, samples: 0, negative: 0 });
  samples.record(-3);
  samples.record(1e12);
  t.match(samples.summary(), { p50: 0, max: 2 ** 31 - 1, samples: 2, negative: 1 });
  samples.reset();
  t.equal(samples.summary().samples, 0);
});

t.test('what threads recorded apart adds up', async (t) => {
  const random = new Random(12);
  const all = new LatencySamples();
  const sum = new LatencySamples();
  for (let thread = 0; thread < 3; thread++) {
    const own = new LatencySamples();
    for (let i = 0; i < 1000; i++) {
      const us = random.below(100_000);
      own.record(us);
      all.record(us);
    }
    sum.add(own.recorded());
  }
  t.same(sum.curve(), all.curve());
  t.equal(sum.summary().samples, 3000);
  const shares = all.curve().map(([share]) => share);
  t.same(
    shares,
    [...shares].sort((a, b) => a - b),
  );
});
