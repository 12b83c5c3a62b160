import t from 'tap';
import { CHECKPOINT_WORDS } from '../../../src/feeds/file/checkpoint.js';
import { FileFeed } from '../../../src/feeds/file/feed.js';
import { fileOptions } from '../../../src/feeds/file/index.js';
import { Harness } from './harness.js';
import { exportOf, write } from './scratch.js';

t.test('a folder is played in name order through a small ring, and the sums hold', async (t) => {
  const folder = t.testdir();
  write(folder, 'EURUSD_1.csv', exportOf(500));
  const lines = exportOf(300).split('\r\n');
  lines[100] = 'broken';
  lines[200] = lines[200].replace('\t\t\t6', '\t1.2\t3\t94');
  write(folder, 'GBPUSD_2.csv', lines.join('\r\n'));
  write(folder, 'USDCHF_3.csv', '');
  write(folder, 'notes.txt', 'no ticks');

  const harness = new Harness({ stateWords: CHECKPOINT_WORDS, rawSlots: 64 });
  const feed = new FileFeed(fileOptions.parse({ path: folder, speed: 'max' }));
  await feed.start(harness.context);
  const ticks = await harness.takeUntil(() => feed.status().state !== 'live');
  t.equal(feed.status().state, 'ended');
  t.equal(ticks.length, 500 + 299 + 1, 'one line became a quote and a trade');
  t.same(
    [...new Set(ticks.map((tick) => harness.registry.symbols[tick.symbolId]?.name))],
    ['EURUSD', 'GBPUSD'],
  );
  t.same(
    ticks.slice(0, 500).map((tick) => tick.tsEvent),
    Array.from({ length: 500 }, (_, i) => BigInt(1_718_776_800 + i) * 1_000_000_000n),
  );
  const totals = harness.totals();
  t.equal(totals.received, 800);
  t.equal(totals.split, 1);
  t.equal(totals.rejectedBy.bad_record, 1);
  t.equal(harness.imbalance(), '');
  t.ok(harness.warnings.some((warning) => /USDCHF_3.csv is empty/.test(warning)));
  await feed.stop();
});

t.test('a path that names nothing is refused', async (t) => {
  const harness = new Harness({ stateWords: CHECKPOINT_WORDS });
  const feed = new FileFeed(fileOptions.parse({ path: `${t.testdir()}/*.csv` }));
  await t.rejects(feed.start(harness.context), { code: 'bad_input' });
});
