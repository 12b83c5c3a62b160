import t from 'tap';
import { SyntheticFeed, syntheticStateWords } from '../../../src/feeds/synthetic/feed.js';
import { syntheticOptions } from '../../../src/feeds/synthetic/index.js';
import { Harness } from '../file/harness.js';

t.test(
  'under conflate a full ring does not hold the market up; no trade is lost, and the sums hold',
  async (t) => {
    const options = syntheticOptions.parse({ rate: 'max', count: 20_000, symbols: 10 });
    const harness = new Harness({
      policy: 'conflate',
      stateWords: syntheticStateWords(options),
      rawSlots: 64,
    });
    const feed = new SyntheticFeed(options);
    await feed.start(harness.context);
    const generated = (): number => feed.status().counters!.generated!;
    while (generated() < 20_000) await new Promise((resolve) => setImmediate(resolve));
    t.equal(feed.status().state, 'live', 'what stands aside is waited for');
    const ticks = await harness.takeUntil(() => feed.status().state === 'ended');
    const totals = harness.totals();
    t.equal(totals.received, 20_000);
    t.ok(totals.conflated > 15_000);
    t.equal(totals.dropped, 0);
    const trades = ticks.filter((tick) => tick.kind === 'trade').length;
    t.ok(trades > 900 && trades < 1_100, `${trades} trades`);
    t.equal(harness.imbalance(), '');
  },
);
