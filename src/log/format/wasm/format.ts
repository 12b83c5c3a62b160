/**
 * The columnar format, version 2: a block's ticks column by column, each column as small integers (`pack.ts`).
 *
 * ```
 * directory (`../directory.ts`), then words of 32 bits, little-endian:
 *  0 bits 0-1 unit of tsRecv, 2-3 of tsEvent: 0 ns, 1 µs, 2 ms, 3 s │ bits 4-5 each time is chained (0), tsEvent lags
 *    (1), tsRecv lags (2) │ bit 6 tsRecv, 7 tsEvent is zigzag │ bits 8-9 all have a tsEvent (0), none (1), a column
 *    says which (2) │ bits 10-11 sizes are indexes (0), words (1), differences of words (2)
 *  1 heads │ 2 quotes │ 3 trades │ 4 size words of the dictionary │ 5 wide steps │ 6 exceptions
 *  7 base of tsRecv, s │ 8 of tsEvent, s │ 9, 10 f64 least lag
 * heads: the distinct words of kind, flags and source
 * size words of the dictionary: in the order of their first use
 * columns
 *    of symbols: low words of each symbol's first zigzag price, then its high words
 *    of ticks: symbol (index into the directory), head (index), symbolSeq, tsRecv, tsEvent present?, tsEvent, price
 *    of quotes: spread │ of trades: id │ of sizes (bid and ask of a quote, that of a trade)
 * wide steps: u32 tick (bits 0-15), column (16-18) │ i32 step / 2^30
 * exceptions: u32 tick (bits 0-15), pair of words in the record (16-18) │ u32 low │ u32 high
 * ```
 *
 * - symbolSeq: zigzag of the difference from the symbol's last symbolSeq + 1.
 * - Times count units since their base. A chained time is the step from the time of the tick before. A lagging time is
 *   the difference from the other time of the tick, less the least lag.
 * - price: zigzag step in points of the bid or trade price since the symbol's last bid, or since its last trade price
 *   when it has no bid yet. spread: zigzag step since the symbol's last spread.
 * - trade id: 0 = none, else 1 + zigzag of the difference from the symbol's last id + 1.
 * - sizes: index into the dictionary, or a size word, or its XOR with the symbol's last of that side.
 * - A step of 2^30 and more is split: its low part is in the column, its high part is a wide step.
 * - An exception overwrites eight bytes of a decoded record, so any record can be coded: a float64 that no integer of
 *   points gives back bit for bit, a time with more than 10^9 ns, a status, a gap. Exceptions change no prediction.
 *
 * A size word is a code of `core/size-code.ts`, or bit 31 and the bits of a positive float32. Or it is 2^32 − 1, and the
 * two words of any float64 follow.
 */

export {
  AT_ASK,
  AT_ASK_SIZE,
  AT_BID,
  AT_BID_SIZE,
  AT_EVENT_S as AT_EVENT,
  AT_HEAD,
  AT_RECV_S as AT_RECV,
  AT_SEQ_LOW,
  AT_SIZE,
  AT_SYMBOL,
  AT_SYMBOL_SEQ,
  AT_TRADE_ID,
  KIND_MASK,
  NO_LAST_QUOTE,
  NO_LAST_TRADE,
  QUOTE,
  RECORD_BYTES as RECORD,
  STATUS,
  SYMBOL_DEFINED,
  TRADE,
} from '../../../core/record-layout';

/** Positions of an exception in a record, counted in eight bytes. */
export const RECV_PAIR: u32 = 3;
export const EVENT_PAIR: u32 = 2;
export const BID_PAIR: u32 = 4;
export const ASK_PAIR: u32 = 5;
export const BID_SIZE_PAIR: u32 = 6;
export const ASK_SIZE_PAIR: u32 = 7;
export const PAIRS: u32 = 8;

export const NO_TIME_S: u32 = 0xffffffff;
/** The bits of a float64 that is an unknown size or id. */
export const UNKNOWN: u64 = 0x7ff8000000000000;

export const HEADER_WORDS: u32 = 11;
export const SPARE: u32 = 128;
export const STEP_BITS: i64 = 30;
export const STEP_MAX: i64 = 1 << 30;
export const SPAN_MAX: i64 = 1 << 50;
export const POINTS_MAX: f64 = 562949953421312;
export const TRADE_ID_MAX: f64 = 4503599627370496;
export const SECOND_NS: u32 = 1_000_000_000;
/** A float64 below 2^51 plus this constant, minus this constant, is rounded to an integer. */
export const ROUNDING: f64 = 6755399441055744;
export const COLUMN_RECV: u32 = 0;
export const COLUMN_EVENT: u32 = 1;
export const COLUMN_PRICE: u32 = 2;
export const COLUMN_SPREAD: u32 = 3;
export const COLUMN_TRADE_ID: u32 = 4;
export const MODE_APART: u32 = 0;
export const MODE_EVENT_LAGS: u32 = 1;
export const MODE_RECV_LAGS: u32 = 2;
export const PRESENT_ALL: u32 = 0;
export const PRESENT_NONE: u32 = 1;
export const PRESENT_COLUMN: u32 = 2;
export const SIZE_INDEXES: u32 = 0;
export const SIZE_WORDS: u32 = 1;
export const SIZE_DIFFERENCES: u32 = 2;
export const SIZE_MODE_SHIFT: u32 = 10;

export const WIDE: usize = 8;
export const EXCEPTION: usize = 12;
