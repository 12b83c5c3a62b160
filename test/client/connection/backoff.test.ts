import t from 'tap';
import { Backoff, hintOfReason, isPermanentClose } from '../../../src/client/backoff.js';

t.test('delays double up to the bound, each between nothing and all of it', async (t) => {
  for (const factor of [0, 0.5, 1]) {
    const backoff = new Backoff({ initialDelayMs: 100, maxDelayMs: 1000 }, () => factor);
    const delays = Array.from({ length: 6 }, () => backoff.next());
    t.same(
      delays,
      [100, 200, 400, 800, 1000, 1000].map((ms) => ms * factor),
    );
    backoff.succeeded();
    t.equal(backoff.next(), 100 * factor, 'a success starts afresh');
  }
});

t.test(
  'no attempt comes before the time that the server asked for, and they are spread after it',
  async (t) => {
    for (const [factor, delays] of [
      [0, [3000, 3000, 50]],
      [1, [6000, 6000, 150]],
    ] as const) {
      const backoff = new Backoff({ initialDelayMs: 25, maxDelayMs: 1000 }, () => factor);
      t.same([backoff.next(3000), backoff.next(3000), backoff.next(50)], delays);
    }
    const absurd = new Backoff({}, () => 1);
    t.equal(absurd.next(1e15), 7_200_000, 'an hour at most, and as much jitter');
    t.equal(absurd.next(-5), 500, 'nonsense is no hint');
  },
);

t.test('a close reason may end in a hint', async (t) => {
  const reasons = ['shutting down; retry in 1500 ms', 'retry in 20 ms', 'retry in 20 ms, please', 'no', ''];
  t.same(reasons.map(hintOfReason), [1500, 20, 0, 0, 0]);
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
