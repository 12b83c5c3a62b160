/** What other readers trip over: files without rows, times below a microsecond, prices that nobody knows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import t from 'tap';
import {
  Kind,
  NO_PRICE,
  NO_SIZE,
  NO_TIME_S,
  NO_TRADE_ID,
  Records,
  StatusCode,
  writeHeader,
  writeQuote,
  writeStatus,
  writeTimes,
  writeTrade,
} from '../../src/core/tick.js';
import { OutFile } from '../../src/export/out-file.js';
import { ParquetTickWriter } from '../../src/export/parquet.js';

const SYMBOL = { name: 'EURUSD', digits: 5 };

/** Writes records, and reads the file again. */
async function rowsOf(folder: string, records: Records | undefined): Promise<Record<string, unknown>[]> {
  const out = new OutFile(folder, 'out-', 0);
  const writer = new ParquetTickWriter(out, '0123456789abcdef');
  for (let index = 0; index < (records?.capacity ?? 0); index++) {
    writer.add({ records: records!, index, seq: index + 1, epoch: 1, shard: 0 }, SYMBOL);
  }
  writer.finish();
  return parquetReadObjects({ file: await asyncBufferFromFile(join(folder, 'out-0')) });
}

t.test('a file without rows says what its list of row groups consists of', async (t) => {
  const folder = t.testdir();
  t.same(await rowsOf(folder, undefined), []);
  const file = join(folder, 'out-0');
  const metadata = await parquetMetadataAsync(await asyncBufferFromFile(file));
  t.equal(metadata.num_rows, 0n);
  t.same(metadata.row_groups, []);
  t.equal(metadata.key_value_metadata?.[0].value, '0123456789abcdef');
  // The field of the rows (i64 0), then the list of 0 structs: readers in Rust want its type.
  const bytes = readFileSync(file);
  t.not(bytes.indexOf(Uint8Array.of(0x16, 0, 0x19, 12)), -1);
  t.equal(bytes.indexOf(Uint8Array.of(0x16, 0, 0x19, 0)), -1);
});

t.test('times as integers to the nanosecond; null for what is not known', async (t) => {
  const records = Records.allocate(3);
  const header = (i: number, kind: number) => writeHeader(records, i, 1, kind, 1, i + 1, i + 1);
  header(0, Kind.quote);
  writeTimes(records, 0, 1_718_784_000, 123_456_789, 1_718_784_000, 987_654_321);
  writeQuote(records, 0, NO_PRICE, 1.1, NO_SIZE, 5);
  header(1, Kind.trade);
  writeTimes(records, 1, NO_TIME_S, 0, 1_718_784_001, 1);
  writeTrade(records, 1, Number.NaN, NO_SIZE, NO_TRADE_ID);
  header(2, Kind.status);
  writeTimes(records, 2, NO_TIME_S, 0, 1_718_784_001, 2);
  writeStatus(records, 2, StatusCode.halted, 0, Number.NaN, 0, 0);
  const [quote, trade, status] = await rowsOf(t.testdir(), records);
  t.match(quote, { tsEventNs: 1718784000123456789n, tsRecvNs: 1718784000987654321n, ask: 1.1, askSize: 5 });
  t.match(trade, { tsEventNs: null, tsRecvNs: 1718784001000000001n, tsEvent: null });
  for (const [row, names] of [
    [quote, ['bid', 'bidSize', 'price']],
    [trade, ['price', 'size', 'tradeId', 'bid']],
    [status, ['arg1', 'bid', 'price']],
  ] as const) {
    for (const name of names) t.equal(row[name], null, `${row.kind}: ${name}`);
  }
});
