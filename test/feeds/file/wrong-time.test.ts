/** One row with a wrong time does not hold up the rows after it, nor hurry them. */
import t, { type Test } from 'tap';
import { CHECKPOINT_WORDS } from '../../../src/feeds/file/checkpoint.js';
import { FileFeed } from '../../../src/feeds/file/feed.js';
import { fileOptions, openMerged } from '../../../src/feeds/file/index.js';
import { Harness } from './harness.js';
import { EXPORT_HEADER, entryOf, write } from './scratch.js';

const ROWS = 60;
const HOUR = 3_600_000;
const START_MS = Date.UTC(2024, 5, 19, 6);

/** An export with a quote a second, but for rows whose time is `wrong` by so many milliseconds. */
function exportWith(wrong: Record<number, number>, rows = ROWS, startMs = START_MS): string {
  const lines = [EXPORT_HEADER];
  for (let i = 0; i < rows; i++) {
    const [date, time] = new Date(startMs + i * 1000 + (wrong[i] ?? 0)).toISOString().slice(0, 23).split('T');
    lines.push(`${date.replaceAll('-', '.')}\t${time}\t${(1.1 + i / 1e5).toFixed(5)}\t1.50000\t\t\t6`);
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** When each row was received, in milliseconds after the first. */
async function played(t: Test, wrong: Record<number, number>): Promise<number[]> {
  const path = write(t.testdir(), 'EURUSD_x.csv', exportWith(wrong));
  const harness = new Harness({ stateWords: CHECKPOINT_WORDS });
  const feed = new FileFeed(fileOptions.parse({ path, shiftToNow: true }), harness.sleep());
  await feed.start(harness.context);
  const ticks = await harness.takeUntil(() => feed.status().state === 'ended');
  t.equal(ticks.length, ROWS);
  const firstMs = Number(ticks[0].tsRecv / 1_000_000n);
  return ticks.map((tick) => Number(tick.tsRecv / 1_000_000n) - firstMs);
}

const even = Array.from({ length: ROWS }, (_, i) => i * 1000);

for (const [what, wrong, whom] of [
  ['3 h ahead', { 20: 3 * HOUR }, [20]],
  ['a year ahead', { 20: 365 * 24 * HOUR }, [20]],
  ['two in a row', { 20: 3 * HOUR, 21: 3 * HOUR }, [20, 21]],
  ['the first one ahead', { 0: 3 * HOUR }, []],
  ['3 h back', { 20: -3 * HOUR }, [20]],
  ['of 1971', { 20: -53 * 365 * 24 * HOUR }, [20]],
  ['the last but one', { [ROWS - 2]: 3 * HOUR }, [ROWS - 2]],
] as const) {
  t.test(what, async (t) => {
    const times = await played(t, wrong);
    const others = (list: number[]) => list.filter((_, i) => !(whom as readonly number[]).includes(i));
    const first = wrong[0 as keyof typeof wrong] === undefined ? 0 : 1000;
    t.same(
      others(times),
      others(even).map((ms) => Math.max(0, ms - first)),
    );
    for (const i of whom)
      t.ok(times[i] >= times[i - 1] && times[i] <= times[i + 1], `row ${i} keeps its place`);
  });
}

t.test('a first one of 1971 does not stop the feed for half a century', async (t) => {
  const times = await played(t, { 0: -53 * 365 * 24 * HOUR });
  t.same(
    times,
    even.map((ms) => Math.max(0, ms - 1000)),
  );
});

t.test('merged files: one ahead does not hold up the ticks of its file', async (t) => {
  const folder = t.testdir();
  const paths = [
    write(folder, 'EURUSD_x.csv', exportWith({ 20: 3 * HOUR })),
    write(folder, 'XAUUSD_x.csv', exportWith({ 40: -3 * HOUR }, ROWS, START_MS + 500)),
  ];
  const file = await openMerged(paths);
  const order: string[] = [];
  for await (const batch of file.batches)
    for (let i = 0; i < batch.length; i++) {
      const { raw, bid } = entryOf(file, batch, i);
      order.push(`${raw} ${Math.round((bid - 1.1) * 1e5)}`);
    }
  const due = Array.from({ length: ROWS }, (_, i) => [`EURUSD ${i}`, `XAUUSD ${i}`]).flat();
  const right = (list: string[]) => list.filter((name) => name !== 'EURUSD 20' && name !== 'XAUUSD 40');
  t.same(right(order), right(due));
  t.equal(order.length, 2 * ROWS);
});
