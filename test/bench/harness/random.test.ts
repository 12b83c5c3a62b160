/** What scenarios draw is uniform, and the same for the same seed. */
import t from 'tap';
import { Uniform } from '../../../src/bench/harness/random.js';

const DRAWS = 100_000;

t.test('a seed gives the same numbers, another one others', async (t) => {
  const draw = (seed: number) => {
    const uniform = new Uniform(seed);
    return Array.from({ length: 8 }, () => uniform.below(1e6));
  };
  t.same(draw(7), draw(7));
  t.notSame(draw(7), draw(8));
});

t.test('all tenths are drawn alike, and neither end is met', async (t) => {
  const uniform = new Uniform(1);
  const shares = new Array(10).fill(0);
  const wholes = new Array(10).fill(0);
  for (let i = 0; i < DRAWS; i++) {
    const share = uniform.share();
    if (share <= 0 || share >= 1) t.fail(`drew ${share}`);
    shares[Math.floor(share * 10)]++;
    wholes[uniform.below(10)]++;
  }
  // Ten standard deviations of a binomial count.
  const slack = 10 * Math.sqrt(DRAWS * 0.1 * 0.9);
  for (const count of [...shares, ...wholes]) t.ok(Math.abs(count - DRAWS / 10) < slack, `${count}`);
});
