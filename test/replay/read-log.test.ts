/** A range of a log as an async iterator: ends that are inclusive or not, filters, and what the log does not hold. */
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { describeLog, type LogRange, type MissingRange, readLog } from '../../src/index.js';
import { openStore } from '../../src/log/storage/log-store.js';
import { heldSegments } from '../../src/log/storage/reader-lease.js';
import { segmentPath } from '../../src/log/storage/segments.js';
import { temporaryFolder } from '../cli/support.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, runImport, START_MS } from '../import/support.js';

const ROWS = 240;
const STEP_MS = 1000;
const MIDNIGHT_MS = START_MS + 60_000;
const FIRST_POINT = 110_000;

/** An import of two symbols over midnight: a segment for each of two days. */
async function filled(t: Test): Promise<string> {
  const folder = temporaryFolder(t);
  const data = join(folder, 'data');
  await runImport(data, [
    write(folder, 'EURUSD_x.csv', fileOf(quotes(ROWS, START_MS, STEP_MS, FIRST_POINT))),
    write(folder, 'GBPUSD_x.csv', fileOf(quotes(ROWS, START_MS, STEP_MS, 2 * FIRST_POINT))),
  ]);
  return data;
}

async function secondsOf(data: string, range: LogRange): Promise<number[]> {
  const seconds: number[] = [];
  for await (const tick of readLog(data, { kinds: ['quote'], symbols: ['EURUSD'], ...range })) {
    seconds.push(Number(tick.tsRecv / 1_000_000n - BigInt(START_MS)) / STEP_MS);
  }
  return seconds;
}

function from(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

t.test('the whole log', async (t) => {
  const data = await filled(t);
  const { logId, epochs, symbols } = await describeLog(data);
  t.match(logId, /^[0-9a-f]{16}$/);
  t.same(symbols, [
    { symbol: 'EURUSD', digits: 5 },
    { symbol: 'GBPUSD', digits: 5 },
  ]);
  const [{ epoch, isImport, shards }] = epochs;
  t.ok(isImport);
  let count = 0;
  const bids = new Map<string, number[]>();
  for await (const tick of readLog(data)) {
    t.match(tick, { logId, epoch, shard: 0, seq: shards[0].oldest + count++ });
    if (tick.kind === 'quote') bids.set(tick.symbol, [...(bids.get(tick.symbol) ?? []), tick.bid]);
  }
  t.equal(shards[0].newest, shards[0].oldest + count - 1);
  for (const [symbol, factor] of [
    ['EURUSD', 1],
    ['GBPUSD', 2],
  ] as const) {
    t.same(
      bids.get(symbol),
      from(0, ROWS - 1).map((i) => (factor * FIRST_POINT + i) / 1e5),
      symbol,
    );
  }
});

t.test('ranges', async (t) => {
  const data = await filled(t);
  const at = (second: number) => new Date(START_MS + second * STEP_MS);
  t.same(await secondsOf(data, {}), from(0, ROWS - 1));
  t.same(await secondsOf(data, { from: at(10), to: at(20) }), from(10, 19), 'times: the end is exclusive');
  t.same(
    await secondsOf(data, { from: at(10).toISOString(), to: BigInt(+at(20)) * 1_000_000n }),
    from(10, 19),
  );
  t.same(await secondsOf(data, { from: at(10), symbols: ['NOPE'] }), []);
  t.same(await secondsOf(data, { from: at(10), kinds: ['trade'] }), []);
  t.same(await secondsOf(data, { to: at(2), symbols: ['EUR*', 'GBP*'] }), [0, 0, 1, 1]);
  const ticks = [];
  for await (const tick of readLog(data, { kinds: ['quote'], symbols: ['EURUSD'] })) ticks.push(tick);
  t.same(
    await secondsOf(data, { from: ticks[10], to: ticks[20] }),
    from(10, 20),
    'places: both ends are inclusive',
  );
  t.same(await secondsOf(data, { from: `${ticks[10].epoch}:${ticks[10].seq}`, to: ticks[20] }), from(10, 20));
});

t.test('what cannot be read', async (t) => {
  const data = await filled(t);
  t.throws(() => readLog(data, { from: '08:30' }), { code: 'bad_config' });
  t.throws(() => readLog(data, { to: 'never' }), { code: 'bad_config' });
  t.throws(() => readLog(data, { to: new Date(Number.NaN) }), { code: 'bad_config', message: /^to: / });
  const kinds = ['quotes'] as unknown as ['quote'];
  t.throws(() => readLog(data, { kinds }), { code: 'bad_config', message: /"quotes" is no kind/ });
  await t.rejects(readLog(temporaryFolder(t)).next(), { code: 'log_missing' });
  await t.rejects(describeLog(temporaryFolder(t)), { code: 'log_missing' });
});

t.test('a damaged segment', async (t) => {
  const data = await filled(t);
  const store = openStore(data, { readOnly: true });
  const [record] = store.segments();
  await store.close();
  truncateSync(join(segmentPath(data, record.folder), 'data.mdb'), 100);
  const { first, last } = record.ranges![0];

  const gaps: MissingRange[] = [];
  t.same(
    await secondsOf(data, { onGap: (gap) => gaps.push(gap) }),
    from((MIDNIGHT_MS - START_MS) / STEP_MS, ROWS - 1),
  );
  t.same(gaps, [{ epoch: record.ranges![0].epoch, shard: 0, first, last, reason: 'corrupt' }]);
  await t.rejects(secondsOf(data, {}), { code: 'log_corrupt', message: /Give onGap to read on/ });
});

t.test('leaving the loop closes the log', async (t) => {
  const data = await filled(t);
  for await (const _ of readLog(data)) {
    t.ok(heldSegments(data).size > 0, 'retention keeps what is to be read');
    break;
  }
  t.equal(heldSegments(data).size, 0);
});
