/** Digits are learnt from the prices of a file; float artefacts and one row with more decimals do not raise them. */
import t, { type Test } from 'tap';
import { CHECKPOINT_WORDS } from '../../../src/feeds/file/checkpoint.js';
import { FileFeed } from '../../../src/feeds/file/feed.js';
import { fileOptions } from '../../../src/feeds/file/index.js';
import { Harness } from './harness.js';
import { EXPORT_HEADER, type ReadBack, readAll, write } from './scratch.js';

/** A terminal's export of bids, each with an ask that is blank except where it is stated. */
function exportOf(bids: readonly string[], asks: Record<number, string> = { 0: '2' }): string {
  const rows = bids.map(
    (bid, i) => `2024.06.19\t06:00:00.${String(i % 1000).padStart(3, '0')}\t${bid}\t${asks[i] ?? ''}\t\t\t6`,
  );
  return [EXPORT_HEADER, ...rows].join('\n');
}

function read(t: Test, bids: readonly string[], asks?: Record<number, string>): Promise<ReadBack> {
  return readAll(write(t.testdir(), 'EURUSD.csv', exportOf(bids, asks)));
}

const ROWS = 5_000;
/** Bids of five decimals, as a program writes floats: without trailing zeros. */
const bids = Array.from({ length: ROWS }, (_, i) => String((110_000 + i) / 1e5));
const withRow = (at: number, bid: string) => bids.map((usual, i) => (i === at ? bid : usual));

for (const [what, at] of [
  ['the first row', 0],
  ['a row', 700],
  ['a row of a later batch', 3_000],
  ['the last row', ROWS - 1],
] as const) {
  t.test(`${what} has more decimals`, async (t) => {
    const { digits, entries } = await read(t, withRow(at, '1.14525123'));
    t.same(digits, [5]);
    t.equal(entries[at].bid, 1.14525123, 'it is read as it stands');
    t.equal(entries[ROWS - 2].bid, Number(bids[ROWS - 2]));
  });
}

t.test('both sides of one row have, and one is carried on', async (t) => {
  const rows = [...bids];
  for (let i = 700; i < 704; i++) rows[i] = i === 700 ? '1.14525123' : '';
  const { digits } = await read(t, rows, { 0: '2', 700: '1.1452612345', 702: '2' });
  t.same(digits, [5]);
});

t.test('a price that is stated again adds nothing', async (t) => {
  const rows = withRow(700, '1.14525123').map((bid, i) => (i === 701 ? '1.14525123' : bid));
  t.same((await read(t, rows)).digits, [5]);
});

t.test('float artefacts add no digits', async (t) => {
  const rows = bids.map((bid, i) =>
    i % 3 === 0 ? `${bid}${'0'.repeat(15 - (bid.split('.')[1] ?? '').length)}2` : bid,
  );
  rows[0] = '1.1452499999999999';
  const { digits, entries } = await read(t, rows);
  t.same(digits, [5]);
  t.equal(entries[0].bid, 1.14525);
});

t.test('a second row with more decimals raises them', async (t) => {
  const rows = withRow(700, '1.1452512').map((bid, i) => (i === 4_000 ? '1.14526134' : bid));
  t.same((await read(t, rows)).digits, [7]);
});

t.test('few rows are believed each', async (t) => {
  t.same((await read(t, ['1.1', '1.2', '1.14525'])).digits, [5]);
  t.same((await read(t, ['1.14525'])).digits, [5]);
});

t.test('trailing zeros count', async (t) => {
  t.same((await read(t, new Array(50).fill('70000.00'))).digits, [2]);
});

t.test('the file feed defines them, logs the row, and lowers them by its option', async (t) => {
  const path = write(t.testdir(), 'EURUSD.csv', exportOf(withRow(3_000, '1.14525123')));
  const harness = new Harness({ stateWords: CHECKPOINT_WORDS });
  const play = async (options: object) => {
    const feed = new FileFeed(fileOptions.parse({ path, speed: 'max', ...options }));
    await feed.start(harness.context);
    await harness.takeUntil(() => feed.status().state !== 'live');
    t.equal(feed.status().state, 'ended');
    await feed.stop();
  };
  await play({});
  t.equal(harness.registry.digits[1], 5);
  t.equal(harness.registry.version[1], 1);
  t.match(harness.warnings, [
    /^EURUSD: one row has prices with 8 decimals, the others have 5: it is rounded/,
  ]);
  harness.registry.defineSymbol({ name: 'EURUSD', digits: 12 });
  await play({});
  t.equal(harness.registry.digits[1], 12, 'what is learnt never lowers');
  await play({ digits: 4 });
  t.equal(harness.registry.digits[1], 4);
  t.equal(harness.registry.version[1], 3);
});
