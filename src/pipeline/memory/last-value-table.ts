/**
 * The last-value table: the newest state of every symbol, readable from any thread without a message.
 *
 * One entry a symbol, written by the shard that owns it, under a seqlock of its own. An entry is a
 * projection of committed ticks: writing the same ticks again leaves it as it is, so a shard that died
 * between its commit and its projection simply projects again.
 *
 * ```
 * header: f64 × 16: per shard, the seq up to which the table holds everything (T of a snapshot)
 * entry i, at 128 + 320 × i:
 *   0 u32 version (odd = being written)  │ 4 u32 definition version sequenced in this epoch
 *   8 u32 symbolSeq of the last tick     │ 12 u32 1 once any tick was seen
 *  16 f64 seq of the last tick of any kind; 0 = none in this epoch
 *  24 f64 seq of the quote below         │ 32 f64 of the trade │ 40 f64 of the status; 0 = of an earlier epoch
 *  48 u32 newest quote tsEvent s │ 52 ns │ 56 u32 newest trade tsEvent s │ 60 ns
 *  64 quote record   │ 128 trade record  │ 192 status record (symbol id 0xffffffff = none)
 * 256 f64 last bid   │ 264 last ask      │ 272 last bid size │ 280 last ask size (NaN = never seen)
 * 288 f64 mean absolute move of the mid  │ 296 f64 ticks that pending half-quotes stand for
 * 304 u32 epoch that sequenced the quote where that is an earlier one; 0 = unknown │ 308..319 zero
 * ```
 */
import { SHARDS_MAX, SYMBOLS_MAX } from '../../core/limits.js';
import {
  copyRecord,
  copySequenced,
  copyWords,
  RECORD_BYTES,
  RECORD_F64,
  RECORD_U32,
  Records,
} from '../../core/tick.js';
import { failpoint } from './failpoint.js';

const HEADER_BYTES = SHARDS_MAX * 8;
export const ENTRY_BYTES = 320;
export const ENTRY_U32 = ENTRY_BYTES / 4;
export const ENTRY_F64 = ENTRY_BYTES / 8;

export const EntryU32 = {
  version: 0,
  defined: 1,
  symbolSeq: 2,
  seen: 3,
  quoteS: 12,
  quoteNs: 13,
  tradeS: 14,
  tradeNs: 15,
  quoteEpoch: 76,
} as const;
export const EntryF64 = {
  seq: 2,
  quoteSeq: 3,
  tradeSeq: 4,
  statusSeq: 5,
  bid: 32,
  ask: 33,
  bidSize: 34,
  askSize: 35,
  deviation: 36,
  pending: 37,
} as const;
/** What symbol ids stay within: masked with it, indices cost less, as with `SLOT_BITS`. */
export const ID_BITS = SYMBOLS_MAX - 1;
/** Which of an entry's three records. */
export const Slot = { quote: 0, trade: 1, status: 2 } as const;
export const NO_RECORD = 0xffffffff;
const RECORDS_AT = 64;
const RECORDS_AT_U32 = RECORDS_AT / 4;
const RECORDS_AT_F64 = RECORDS_AT / 8;
/** Tries before a reader gives up on an entry whose writer died inside it; the supervisor repairs it. */
const READ_TRIES = 1000;

/** A private copy of one entry. */
export class TableEntry {
  readonly #buffer = new ArrayBuffer(ENTRY_BYTES);
  readonly u32 = new Uint32Array(this.#buffer);
  readonly f64 = new Float64Array(this.#buffer);
  /** The quote, the trade and the status record: see `Slot`. */
  readonly records = new Records(this.#buffer, RECORDS_AT, 3);

  /** An entry of a symbol that never ticked. */
  clear(): void {
    this.u32.fill(0);
    for (let s = 0; s < 3; s++) this.u32[(RECORDS_AT + s * RECORD_BYTES) / 4] = NO_RECORD;
    for (let i = EntryF64.bid; i <= EntryF64.askSize; i++) this.f64[i] = Number.NaN;
  }

  has(slot: number): boolean {
    return this.u32[(RECORDS_AT + slot * RECORD_BYTES) / 4] !== NO_RECORD;
  }

  get seq(): number {
    return this.f64[EntryF64.seq];
  }

  get symbolSeq(): number {
    return this.u32[EntryU32.symbolSeq];
  }

  setRecord(slot: number, from: Records, i: number): void {
    copyRecord(from, i, this.records, slot);
  }
}

export class LastValueTable {
  /** All entries as words, for the writer between `begin` and `end`: entry i starts at i × ENTRY_U32. */
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly #versions: Int32Array;
  readonly #applied: Float64Array;

  constructor(
    readonly memory: SharedArrayBuffer,
    readonly maxSymbols: number,
  ) {
    this.u32 = new Uint32Array(memory, HEADER_BYTES);
    this.#versions = new Int32Array(memory, HEADER_BYTES);
    this.f64 = new Float64Array(memory, HEADER_BYTES);
    this.#applied = new Float64Array(memory, 0, SHARDS_MAX);
  }

  /** Memory for `maxSymbols` entries, all of them clear. */
  static allocate(maxSymbols: number): SharedArrayBuffer {
    const memory = new SharedArrayBuffer(HEADER_BYTES + maxSymbols * ENTRY_BYTES);
    const blank = new TableEntry();
    blank.clear();
    const words = new Uint32Array(memory, HEADER_BYTES);
    for (let id = 0; id < maxSymbols; id++) words.set(blank.u32, id * ENTRY_U32);
    return memory;
  }

  /** The seq up to which everything of the shard is in the table. */
  applied(shard: number): number {
    // The version store of the entries' seqlocks orders these plain words; 8-byte aligned, never torn on 64-bit.
    return this.#applied[shard];
  }

  setApplied(shard: number, seq: number): void {
    this.#applied[shard] = seq;
    failpoint();
  }

  /** The seq of a symbol's last tick, for a quick look before an entry is copied. */
  lastSeq(symbolId: number): number {
    return this.f64[symbolId * ENTRY_F64 + EntryF64.seq];
  }

  /** Writer only: opens an entry for changes through `u32` and `f64`. A version left odd by a dead writer is taken over. */
  begin(symbolId: number): void {
    const w = symbolId * ENTRY_U32;
    Atomics.store(this.#versions, w, this.#versions[w] | 1);
    failpoint();
  }

  /** Writer only: makes the changes since `begin` visible. */
  end(symbolId: number): void {
    const w = symbolId * ENTRY_U32;
    failpoint();
    Atomics.store(this.#versions, w, (this.#versions[w] + 1) | 0);
    failpoint();
  }

  /** Writer only, between `begin` and `end`: takes over one of an entry's records. */
  writeRecord(symbolId: number, slot: number, from: Records, i: number): void {
    const id = symbolId & ID_BITS;
    const at32 = id * ENTRY_U32 + RECORDS_AT_U32 + slot * RECORD_U32;
    const at64 = id * ENTRY_F64 + RECORDS_AT_F64 + slot * RECORD_F64;
    copySequenced(from, i, this.u32, at32, this.f64, at64);
  }

  /** Writer only: replaces a whole entry. */
  write(symbolId: number, entry: TableEntry): void {
    const w = symbolId * ENTRY_U32;
    this.begin(symbolId);
    for (let i = 1; i < ENTRY_U32; i++) this.u32[w + i] = entry.u32[i];
    this.end(symbolId);
  }

  /** Any thread: copies an entry. False when it could not be had whole: its writer is dead and not yet replaced. */
  read(symbolId: number, into: TableEntry): boolean {
    const w = symbolId * ENTRY_U32;
    for (let tries = 0; tries < READ_TRIES; tries++) {
      const version = Atomics.load(this.#versions, w);
      if ((version & 1) !== 0) continue;
      for (let i = 0; i < ENTRY_U32; i += RECORD_U32) copyWords(this.u32, w + i, into.u32, i);
      if (Atomics.load(this.#versions, w) === version) return true;
    }
    return false;
  }

  /** True while an entry is being written, or was left so by a writer that died. */
  isTorn(symbolId: number): boolean {
    return (Atomics.load(this.#versions, symbolId * ENTRY_U32) & 1) !== 0;
  }
}
