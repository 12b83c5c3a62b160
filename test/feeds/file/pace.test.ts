import t from 'tap';
import { CHECKPOINT_WORDS } from '../../../src/feeds/file/checkpoint.js';
import { FileFeed } from '../../../src/feeds/file/feed.js';
import { fileOptions } from '../../../src/feeds/file/index.js';
import { Harness } from './harness.js';
import { exportOf, write } from './scratch.js';

t.test('at 10× each tick comes a tenth of its recorded distance after the first', async (t) => {
  const path = write(t.testdir(), 'EURUSD_x.csv', exportOf(50));
  const harness = new Harness({ stateWords: CHECKPOINT_WORDS });
  const startMs = harness.nowMs;
  const feed = new FileFeed(fileOptions.parse({ path, speed: 10, shiftToNow: true }), harness.sleep());
  await feed.start(harness.context);
  const ticks = await harness.takeUntil(() => feed.status().state === 'ended');
  const receivedMs = ticks.map((tick) => Math.round(Number(tick.tsRecv / 1_000n) / 1e3 - startMs));
  t.same(
    receivedMs,
    Array.from({ length: 50 }, (_, i) => i * 100),
  );
  const eventMs = ticks.map((tick) => Number(tick.tsEvent! / 1_000_000n) - startMs);
  t.same(
    eventMs,
    Array.from({ length: 50 }, (_, i) => i * 1000),
    'shifted so that the first is now',
  );
});

t.test('a pause holds the ticks back, and what it took is not caught up with', async (t) => {
  const path = write(t.testdir(), 'EURUSD_x.csv', exportOf(10));
  const harness = new Harness({ stateWords: CHECKPOINT_WORDS });
  const startMs = harness.nowMs;
  let sleeps = 0;
  const sleep = harness.sleep(() => {
    if (++sleeps === 25) feed.pause();
  });
  const feed: FileFeed = new FileFeed(fileOptions.parse({ path }), sleep);
  await feed.start(harness.context);
  const before = await harness.takeUntil(() => feed.status().state === 'paused');
  harness.advance(60_000);
  await new Promise((resolve) => setTimeout(resolve, 5));
  t.equal(harness.take().length, 0);
  feed.resume();
  const after = await harness.takeUntil(() => feed.status().state === 'ended');
  t.equal(before.length, 3, 'seconds 0, 1 and 2');
  t.equal(after.length, 7);
  const receivedMs = after.map((tick) => Number(tick.tsRecv / 1_000_000n) - startMs);
  t.same(
    receivedMs.map((ms) => ms - receivedMs[0]),
    [0, 1000, 2000, 3000, 4000, 5000, 6000],
  );
  t.ok(receivedMs[0] >= 62_500);
});

t.test('a stop ends a long wait', async (t) => {
  const path = write(t.testdir(), 'EURUSD_x.csv', exportOf(10));
  const harness = new Harness({ stateWords: CHECKPOINT_WORDS });
  const feed = new FileFeed(fileOptions.parse({ path, speed: 1e-6 }));
  await feed.start(harness.context);
  const ticks = await harness.takeUntil(() => harness.totals().received > 0);
  await feed.stop();
  t.equal(ticks.length, 1);
});
