/** The search for the peak finds it within a few probes, from below and from above. */
import t from 'tap';
import { highestSustained, mostDelivered } from '../../../src/bench/load/peak.js';

const PROBES_MAX = 14;

for (const limit of [900, 20_000, 1_000_000]) {
  t.test(`the highest rate that holds, where that is ${limit}`, async (t) => {
    let probes = 0;
    const probe = async (rate: number) => {
      probes++;
      return { deliveredPerSecond: rate, holds: rate <= limit };
    };
    const found = await highestSustained(probe, 6000);
    t.ok(found <= limit && found > limit / 1.1, `${found}`);
    t.ok(probes <= PROBES_MAX, `${probes} probes`);
  });

  t.test(`the rate that delivers most, where folding begins at ${limit}`, async (t) => {
    let probes = 0;
    const probe = async (rate: number) => {
      probes++;
      return { deliveredPerSecond: 1000 * Math.min(rate, limit), holds: rate <= 4 * limit };
    };
    const found = await mostDelivered(probe, 6000);
    t.ok(found > limit / 1.1 && found <= 4 * limit, `${found}`);
    t.ok(probes <= PROBES_MAX, `${probes} probes`);
  });
}

t.test('nothing holds', async (t) => {
  const probe = async () => ({ deliveredPerSecond: 0, holds: false });
  t.equal(await highestSustained(probe, 10), 0);
  t.equal(await mostDelivered(probe, 10), 0);
});
