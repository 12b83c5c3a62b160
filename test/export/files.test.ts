/** What an export holds, read back by other means than ours where there are any. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import t from 'tap';
import { type TickRecord, toTick } from '../../src/core/tick-record.js';
import { byDay, bySymbol, type PlannedJob } from '../../src/export/plan.js';
import { exportToFiles } from '../../src/export/run.js';
import type { ExportFormat } from '../../src/export/writer.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { LogStream } from '../../src/replay/stream.js';
import { readLogRegistry } from '../../src/replay/symbols.js';
import { LINES } from '../../src/wire/lines.js';
import { readAll } from '../feeds/file/scratch.js';
import { drain, FakeShard, Market, makeFolder, openRig, removeFolder } from '../log/support.js';

const TICKS = 20_000;
const SYMBOLS = 6;
const ALL = { filter: null, kindsMask: 0xff };
const never = new AbortController().signal;

t.test('exports of one log', async (t) => {
  const data = makeFolder();
  t.teardown(() => removeFolder(data));
  const rig = await openRig(data, SYMBOLS, { shards: 2 });
  const shards = [0, 1].map((s) => new FakeShard(rig.memory, s, new Market(SYMBOLS, 5 + s), TICKS));
  const stage = rig.stage();
  await Promise.all(shards.map((shard) => shard.publishAll(TICKS)));
  await drain(rig, stage);
  await rig.opened.close();

  const registry = await readLogRegistry(data);
  const reader = LogReader.open(data);
  t.teardown(() => reader.close());
  const wanted: { tick: TickRecord; seq: number; shard: number; csv: string }[] = [];
  const stream = new LogStream(reader, { filter: null });
  while (stream.next()) {
    const tick = toTick(stream.records, stream.index);
    const digits = registry.digits[tick.symbolId];
    const csv = LINES.csv.line(stream, { name: `S${tick.symbolId}`, digits });
    wanted.push({ tick, seq: stream.seq, shard: stream.shard, csv });
  }
  t.equal(wanted.length, 2 * TICKS);

  const write = async (name: string, format: ExportFormat, ending: string, jobs: PlannedJob[]) => {
    const folder = join(data, name);
    mkdirSync(folder);
    const style = { format, zone: 'UTC', isForSheet: false, mark: '.x-' };
    const outcome = await exportToFiles({ data, ...style, folder, ending, jobs }, never, () => {});
    t.same(
      readdirSync(folder).sort(),
      outcome!.files.map(({ file }) => file.slice(folder.length + 1)).sort(),
    );
    return { ...outcome!, folder };
  };

  t.test('parquet: every field of every tick, by another reader', async (t) => {
    const { folder, ticks } = await write('parquet', 'parquet', '', [{ name: 'all.parquet', range: ALL }]);
    t.equal(ticks, 2 * TICKS);
    const rows = await parquetReadObjects({
      file: await asyncBufferFromFile(join(folder, 'all.parquet')),
      parsers: {
        timestampFromNanoseconds: (ns: bigint) => ns as unknown as Date,
        timestampFromMilliseconds: () => t.fail('times are nanoseconds') as unknown as Date,
        timestampFromMicroseconds: () => t.fail('times are nanoseconds') as unknown as Date,
        dateFromDays: () => t.fail('there are no dates') as unknown as Date,
      },
    } as Parameters<typeof parquetReadObjects>[0]);
    t.equal(rows.length, wanted.length);
    const differ = wanted.findIndex(({ tick, seq, shard }, i) => {
      const row = rows[i];
      const pairs: [unknown, unknown][] = [
        [row.epoch, 1],
        [row.shard, shard],
        [row.seq, BigInt(seq)],
        [row.symbol, `S${tick.symbolId}`],
        [row.symbolSeq, tick.symbolSeq],
        [row.kind, tick.kind],
        [row.tsEvent, tick.tsEvent],
        [row.tsRecv, tick.tsRecv],
        [row.tsEventNs, tick.tsEvent],
        [row.tsRecvNs, tick.tsRecv],
        [row.flags, tick.flags.join(' ')],
        [row.side, tick.kind === 'trade' ? 'buy' : null],
      ];
      for (const name of ['bid', 'ask', 'bidSize', 'askSize', 'price', 'size', 'tradeId', 'code'] as const)
        pairs.push([row[name], tick[name] ?? null]);
      return pairs.some(([got, want]) => got !== want);
    });
    t.equal(differ, -1, `first that differs: ${differ < 0 ? '' : JSON.stringify(wanted[differ].csv)}`);
  });

  t.test('a file a symbol: each tick in its own, in order', async (t) => {
    const { folder, files } = await write('split', 'csv', '.csv', bySymbol(ALL, registry.symbolCount));
    t.equal(files.length, SYMBOLS);
    for (let id = 1; id <= SYMBOLS; id++) {
      const lines = readFileSync(join(folder, `S${id}.csv`), 'utf8')
        .split('\n')
        .slice(1, -1);
      const mine = wanted.filter(({ tick }) => tick.symbolId === id).map(({ csv }) => csv);
      t.ok(lines.length === mine.length && lines.every((line, i) => line === mine[i]), `S${id}`);
    }
  });

  t.test('files by day are the whole together', async (t) => {
    const jobs = byDay(reader, ALL);
    const { folder, files, ticks } = await write('days', 'csv', '.csv', jobs);
    t.equal(ticks, 2 * TICKS);
    const lines = files.flatMap(({ file }) => readFileSync(file, 'utf8').split('\n').slice(1, -1));
    t.ok(lines.every((line, i) => line === wanted[i].csv));
    t.equal(readdirSync(folder)[0], '2023-11-14.csv');
  });

  t.test("mt5: the feed's own reader gets the same quotes and trades", async (t) => {
    const { files, unheld } = await write('mt5', 'mt5', '.csv', bySymbol(ALL, registry.symbolCount));
    t.equal(unheld, 0);
    t.equal(files.length, SYMBOLS);
    for (const { file } of files) {
      const { entries, badRecords } = await readAll(file);
      t.equal(badRecords, 0);
      const id = Number(/S(\d+)_/.exec(file)![1]);
      const mine = wanted.filter(({ tick }) => tick.symbolId === id);
      const differ = mine.findIndex(({ tick }, i) => {
        const got = entries[i];
        const isTrade = tick.kind === 'trade';
        const ms = Number((tick.tsEvent ?? tick.tsRecv) / 1_000_000n);
        return isTrade
          ? got.kind !== 2 ||
              got.price !== tick.price ||
              (got.size || null) !== (tick.size || null) ||
              got.ms !== ms
          : got.kind !== 1 || got.bid !== tick.bid || got.ask !== tick.ask || got.ms !== ms;
      });
      t.equal(entries.length, mine.length, file);
      t.equal(differ, -1, 'first that differs');
    }
  });

  t.test('what is stopped leaves nothing', async (t) => {
    const folder = join(data, 'stopped');
    mkdirSync(folder);
    const abort = new AbortController();
    const jobs = bySymbol(ALL, registry.symbolCount);
    const running = exportToFiles(
      { data, format: 'csv', zone: 'UTC', isForSheet: false, mark: '.x-', folder, ending: '.csv', jobs },
      abort.signal,
      () => {},
    );
    abort.abort();
    t.equal(await running, undefined);
    t.same(readdirSync(folder), []);
  });
});
