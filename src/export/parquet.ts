/**
 * Exports as Parquet: the columns of the CSV, one row a tick, times as timestamps in nanoseconds, UTC, and again as
 * integers, as readers without such timestamps round them. What a tick of its kind does not have, or its source did
 * not tell, is null, never NaN: a reader that goes by the statistics of a column would pass over its rows.
 */
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { flagsOf, NO_PRICE } from '../core/tick.js';
import { flagNames, type TickRecord, toTick } from '../core/tick-record.js';
import type { PlacedTick } from '../wire/lines.js';
import type { OutFile } from './out-file.js';
import type { ExportSymbol, TickWriter } from './writer.js';

/** Rows of a group: what stands in memory as values. */
const GROUP_ROWS = 65_536;
/** Bytes, about, that the values of a waiting row take. */
const ROW_BYTES = 512;

type Cell = number | bigint | string | null;
type Column = SchemaElement & { of(row: Row): Cell };

interface Row {
  place: PlacedTick;
  tick: TickRecord;
  symbol: string;
  flags: string;
}

const NANOS = {
  type: 'INT64',
  logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'NANOS' },
} as const;
const INT64 = { type: 'INT64' } as const;
const TEXT = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const;
const U32 = { type: 'INT32', converted_type: 'UINT_32' } as const;
const DOUBLE = { type: 'DOUBLE' } as const;

function required(name: string, type: Partial<SchemaElement>, of: Column['of']): Column {
  return { name, ...type, repetition_type: 'REQUIRED', of };
}
function optional(name: string, type: Partial<SchemaElement>, of: (row: Row) => Cell | undefined): Column {
  const orNull = (value: Cell | undefined) =>
    value === undefined || Number.isNaN(value) || value === NO_PRICE ? null : value;
  return { name, ...type, repetition_type: 'OPTIONAL', of: (row) => orNull(of(row)) };
}

const COLUMNS: Column[] = [
  required('epoch', U32, ({ place }) => place.epoch),
  required('shard', U32, ({ place }) => place.shard),
  required('seq', INT64, ({ place }) => BigInt(place.seq)),
  required('symbol', TEXT, ({ symbol }) => symbol),
  required('symbolSeq', U32, ({ tick }) => tick.symbolSeq),
  required('kind', TEXT, ({ tick }) => tick.kind),
  optional('tsEvent', NANOS, ({ tick }) => tick.tsEvent),
  required('tsRecv', NANOS, ({ tick }) => tick.tsRecv),
  optional('bid', DOUBLE, ({ tick }) => tick.bid),
  optional('ask', DOUBLE, ({ tick }) => tick.ask),
  optional('bidSize', DOUBLE, ({ tick }) => tick.bidSize),
  optional('askSize', DOUBLE, ({ tick }) => tick.askSize),
  optional('price', DOUBLE, ({ tick }) => tick.price),
  optional('size', DOUBLE, ({ tick }) => tick.size),
  optional('side', TEXT, ({ tick }) => (tick.kind === 'trade' ? sideOf(tick) : null)),
  optional('tradeId', DOUBLE, ({ tick }) => tick.tradeId),
  optional('code', U32, ({ tick }) => tick.code),
  ...[0, 1, 2, 3].map((n) => optional(`arg${n}`, DOUBLE, ({ tick }) => tick.args?.[n])),
  optional('reason', U32, ({ tick }) => tick.reason),
  optional('first', DOUBLE, ({ tick }) => tick.first),
  optional('last', DOUBLE, ({ tick }) => tick.last),
  optional('count', DOUBLE, ({ tick }) => tick.count),
  required('flags', TEXT, ({ flags }) => flags),
  optional('tsEventNs', INT64, ({ tick }) => tick.tsEvent),
  required('tsRecvNs', INT64, ({ tick }) => tick.tsRecv),
];

const SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: COLUMNS.length },
  ...COLUMNS.map(({ of: _, ...element }) => element),
];

function sideOf({ flags }: TickRecord): string | null {
  return flags.includes('buy') ? 'buy' : flags.includes('sell') ? 'sell' : null;
}

/** Hands the library's bytes on to the file, a row group at a time. */
class FileBytes extends ByteWriter {
  constructor(readonly file: OutFile) {
    super(1024 * 1024);
  }

  flush(): void {
    this.file.append(this.getBytes());
    this.index = 0;
  }

  override finish(): void {
    if (this.offset === this.index) nameGroups(this.getBytes());
    this.flush();
  }
}

/** In the metadata of a file without rows: their number, and the list of groups, which names no type of its elements. */
const NO_ROWS = Uint8Array.of(0x16, 0, 0x19, 0);
const STRUCT = 12;

/** Says what a list of no row groups would consist of: readers that want to know refuse the file else. */
function nameGroups(file: Uint8Array): void {
  const at = Buffer.from(file.buffer, file.byteOffset, file.byteLength).indexOf(NO_ROWS);
  if (at < 0) throw new Error('the metadata of a Parquet file without rows is not as expected');
  file[at + NO_ROWS.length - 1] = STRUCT;
}

export class ParquetTickWriter implements TickWriter {
  readonly #parquet: ParquetWriter;
  #cells: Cell[][] = COLUMNS.map(() => []);
  #rows = 0;

  /** @param logId which log the ticks are of; kept in the file's metadata */
  constructor(
    readonly file: OutFile,
    logId: string,
  ) {
    this.#parquet = new ParquetWriter({
      writer: new FileBytes(file),
      schema: SCHEMA,
      kvMetadata: [{ key: 'tickwire.logId', value: logId }],
      createdBy: 'tickwire',
    });
  }

  add(place: PlacedTick, symbol: ExportSymbol): boolean {
    const { records, index } = place;
    const flags = flagNames(flagsOf(records, index)).join(' ');
    const row: Row = { place, tick: toTick(records, index), symbol: symbol.name, flags };
    for (let c = 0; c < COLUMNS.length; c++) this.#cells[c].push(COLUMNS[c].of(row));
    if (++this.#rows === GROUP_ROWS) this.flush();
    return true;
  }

  get waiting(): number {
    return this.#rows * ROW_BYTES;
  }

  flush(): void {
    if (this.#rows === 0) return;
    const columnData = COLUMNS.map(({ name }, c) => ({ name, data: this.#cells[c] }));
    this.#parquet.write({ columnData, rowGroupSize: GROUP_ROWS });
    this.#cells = COLUMNS.map(() => []);
    this.#rows = 0;
  }

  finish(): void {
    this.flush();
    this.#parquet.finish();
    this.file.finish();
  }
}
