/** A symbol of a file that is refused costs its own ticks, which are counted, and no others. */
import t from 'tap';
import { CHECKPOINT_WORDS } from '../../../src/feeds/file/checkpoint.js';
import { FileFeed } from '../../../src/feeds/file/feed.js';
import { fileOptions } from '../../../src/feeds/file/index.js';
import { Harness } from './harness.js';
import { exportOf, write } from './scratch.js';

t.test('a name that is too long, among others', async (t) => {
  const folder = t.testdir();
  write(folder, 'EURUSD_1.csv', exportOf(3));
  write(folder, `${'X'.repeat(65)}_1.csv`, exportOf(4));
  write(folder, 'Volatility 75 Index_1.csv', exportOf(5));
  const harness = new Harness({ stateWords: CHECKPOINT_WORDS, rawSlots: 64 });
  const feed = new FileFeed(fileOptions.parse({ path: folder, speed: 'max' }));
  await feed.start(harness.context);
  const ticks = await harness.takeUntil(() => feed.status().state !== 'live');
  t.equal(feed.status().state, 'ended');
  const names = ticks.map(({ symbolId }) => harness.registry.symbols[symbolId]?.name);
  t.same(names, [...new Array(3).fill('EURUSD'), ...new Array(5).fill('Volatility 75 Index')]);
  t.equal(harness.warnings.length, 1);
  t.match(
    harness.warnings[0],
    /not 65\. Give it another name by an alias.* Its ticks are counted as refused\./,
  );
  t.match(harness.totals(), { received: 12, rejected: 4, rejectedBy: { refused_symbol: 4 } });
  t.equal(harness.imbalance(), '');
  await feed.stop();
});
