/** Bells and waits in one thread: what is seen before the sleep, time-outs, and a live event loop. */
import t from 'tap';
import {
  allocateDoorbells,
  Doorbell,
  SpinThenPark,
  YieldThenPark,
} from '../../../src/pipeline/memory/doorbell.js';

function elapsedMs(body: () => void): number {
  const from = performance.now();
  body();
  return performance.now() - from;
}

t.test('a ring between the look and the sleep is not slept over', async (t) => {
  const memory = allocateDoorbells(3);
  const doorbell = new Doorbell(memory, 1);
  const seen = doorbell.read();
  new Doorbell(memory, 1).ring();
  t.ok(elapsedMs(() => doorbell.park(seen, 60_000)) < 10_000, 'returns at once');
  t.not(doorbell.read(), seen);
});

t.test('doorbells are apart from each other', async (t) => {
  const memory = allocateDoorbells(3);
  new Doorbell(memory, 0).ring();
  new Doorbell(memory, 2).ring();
  t.equal(new Doorbell(memory, 1).read(), 0);
});

t.test('a park without a ring ends with its time', async (t) => {
  const doorbell = new Doorbell(allocateDoorbells(1), 0);
  t.ok(elapsedMs(() => doorbell.park(doorbell.read(), 20)) >= 19);
});

t.test('the count of rings wraps', async (t) => {
  const memory = allocateDoorbells(1);
  new Int32Array(memory, 0, 1)[0] = 0x7fffffff;
  const doorbell = new Doorbell(memory, 0);
  const seen = doorbell.read();
  doorbell.ring();
  t.ok(elapsedMs(() => doorbell.park(seen, 60_000)) < 10_000);
});

t.test('spinning comes before parking, and work ends it', async (t) => {
  const doorbell = new Doorbell(allocateDoorbells(1), 0);
  const wait = new SpinThenPark(doorbell);
  const turns = (n: number, work: number) =>
    elapsedMs(() => {
      for (let i = 0; i < n; i++) {
        wait.before();
        wait.after(work);
      }
    });
  turns(64, 0);
  t.ok(turns(3, 0) >= 3 * 15, 'parked once the spins are used up');
  turns(1, 1);
  t.ok(turns(30, 0) < 30 * 20, 'work found: spinning again');
});

t.test('after a long wait there is hardly any spinning, after a short one there is', async (t) => {
  const memory = allocateDoorbells(1);
  const doorbell = new Doorbell(memory, 0);
  const wait = new SpinThenPark(doorbell);
  let parks = 0;
  let isShort = false;
  const { park } = doorbell;
  doorbell.park = (seen, timeoutMs) => {
    parks++;
    park.call(doorbell, seen, isShort ? 0 : timeoutMs);
  };
  /** Looks in vain until it parks. */
  const looks = () => {
    wait.before();
    wait.after(1);
    const before = parks;
    for (let n = 1; ; n++) {
      wait.before();
      wait.after(0);
      if (parks > before) return n;
    }
  };
  t.equal(looks(), 65);
  t.equal(looks(), 5, 'that park took its whole time');
  isShort = true;
  // A park that takes no time looks long where the thread just lost its core.
  let tries = 0;
  while (looks() !== 65 && tries < 1000) tries++;
  t.ok(tries < 1000, 'and one of these none');
});

t.test('naps, once after work, until shortly before the next stage looks', async (t) => {
  const memory = allocateDoorbells(2);
  const doorbell = new Doorbell(memory, 0);
  const next = new Doorbell(memory, 1);
  const wait = new SpinThenPark(doorbell, next);
  const naps: number[] = [];
  doorbell.nap = (_seen, ms) => naps.push(ms);
  const look = (work: number) => {
    wait.before();
    wait.after(work);
  };
  for (const work of [1, 0, 0]) look(work);
  t.same(naps, [], 'the next stage looks when it hears the bell');
  next.lookIn(60_000);
  for (const work of [1, 1, 0, 0, 0, 1, 0, 0]) look(work);
  t.same(naps, [5, 5], 'no longer than that');
  next.lookIn(5);
  look(1);
  look(0);
  t.ok(naps[2] > 0 && naps[2] <= 4, 'it is there before the look');
  next.lookIn(1.9);
  for (const work of [1, 0, 0]) look(work);
  t.equal(naps.length, 3, 'too short for a timer');
  next.lookIn(0);
  for (const work of [1, 0, 0]) look(work);
  t.equal(naps.length, 3);
});

t.test('a look that is due is no time to nap for', async (t) => {
  const memory = allocateDoorbells(1);
  const doorbell = new Doorbell(memory, 0);
  doorbell.lookIn(0.001);
  const from = performance.now();
  while (performance.now() - from < 1);
  t.equal(doorbell.msToLook, 0);
  for (const ms of [1, 1000, 60_000, 30 * 60_000]) {
    doorbell.lookIn(ms);
    t.ok(doorbell.msToLook > ms - 1000 && doorbell.msToLook <= ms, `in ${ms} ms`);
  }
});

t.test('promises and timers continue while there is nothing to do', async (t) => {
  const wait = new YieldThenPark(new Doorbell(allocateDoorbells(1), 0));
  let microtasks = 0;
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const chain = async () => {
    for (let i = 0; i < 50; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      microtasks++;
    }
  };
  const done = chain();
  for (let i = 0; i < 150; i++) {
    wait.before();
    await wait.after(0);
  }
  await done;
  clearInterval(timer);
  t.equal(microtasks, 50, 'a promise under way resolves');
  t.ok(ticks > 0, 'a timer fires');
});

t.test('a thread that must not sleep does not', async (t) => {
  const memory = allocateDoorbells(1);
  const wait = new YieldThenPark(new Doorbell(memory, 0), 60_000);
  for (let i = 0; i < 2000; i++) {
    wait.before();
    await wait.after(0, false);
  }
  t.pass('2000 idle turns went by without a park of a minute');
});

t.test('the asynchronous park', async (t) => {
  const memory = allocateDoorbells(1);
  const doorbell = new Doorbell(memory, 0);
  const seen = doorbell.read();
  const parked = doorbell.parkAsync(seen, 60_000);
  setImmediate(() => doorbell.ring());
  // The wait itself keeps no process alive, so a timer must.
  const alive = setInterval(() => {}, 1000);
  await parked;
  await doorbell.parkAsync(seen, 60_000);
  t.pass('returns at once when the bell differs already');
  await doorbell.parkAsync(doorbell.read(), 5);
  clearInterval(alive);
  t.equal(new Int32Array(memory, 4, 1)[0], 0, 'parked no longer');
});
