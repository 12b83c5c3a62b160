/**
 * The tick record: 64 bytes, one cache line, little-endian. This file and `record-layout.ts` own its bytes.
 *
 * ```
 *  0 u32 symbolId      │ 4 u16 kind (bits 0-2) + flags (bits 3-10) │ 6 u16 sourceId
 *  8 u32 seqLow        │ 12 u32 symbolSeq (mod 2^32)
 * 16 u32 tsEvent s     │ 20 u32 tsEvent ns
 * 24 u32 tsRecv s      │ 28 u32 tsRecv ns
 *
 *    quote             trade               status                       gap
 * 32 f64 bid           f64 price           u32 arg0 │ u16 code │ u16 0  u32 0 │ u16 reason │ u16 0
 * 40 f64 ask           f64 0               f64 arg1                     f64 first
 * 48 f64 bidSize       f64 size            f64 arg2                     f64 last
 * 56 f64 askSize       f64 tradeId         f64 arg3                     f64 count
 * ```
 *
 * A raw record (feed → shard) has the same layout, but for two words that only sequencing can fill:
 *
 * ```
 *  8 u32 positionLow: twice the source's own tick count once this record is done, one less for the first
 *      record of a split tick (mod 2^32); 0 where it has none
 * 12 u32 conflated: how many earlier ticks of this symbol the record stands for besides itself
 * ```
 *
 * Times are UNIX time, UTC. Prices are float64 rounded to the symbol's digits. In a status or gap the
 * u16 at 38 stays 0, so that the eight bytes at 32 never form a NaN and survive being moved as a float64.
 */
import {
  AT_ARG0,
  AT_ARG1,
  AT_ARG2,
  AT_ARG3,
  AT_ASK,
  AT_ASK_SIZE,
  AT_BID,
  AT_BID_SIZE,
  AT_CODE,
  AT_EVENT_NS,
  AT_EVENT_S,
  AT_HEAD,
  AT_PRICE,
  AT_RECV_NS,
  AT_RECV_S,
  AT_SEQ_LOW,
  AT_SIZE,
  AT_SYMBOL,
  AT_SYMBOL_SEQ,
  AT_TRADE_ID,
  BUY,
  CONFLATED,
  CROSSED,
  GAP,
  KIND_MASK,
  LATE,
  LOCKED,
  QUOTE,
  RECORD_BYTES,
  SELL,
  SNAPSHOT,
  STATUS,
  SUSPICIOUS,
  SYMBOL_DEFINED,
  TRADE,
} from './record-layout.js';

export { KIND_MASK, RECORD_BYTES };

/**
 * What slots of rings and blocks stay within. Masked with it, an index is known to V8 to be small: it then
 * checks an access to the slot's words by one comparison, without looking for overflows too.
 */
export const SLOT_BITS = 0x3ffffff;
/** 32-bit words of a record. */
export const RECORD_U32 = RECORD_BYTES / 4;
/** 16-bit words of a record. */
export const RECORD_U16 = RECORD_BYTES / 2;
/** 64-bit words of a record. */
export const RECORD_F64 = RECORD_BYTES / 8;

// Offsets in words of the view's own width, from the start of a record.
export const U32_SYMBOL = AT_SYMBOL / 4;
export const U16_KIND_FLAGS = AT_HEAD / 2;
export const U16_SOURCE = AT_HEAD / 2 + 1;
/** Kind, flags and source as one word: `kind | flags | sourceId << 16`. */
export const U32_KIND_FLAGS_SOURCE = AT_HEAD / 4;
export const U32_SEQ_LOW = AT_SEQ_LOW / 4;
export const U32_SYMBOL_SEQ = AT_SYMBOL_SEQ / 4;
export const U32_RAW_POSITION = AT_SEQ_LOW / 4;
export const U32_RAW_CONFLATED = AT_SYMBOL_SEQ / 4;
export const U32_TS_EVENT_S = AT_EVENT_S / 4;
export const U32_TS_EVENT_NS = AT_EVENT_NS / 4;
export const U32_TS_RECV_S = AT_RECV_S / 4;
export const U32_TS_RECV_NS = AT_RECV_NS / 4;
/** A whole time, seconds and nanoseconds, as one word. It is no NaN, and survives being moved as a float64, where ns < 1e9. */
export const F64_TS_EVENT = AT_EVENT_S / 8;
export const F64_TS_RECV = AT_RECV_S / 8;
export const F64_BID = AT_BID / 8;
export const F64_ASK = AT_ASK / 8;
export const F64_BID_SIZE = AT_BID_SIZE / 8;
export const F64_ASK_SIZE = AT_ASK_SIZE / 8;
export const F64_PRICE = AT_PRICE / 8;
export const F64_SIZE = AT_SIZE / 8;
export const F64_TRADE_ID = AT_TRADE_ID / 8;
export const U32_STATUS_ARG0 = AT_ARG0 / 4;
export const U16_STATUS_CODE = AT_CODE / 2;
export const F64_STATUS_ARG1 = AT_ARG1 / 8;
export const F64_STATUS_ARG2 = AT_ARG2 / 8;
export const F64_STATUS_ARG3 = AT_ARG3 / 8;
export const U16_GAP_REASON = AT_CODE / 2;
export const F64_GAP_FIRST = AT_ARG1 / 8;
export const F64_GAP_LAST = AT_ARG2 / 8;
export const F64_GAP_COUNT = AT_ARG3 / 8;

export const Kind = { quote: QUOTE, trade: TRADE, status: STATUS, gap: GAP } as const;
export type KindName = keyof typeof Kind;
export const KIND_NAMES: readonly KindName[] = ['quote', 'trade', 'status', 'gap'];
/** A mask of all kinds. */
export const ALL_KINDS = 0xff;

/** A mask of kinds: bit k is kind k. */
export function kindsMaskOf(kinds: readonly KindName[] | undefined): number {
  return kinds === undefined ? ALL_KINDS : kinds.reduce((mask, kind) => mask | (1 << Kind[kind]), 0);
}

/** Bits of the u16 at 4, beside the kind. Bits 11-15 are reserved and written as 0. */
export const Flag = {
  /** bid > ask: logged and streamed, kept out of the last-value table. */
  crossed: CROSSED,
  /** bid = ask: valid. */
  locked: LOCKED,
  /** Older than the newest of its symbol and kind in this epoch: order is by receipt, and it is no last value. */
  late: LATE,
  /** The source sent state, not an event (first messages after a subscribe). */
  snapshot: SNAPSHOT,
  /** A move beyond the bound in robust deviations, or a time beyond receipt: delivered all the same. */
  suspicious: SUSPICIOUS,
  /** Stands for earlier quotes too; symbolSeq advanced by their number. */
  conflated: CONFLATED,
  /** The aggressor bought. */
  buy: BUY,
  /** The aggressor sold. */
  sell: SELL,
} as const;
export type FlagName = keyof typeof Flag;
export const FLAG_NAMES = Object.keys(Flag) as readonly FlagName[];
export const FLAGS_MASK = 0x7f8;

/** Status codes (u16 at 36) and what their arguments mean. */
export const StatusCode = {
  /** A symbol is defined or redefined: arg0 = version, arg1 = digits. Numbered before the first tick that uses it. */
  symbolDefined: SYMBOL_DEFINED,
  /** Symbol id 0: a source connected. */
  sourceUp: 2,
  /** Symbol id 0: a source disconnected. */
  sourceDown: 3,
  /** The symbol misses ticks of its source until the next snapshot. */
  symbolStale: 4,
  /** Trading is halted. */
  halted: 5,
  /** Trading continues. */
  trading: 6,
} as const;

/** Reasons of a gap (u16 at 36). `first` and `last` are inclusive, in the sequence that the reason names. */
export const GapReason = {
  /** The venue's own sequence jumped: first..last are its numbers. */
  sourceSequence: 1,
  /** The feed's bounded buffers overflowed: `count` ticks were dropped; first and last are 0. */
  feedOverflow: 2,
  /** A feed thread died holding ticks that its source cannot resend: `count` are gone. */
  feedRestart: 3,
  /** The log was stopped under `log.onStall = shed`: first..last are seqs that it does not hold. */
  logShed: 4,
  /** Made for one subscriber that fell behind what ring and log hold: first..last are seqs of the shard. */
  notHeld: 5,
} as const;

/** Symbol id 0 stands for the feed or engine itself; its symbolSeq counts per shard. */
export const ENGINE_SYMBOL = 0;
/** tsEvent seconds when the source gave no time. */
export const NO_TIME_S = 0xffffffff;
/**
 * A price that is not there: a missing side of a raw quote. Numbered quotes always have both sides. It is
 * finite, so that a NaN from a source stays what it is: an error.
 */
export const NO_PRICE = 1.7976931348623157e308;
/** A size that the source does not report. */
export const NO_SIZE = Number.NaN;
/** A trade without an id. Ids are integers up to 2^53. */
export const NO_TRADE_ID = Number.NaN;

/** The four views that a block of records is read and written through. */
export class Records {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly capacity: number;

  /**
   * @param buffer memory that holds the records
   * @param byteOffset where the first one starts; a multiple of 8
   * @param capacity how many there are
   */
  constructor(
    buffer: ArrayBufferLike,
    byteOffset = 0,
    capacity = (buffer.byteLength - byteOffset) / RECORD_BYTES,
  ) {
    const bytes = capacity * RECORD_BYTES;
    this.capacity = capacity;
    this.u8 = new Uint8Array(buffer, byteOffset, bytes);
    this.u16 = new Uint16Array(buffer, byteOffset, bytes / 2);
    this.u32 = new Uint32Array(buffer, byteOffset, bytes / 4);
    this.f64 = new Float64Array(buffer, byteOffset, bytes / 8);
  }

  static allocate(capacity: number): Records {
    return new Records(new ArrayBuffer(capacity * RECORD_BYTES));
  }
}

export function kindOf(r: Records, i: number): number {
  return r.u16[i * RECORD_U16 + U16_KIND_FLAGS] & KIND_MASK;
}

export function flagsOf(r: Records, i: number): number {
  return r.u16[i * RECORD_U16 + U16_KIND_FLAGS] & FLAGS_MASK;
}

export function isCritical(kind: number): boolean {
  return kind !== Kind.quote;
}

/** Writes what every kind has. `second` and `third` are the words at 8 and 12, whose meaning the stage gives. */
export function writeHeader(
  r: Records,
  i: number,
  symbolId: number,
  kindAndFlags: number,
  sourceId: number,
  second: number,
  third: number,
): void {
  const w = i * RECORD_U32;
  r.u32[w + U32_SYMBOL] = symbolId;
  r.u32[w + U32_KIND_FLAGS_SOURCE] = kindAndFlags | (sourceId << 16);
  r.u32[w + 2] = second;
  r.u32[w + 3] = third;
}

export function writeTimes(
  r: Records,
  i: number,
  eventS: number,
  eventNs: number,
  recvS: number,
  recvNs: number,
): void {
  const w = i * RECORD_U32;
  r.u32[w + U32_TS_EVENT_S] = eventS;
  r.u32[w + U32_TS_EVENT_NS] = eventNs;
  r.u32[w + U32_TS_RECV_S] = recvS;
  r.u32[w + U32_TS_RECV_NS] = recvNs;
}

export function writeQuote(
  r: Records,
  i: number,
  bid: number,
  ask: number,
  bidSize: number,
  askSize: number,
): void {
  const d = i * RECORD_F64;
  r.f64[d + F64_BID] = bid;
  r.f64[d + F64_ASK] = ask;
  r.f64[d + F64_BID_SIZE] = bidSize;
  r.f64[d + F64_ASK_SIZE] = askSize;
}

export function writeTrade(r: Records, i: number, price: number, size: number, tradeId: number): void {
  const d = i * RECORD_F64;
  r.f64[d + F64_PRICE] = price;
  r.f64[d + F64_ASK] = 0;
  r.f64[d + F64_SIZE] = size;
  r.f64[d + F64_TRADE_ID] = tradeId;
}

export function writeStatus(
  r: Records,
  i: number,
  code: number,
  arg0: number,
  arg1: number,
  arg2: number,
  arg3: number,
): void {
  const d = i * RECORD_F64;
  r.u32[i * RECORD_U32 + U32_STATUS_ARG0] = arg0;
  r.u32[i * RECORD_U32 + U32_STATUS_ARG0 + 1] = code;
  r.f64[d + F64_STATUS_ARG1] = arg1;
  r.f64[d + F64_STATUS_ARG2] = arg2;
  r.f64[d + F64_STATUS_ARG3] = arg3;
}

export function writeGap(
  r: Records,
  i: number,
  reason: number,
  first: number,
  last: number,
  count: number,
): void {
  const d = i * RECORD_F64;
  r.u32[i * RECORD_U32 + U32_STATUS_ARG0] = 0;
  r.u32[i * RECORD_U32 + U32_STATUS_ARG0 + 1] = reason;
  r.f64[d + F64_GAP_FIRST] = first;
  r.f64[d + F64_GAP_LAST] = last;
  r.f64[d + F64_GAP_COUNT] = count;
}

/** Copies the 16 words of a record. Unrolled: a loop takes three times as long. */
export function copyWords(from: Uint32Array, a: number, to: Uint32Array, b: number): void {
  to[b] = from[a];
  to[b + 1] = from[a + 1];
  to[b + 2] = from[a + 2];
  to[b + 3] = from[a + 3];
  to[b + 4] = from[a + 4];
  to[b + 5] = from[a + 5];
  to[b + 6] = from[a + 6];
  to[b + 7] = from[a + 7];
  to[b + 8] = from[a + 8];
  to[b + 9] = from[a + 9];
  to[b + 10] = from[a + 10];
  to[b + 11] = from[a + 11];
  to[b + 12] = from[a + 12];
  to[b + 13] = from[a + 13];
  to[b + 14] = from[a + 14];
  to[b + 15] = from[a + 15];
}

/**
 * Copies a sequenced record into words of another buffer, in fewer moves than `copyWords`: what may look like
 * a NaN as a float64 moves as two words, the rest as one.
 * @param at32 where the copy starts in `u32`; `at64` says the same of `f64`
 */
export function copySequenced(
  from: Records,
  slot: number,
  u32: Uint32Array,
  at32: number,
  f64: Float64Array,
  at64: number,
): void {
  const i = slot & SLOT_BITS;
  const w = i * RECORD_U32;
  const d = i * RECORD_F64;
  const { u32: fromU32, f64: fromF64 } = from;
  u32[at32] = fromU32[w];
  u32[at32 + 1] = fromU32[w + 1];
  u32[at32 + 2] = fromU32[w + 2];
  u32[at32 + 3] = fromU32[w + 3];
  f64[at64 + 2] = fromF64[d + 2];
  f64[at64 + 3] = fromF64[d + 3];
  f64[at64 + 4] = fromF64[d + 4];
  f64[at64 + 5] = fromF64[d + 5];
  f64[at64 + 6] = fromF64[d + 6];
  f64[at64 + 7] = fromF64[d + 7];
}

/** Copies one record, bit for bit. */
export function copyRecord(from: Records, i: number, to: Records, j: number): void {
  copyWords(from.u32, i * RECORD_U32, to.u32, j * RECORD_U32);
}
