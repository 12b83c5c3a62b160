import t from 'tap';
import type { TickRecord } from '../../../src/core/tick-record.js';
import { CHECKPOINT_WORDS } from '../../../src/feeds/file/checkpoint.js';
import { FileFeed } from '../../../src/feeds/file/feed.js';
import { fileOptions } from '../../../src/feeds/file/index.js';
import { Harness } from './harness.js';
import { EXPORT_HEADER, exportOf, write } from './scratch.js';

t.test('a loop continues a second after its end, in time too', async (t) => {
  const path = write(t.testdir(), 'EURUSD_x.csv', exportOf(5));
  const harness = new Harness({ stateWords: CHECKPOINT_WORDS, rawSlots: 16 });
  const feed = new FileFeed(fileOptions.parse({ path, speed: 'max', loop: true }));
  await feed.start(harness.context);
  const ticks: TickRecord[] = [];
  ticks.push(...(await harness.takeUntil(() => (feed.status().counters?.loops ?? 0) >= 4)));
  await feed.stop();
  ticks.push(...harness.take());
  t.ok(ticks.length >= 20);
  const first = 1_718_776_800n;
  t.same(
    ticks.map((tick) => tick.tsEvent! / 1_000_000_000n - first),
    ticks.map((_, i) => BigInt(i)),
  );
  t.equal(harness.imbalance(), '');
});

t.test('files without a tick are not looped over', async (t) => {
  const path = write(t.testdir(), 'EURUSD_x.csv', `${EXPORT_HEADER}\r\n`);
  const harness = new Harness({ stateWords: CHECKPOINT_WORDS });
  const feed = new FileFeed(fileOptions.parse({ path, loop: true }));
  await feed.start(harness.context);
  await harness.takeUntil(() => feed.status().state === 'ended');
  t.match(harness.warnings, [/is empty/]);
});
