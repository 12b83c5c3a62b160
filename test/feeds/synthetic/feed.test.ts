import t from 'tap';
import { Records } from '../../../src/core/tick.js';
import { type TickRecord, toTick } from '../../../src/core/tick-record.js';
import { SyntheticFeed, syntheticStateWords } from '../../../src/feeds/synthetic/feed.js';
import { Market, STANDARD_MARKET, syntheticOptions } from '../../../src/feeds/synthetic/index.js';
import { armFailpoint } from '../../../src/pipeline/memory/failpoint.js';
import { Harness } from '../file/harness.js';

const SYMBOLS = 20;
const COUNT = 20_000;

function expected(seed: number): string {
  const records = Records.allocate(COUNT);
  new Market({ ...STANDARD_MARKET, symbols: SYMBOLS, seed }).fill(records, 0, COUNT);
  return content(Array.from({ length: COUNT }, (_, i) => toTick(records, i)));
}

/** Everything but when it was received. */
function content(ticks: TickRecord[]): string {
  return ticks
    .map(({ tsRecv: _, sourceId: __, ...rest }) => JSON.stringify({ ...rest, tsEvent: String(rest.tsEvent) }))
    .join('\n');
}

t.test('flat out through a small ring: every tick once, in order, then it ends', async (t) => {
  const options = syntheticOptions.parse({ rate: 'max', count: COUNT, symbols: SYMBOLS, seed: 3 });
  const harness = new Harness({ stateWords: syntheticStateWords(options), rawSlots: 64 });
  const feed = new SyntheticFeed(options);
  await feed.start(harness.context);
  const ticks = await harness.takeUntil(() => feed.status().state === 'ended');
  t.ok(content(ticks) === expected(3));
  t.equal(harness.imbalance(), '');
  await feed.stop();
});

t.test('a feed whose thread died continues with the tick after the last committed one', async (t) => {
  const options = syntheticOptions.parse({ rate: 'max', count: COUNT, symbols: SYMBOLS, seed: 4 });
  const stateWords = syntheticStateWords(options);
  // Nobody takes anything until the end: only the feed touches shared memory while a fault is armed.
  let harness = new Harness({ stateWords, rawSlots: 32_768 });
  // At each of the first batch's writes (two pieces, before the flip, after it), and in the third batch.
  for (const writes of [1, 2, 3, 4, 9]) {
    const dying = new SyntheticFeed(options);
    await dying.start(harness.context);
    armFailpoint(writes, () => {
      throw new Error('the thread dies');
    });
    while (dying.status().state === 'live') await new Promise((resolve) => setImmediate(resolve));
    armFailpoint(0, () => {});
    t.equal(dying.status().state, 'failed');
    harness = new Harness({ stateWords, memory: harness.memory });
  }
  const last = new SyntheticFeed(options);
  await last.start(harness.context);
  t.ok(content(await harness.takeUntil(() => last.status().state === 'ended')) === expected(4));
  t.equal(harness.imbalance(), '');
});
