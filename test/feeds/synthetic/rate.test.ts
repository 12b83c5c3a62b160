import t from 'tap';
import { SyntheticFeed, syntheticStateWords } from '../../../src/feeds/synthetic/feed.js';
import { syntheticOptions } from '../../../src/feeds/synthetic/index.js';
import { ticksDue } from '../../../src/feeds/synthetic/schedule.js';
import { Harness } from '../file/harness.js';

t.test('the schedule swings around its rate and keeps it over whole seconds', async (t) => {
  for (const second of [1, 2, 60, 86_400]) t.equal(ticksDue(second, 1000, 0.5), 1000 * second);
  t.equal(ticksDue(0.5, 1000, 0), 500);
  let last = 0;
  let most = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let ms = 10; ms <= 1000; ms += 10) {
    const due = ticksDue(ms / 1000, 100_000, 0.5);
    most = Math.max(most, due - last);
    least = Math.min(least, due - last);
    last = due;
  }
  t.ok(least > 480 && least < 560 && most > 1440 && most < 1520, `${least} to ${most} in 10 ms`);
});

t.test('a live feed keeps its rate, with event times of emission, and catches up', async (t) => {
  const options = syntheticOptions.parse({ rate: 10_000, swing: 0, symbols: 10, live: true, count: 20_000 });
  const harness = new Harness({ stateWords: syntheticStateWords(options), rawSlots: 32_768 });
  const startMs = harness.nowMs;
  let isLate = true;
  const sleep = harness.sleep(() => {
    if (!isLate || harness.nowMs < startMs + 500) return;
    isLate = false;
    harness.advance(300);
  });
  const feed = new SyntheticFeed(options, sleep);
  await feed.start(harness.context);
  const ticks = await harness.takeUntil(() => feed.status().state === 'ended');
  t.equal(ticks.length, 20_000);
  t.ok(ticks.every((tick) => tick.tsEvent === tick.tsRecv));
  const at = (ms: number): number =>
    ticks.filter((tick) => Number(tick.tsEvent! / 1_000_000n) <= startMs + ms).length;
  t.equal(at(400), 4_000);
  t.equal(at(790), 4_990, 'the feed was held up');
  t.equal(at(1_500), 15_000, 'and has caught up');
  t.equal(at(2_000), 20_000);
});
