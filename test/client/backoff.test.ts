import t from 'tap';
import { Backoff, isPermanentClose } from '../../src/client/backoff.js';

t.test('delays double up to the bound, each between half and all of it', async (t) => {
  for (const [random, factor] of [
    [0, 0.5],
    [1, 1],
  ]) {
    const backoff = new Backoff({ initialDelayMs: 100, maxDelayMs: 1000 }, () => random);
    const delays = Array.from({ length: 6 }, () => backoff.next());
    t.same(
      delays,
      [100, 200, 400, 800, 1000, 1000].map((ms) => ms * factor),
    );
    backoff.succeeded();
    t.equal(backoff.next(), 100 * factor, 'a success starts afresh');
  }
});

t.test('attempts can be bounded', async (t) => {
  const backoff = new Backoff({ maxAttempts: 1 });
  t.type(backoff.next(), 'number');
  t.equal(backoff.next(), undefined);
});

t.test('only 4500-4999 asks to stay away', async (t) => {
  t.same([1000, 1006, 4000, 4499, 4500, 4999, 5000].map(isPermanentClose), [
    false,
    false,
    false,
    false,
    true,
    true,
    false,
  ]);
});
