/** A file that is no tick file is named and counted; the others are played. */
import t from 'tap';
import { CHECKPOINT_WORDS } from '../../../src/feeds/file/checkpoint.js';
import { FileFeed } from '../../../src/feeds/file/feed.js';
import { fileOptions } from '../../../src/feeds/file/index.js';
import { Harness } from './harness.js';
import { exportOf, write } from './scratch.js';

for (const order of ['sequence', 'merge'] as const) {
  for (const stray of ['A.csv', 'F.csv', 'Z.csv']) {
    t.test(`${stray} among others, order ${order}`, async (t) => {
      const folder = t.testdir();
      write(folder, 'EURUSD_1.csv', exportOf(3));
      write(folder, 'GBPUSD_1.csv', exportOf(4));
      const path = write(folder, stray, 'no,tick,file\n1,2,3\n');
      const harness = new Harness({ stateWords: CHECKPOINT_WORDS });
      const feed = new FileFeed(fileOptions.parse({ path: folder, speed: 'max', order }));
      await feed.start(harness.context);
      const ticks = await harness.takeUntil(() => feed.status().state !== 'live');
      t.equal(ticks.length, 7);
      t.match(feed.status(), { state: 'ended', counters: { filesRefused: 1 } });
      t.ok(feed.status().detail.includes(path));
      t.equal(harness.warnings.length, 1);
      t.ok(harness.warnings[0].startsWith(`${path}: line 1 is not the header of a tick file.`));
      t.equal(harness.imbalance(), '');
      await feed.stop();
    });
  }
}

t.test('a loop logs a stray file once', async (t) => {
  const folder = t.testdir();
  write(folder, 'EURUSD_1.csv', exportOf(3));
  write(folder, 'X_badly_named.bi5', 'x');
  const harness = new Harness({ stateWords: CHECKPOINT_WORDS });
  const feed = new FileFeed(fileOptions.parse({ path: folder, speed: 'max', loop: true }));
  await feed.start(harness.context);
  await harness.takeUntil(() => (feed.status().counters?.loops ?? 0) > 3);
  t.match(feed.status(), { state: 'live', counters: { filesRefused: 1 } });
  t.equal(harness.warnings.length, 1);
  harness.abort();
  await feed.stop();
});

t.test('a feed that continues after a crash passes over it again', async (t) => {
  const folder = t.testdir();
  write(folder, 'EURUSD_1.csv', exportOf(3));
  write(folder, 'F.csv', 'no,tick,file\n');
  write(folder, 'GBPUSD_1.csv', exportOf(40));
  const options = fileOptions.parse({ path: folder, speed: 'max' });
  const before = new Harness({ stateWords: CHECKPOINT_WORDS, rawSlots: 16 });
  const died = new FileFeed(options);
  await died.start(before.context);
  const ticks = before.take();
  before.abort();
  await died.stop();
  const harness = new Harness({ stateWords: CHECKPOINT_WORDS, memory: before.memory });
  const feed = new FileFeed(options);
  await feed.start(harness.context);
  ticks.push(...(await harness.takeUntil(() => feed.status().state !== 'live')));
  t.equal(ticks.length, 43);
  t.equal(feed.status().state, 'ended');
  await feed.stop();
});

t.test('a folder of which no file is a tick file fails, and says so', async (t) => {
  const folder = t.testdir();
  write(folder, 'A.csv', 'no,tick,file\n');
  write(folder, 'B.csv', 'no,tick,file\n');
  for (const order of ['sequence', 'merge'] as const) {
    const harness = new Harness({ stateWords: CHECKPOINT_WORDS });
    const feed = new FileFeed(fileOptions.parse({ path: folder, order }));
    await t.rejects(feed.start(harness.context), {
      code: 'bad_input',
      message: /A\.csv: line 1|B\.csv: line 1/,
    });
  }
});
