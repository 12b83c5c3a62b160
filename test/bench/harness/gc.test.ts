/** Collections are counted with the time that they took, and each is reported once. */
import t from 'tap';
import { GcWatch } from '../../../src/bench/harness/gc.js';
import { until } from '../../../src/bench/harness/measure.js';

t.test('garbage is seen to be collected', { timeout: 60_000 }, async (t) => {
  const watch = new GcWatch();
  t.teardown(() => watch.stop());
  let kept: object[] = [];
  const seen = { count: 0, ms: 0, msMax: 0 };
  const look = () => {
    kept = Array.from({ length: 1e5 }, (_, i) => ({ i }));
    const { count, ms, msMax } = watch.take();
    seen.count += count;
    seen.ms += ms;
    seen.msMax = Math.max(seen.msMax, msMax);
    return seen.count > 2;
  };
  t.ok(await until(look, 30_000));
  t.equal(kept.length, 1e5);
  t.ok(seen.msMax > 0 && seen.msMax <= seen.ms, JSON.stringify(seen));
  watch.stop();
  t.same(watch.take(), { count: 0, ms: 0, msMax: 0 }, 'what was taken is not told again');
});
