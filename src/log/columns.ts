/**
 * The columnar format, version 2: a block's ticks column by column, each column as small integers (`pack.ts`).
 *
 * ```
 * directory (`directory.ts`), then words of 32 bits, little-endian:
 *  0 bits 0-1 unit of tsRecv, 2-3 of tsEvent: see `UNITS_NS` │ bits 4-5 how the times hang together, see `TimeMode`
 *    bit 6 tsRecv, 7 tsEvent is zigzag │ bits 8-9 tsEvent: see `Presence` │ bits 10-11 sizes: see `SizeMode`
 *  1 heads │ 2 quotes │ 3 trades │ 4 size words of the dictionary │ 5 wide steps │ 6 misfits
 *  7 base of tsRecv, s │ 8 of tsEvent, s │ 9, 10 f64 least lag
 * heads: each value of kind, flags and source that occurs
 * size words of the dictionary: in the order of their first use
 * columns
 *    of symbols: low words of the zigzag price that each starts from, high words of it
 *    of ticks: symbol (index into the directory), head (index), symbolSeq, tsRecv, tsEvent present?, tsEvent, price
 *    of quotes: spread │ of trades: id │ of sizes (bid and ask of a quote, that of a trade)
 * wide steps: u32 tick (bits 0-15), column (16-18) │ i32 step / 2^30
 * misfits: u32 tick (bits 0-15), pair of words in the record (16-18) │ u32 low │ u32 high
 * ```
 *
 * - symbolSeq: zigzag of what it differs from the symbol's last + 1.
 * - Times count units since their base. A chained time is the step from the one before; a lagging one is what
 *   it differs from the other time, less the least lag.
 * - price: zigzag step in points of the bid or trade price since the symbol's last bid (its last trade price
 *   before it has one). spread: zigzag step since the symbol's last.
 * - trade id: 0 = none, else 1 + zigzag of what it differs from the symbol's last + 1.
 * - sizes: index into the dictionary, or a size word, or its XOR with the symbol's last of that side.
 * - Steps of 2^30 and more are split: what remains below stands in the column, and a wide step beside it.
 * - A misfit overwrites eight bytes of a decoded record. So anything can be coded: a float64 that no integer
 *   of points gives back bit for bit, a time with more than 10^9 ns, statuses and gaps. It changes no
 *   prediction.
 *
 * A size word is a code of `decimal.ts`; or bit 31 and the bits of a positive float32; or 2^32 − 1, and
 * the two words of any float64 follow.
 */

import { RECORD_U32, type Records } from '../tick.js';
import { PACK_SPARE } from './pack.js';

export const HEADER_WORDS = 11;
export const WIDE_WORDS = 2;
export const MISFIT_WORDS = 3;
/** Both times, price, spread or id. */
const WIDES_PER_TICK = 4;
/** Both times and the body. */
const MISFITS_PER_TICK = 6;
/** By unit: nanoseconds. */
export const UNITS_NS = Float64Array.of(1, 1e3, 1e6, 1e9);
export const TimeMode = {
  /** Each time is chained. */
  apart: 0,
  /** tsRecv is chained, tsEvent lags. */
  eventLags: 1,
  /** tsEvent is chained, tsRecv lags. */
  recvLags: 2,
} as const;
export const Presence = { all: 0, none: 1, column: 2 } as const;
export const SizeMode = { indexes: 0, words: 1, differences: 2 } as const;
export const SIZE_MODE_SHIFT = 10;
export const Column = { recv: 0, event: 1, price: 2, spread: 3, tradeId: 4 } as const;
/** Steps below this stand in their column whole. */
export const STEP_MAX = 2 ** 30;
/** Times further from the base, in units, are misfits: sums of all others are exact as float64. */
export const SPAN_MAX = 2 ** 50;
/** Integers of prices stay below this, so that the difference of two spreads is exact. */
export const POINTS_MAX = 2 ** 49;
export const TRADE_ID_MAX = 2 ** 52;
export const SECOND_NS = 1_000_000_000;
/** High word of the float64 of a size or id that is not known; the low one is 0. */
export const NAN_HIGH = 0x7ff80000;
export const POWERS = Float64Array.from({ length: 16 }, (_, digits) => Number(`1e${digits}`));
/** Symbol ids below this are looked up in a table, others in a map. */
export const SYMBOLS_TABLED = 65_536;
/** Ticks of a block at most: positions have 16 bits. */
export const TICKS_MAX = 65_535;

/** Bytes that a payload of `count` ticks takes at most. */
export function payloadBytesMax(count: number): number {
  return 4096 + 320 * count;
}

/** The columns of a block, and what does not fit into them. Reused from block to block. */
export class Columns {
  readonly symbol: Int32Array;
  readonly head: Int32Array;
  readonly symbolSeq: Int32Array;
  readonly recv: Int32Array;
  readonly present: Int32Array;
  readonly event: Int32Array;
  readonly price: Int32Array;
  readonly spread: Int32Array;
  readonly tradeId: Int32Array;
  readonly size: Int32Array;
  readonly baseLow: Int32Array;
  readonly baseHigh: Int32Array;
  /** Two words each: tick and column, step. Those of times come first, then those of prices and ids, each by tick. */
  readonly wide: Int32Array;
  wides = 0;
  /** Those of times, where they are gathered along with the others. */
  readonly timeWide: Int32Array;
  timeWides = 0;
  /** Three words each: tick and pair, low, high. */
  readonly misfit: Int32Array;
  misfits = 0;

  /** @param capacity ticks of a block at most */
  constructor(readonly capacity: number) {
    const column = (perTick = 1): Int32Array => new Int32Array(perTick * capacity + PACK_SPARE);
    this.symbol = column();
    this.head = column();
    this.symbolSeq = column();
    this.recv = column();
    this.present = column();
    this.event = column();
    this.price = column();
    this.spread = column();
    this.tradeId = column();
    this.size = column(2);
    this.baseLow = column();
    this.baseHigh = column();
    this.wide = column(WIDES_PER_TICK * WIDE_WORDS);
    this.timeWide = column(WIDES_PER_TICK * WIDE_WORDS);
    this.misfit = column(MISFITS_PER_TICK * MISFIT_WORDS);
  }

  /** Splits a step that its column cannot hold. Returns what the column is to hold. */
  addWide(tick: number, column: number, step: number): number {
    const high = Math.round(step / STEP_MAX);
    const isTime = column <= Column.event;
    const wide = isTime ? this.timeWide : this.wide;
    const at = WIDE_WORDS * (isTime ? this.timeWides++ : this.wides++);
    wide[at] = tick | (column << 16);
    wide[at + 1] = high;
    return step - high * STEP_MAX;
  }

  /** Keeps eight bytes of a record as they are; `pair` counts in eights of bytes. */
  addMisfit(r: Records, tick: number, pair: number): void {
    const at = MISFIT_WORDS * this.misfits++;
    const w = tick * RECORD_U32 + 2 * pair;
    this.misfit[at] = tick | (pair << 16);
    this.misfit[at + 1] = r.u32[w];
    this.misfit[at + 2] = r.u32[w + 1];
  }
}

export function zigzag(step: number): number {
  return (step << 1) ^ (step >> 31);
}

export function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}
