/** The clock is slewed, never stepped: it does not go back, and it closes in on the wall clock. */
import t from 'tap';
import { SharedClock, VirtualClock } from '../../src/core/clock.js';

const SLEW = 500e-6;

t.test('never back, however the wall clock jumps', async (t) => {
  const memory = SharedClock.allocate();
  const clock = new SharedClock(memory);
  const other = new SharedClock(memory);
  let s = 0;
  let ns = 0;
  let backwards = 0;
  for (let i = 0; i < 20_000; i++) {
    const c = i % 2 === 0 ? clock : other;
    c.stamp();
    if (c.seconds < s || (c.seconds === s && c.nanos < ns)) backwards++;
    s = c.seconds;
    ns = c.nanos;
    if (c.nanos < 0 || c.nanos > 999_999_999 || !Number.isInteger(c.nanos)) t.fail(`nanos ${c.nanos}`);
    if (i % 500 === 0) clock.discipline(Date.now() + (i % 1000 === 0 ? -3_600_000 : 3_600_000));
  }
  t.equal(backwards, 0);
  t.ok(Math.abs(s * 1000 + ns / 1e6 - Date.now()) < 1000, 'and it is still the time of day');
});

t.test('bends towards the wall clock, within the bound', async (t) => {
  const memory = SharedClock.allocate();
  const clock = new SharedClock(memory);
  const rate = new Float64Array(memory, 32, 1);
  clock.discipline(Date.now() + 60_000);
  t.equal(rate[0], 1 + SLEW);
  clock.discipline(Date.now() - 60_000);
  t.equal(rate[0], 1 - SLEW);
});

t.test('a reader waits while the anchor is being written', async (t) => {
  const memory = SharedClock.allocate();
  const version = new Int32Array(memory, 0, 1);
  new SharedClock(memory).discipline();
  t.equal(version[0] & 1, 0);
});

t.test('the virtual clock shows what it was set to', async (t) => {
  const clock = new VirtualClock();
  clock.set(5, 6);
  t.same([clock.seconds, clock.nanos], [0, 0], 'not before the stamp');
  clock.stamp();
  t.same([clock.seconds, clock.nanos], [5, 6]);
});
