/** When ticks are due: by a clock of the test's own, so that nothing depends on the machine's speed. */
import t from 'tap';
import { Pace, type PaceTime } from '../../src/replay/pace.js';

/** A clock that moves only by waiting: sleeps come late, as timers do. */
class Time implements PaceTime {
  atMs = 1_000;
  slept: number[] = [];
  turns = 0;

  nowMs(): number {
    // Looking takes time too, so that a spin comes to its end.
    this.atMs += 0.001;
    return this.atMs;
  }

  async sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    this.atMs += ms + 0.9;
  }

  async turn(): Promise<void> {
    this.turns++;
    this.atMs += 0.05;
  }
}

async function playAll(pace: Pace, time: Time, ticks: readonly number[]): Promise<number[]> {
  const at: number[] = [];
  for (const ns of ticks) {
    for (let due = pace.dueInMs(1, ns); due > 0; due = pace.dueInMs(1, ns)) await pace.wait(due);
    at.push(time.atMs);
  }
  return at;
}

t.test('a burst keeps its recorded microseconds, and no tick comes early', async (t) => {
  const time = new Time();
  const recordedNs = [0, 3_000, 250_000, 251_000, 40_000_000, 40_000_700, 900_000_000];
  const at = await playAll(new Pace(1, time), time, recordedNs);
  for (const [i, ns] of recordedNs.entries()) {
    const lateMs = at[i] - at[0] - ns / 1e6;
    t.ok(lateMs > -0.01, `tick ${i} is not early`);
    t.ok(lateMs < 0.1, `tick ${i} comes when its wait ends, not when a timer does`);
  }
  t.ok(
    time.slept.every((ms) => Number.isInteger(ms) && ms >= 1 && ms <= 50),
    'sleeps are whole milliseconds, and short enough to notice a key',
  );
  t.ok(time.turns > 0, 'the event loop turns while it spins');
});

t.test('a speed divides, and may change without a jump', async (t) => {
  const time = new Time();
  const pace = new Pace(10, time);
  t.ok(pace.dueInMs(1, 0) <= 0, 'the first tick is due at once');
  t.match(pace.dueInMs(2, 0).toFixed(1), '100.0', 'a second of the recording takes a tenth');
  time.atMs += 50;
  pace.speed = 1;
  t.match(pace.dueInMs(2, 0).toFixed(1), '500.0', 'half of it was over');
  pace.speed = 'max';
  t.equal(pace.dueInMs(9, 0), 0);
  pace.speed = 2;
  t.ok(pace.dueInMs(50, 0) <= 0, 'after max the next tick restarts the pace');
  t.match(pace.dueInMs(51, 0).toFixed(1), '500.0');
});

t.test('recorded time stands still while paused', async (t) => {
  const time = new Time();
  const pace = new Pace(1, time);
  pace.dueInMs(1, 0);
  time.atMs += 200;
  pace.isPaused = true;
  time.atMs += 60_000;
  pace.isPaused = false;
  t.match(pace.dueInMs(2, 0).toFixed(1), '800.0');
});
