/**
 * The module's part of a shard's memory, which begins there (`pipeline/memory/shard-memory.ts`). The words of records
 * are those of `core/record-layout.ts`, those of states are in `pipeline/memory/state-layout.ts`, all in bytes.
 *
 * ```
 *     0 records that the shard looks at alone, or makes itself, 64 bytes each
 *   256 u32 each: their positions │ 272 u32 each: their tags, as `memory/broadcast-ring.ts` has them
 *   288 u32 × 8: counts (COUNT_…)
 *   320 what is the same for all ticks, so that it is loaded and not made each time (`states.ts`)
 *   512 u32 each: where the critical ones of a run stand
 * 16384 symbols, 128 bytes each │ f64 × symbols: the mid before the last suspicious quote, 0 = none
 *     … u32 × symbols: those changed since the last projection
 * ```
 */

/** Records of a run. */
export const TICKS: u32 = 3_968;
export const RECORDS: usize = 0;
export const POSITIONS: usize = 256;
export const TAGS: usize = 272;
export const COUNTS: usize = 288;
/** Twice each: from one half on, as far as SURE, adding it and rounding down is `Math.round`, and doing so again changes nothing. */
export const HALVES: usize = 320;
export const SURE: usize = 336;
export const INFINITIES: usize = 352;
/** Weight of a new move in the mean absolute move. */
export const WEIGHTS: usize = 368;
/** How many means a counted move is clipped to. */
export const CLIP: usize = 384;
export const ONE: usize = 392;
export const CRITICALS: usize = 512;

export const COUNT_CROSSED: usize = 0;
export const COUNT_LOCKED: usize = 4;
export const COUNT_LATE: usize = 8;
export const COUNT_SUSPICIOUS: usize = 12;
/** Quotes sequenced that stand for pending half-quotes. */
export const COUNT_RELEASED: usize = 16;
/** Entries in CRITICALS, and in the list of changed symbols. */
export const COUNT_CRITICAL: usize = 20;
export const COUNT_CHANGED: usize = 24;

export {
  AT_ARG0,
  AT_ASK,
  AT_ASK_SIZE,
  AT_BID,
  AT_BID_SIZE,
  AT_CODE,
  AT_EVENT_NS,
  AT_EVENT_S,
  AT_HEAD,
  AT_RECV_S,
  AT_SEQ_LOW,
  AT_SIZE,
  AT_SYMBOL,
  AT_SYMBOL_SEQ,
  CONFLATED,
  CROSSED,
  KIND_MASK,
  LATE,
  LOCKED,
  NO_LAST_QUOTE,
  NO_LAST_TRADE,
  QUOTE,
  RECORD_BYTES as RECORD,
  STATUS,
  SUSPICIOUS,
  SYMBOL_DEFINED,
  TAG_KIND_SHIFT,
  TRADE,
} from '../../../core/record-layout';
export {
  STATE_ASK as S_ASK,
  STATE_ASK_SIZE as S_ASK_SIZE,
  STATE_BID as S_BID,
  STATE_BID_SIZE as S_BID_SIZE,
  STATE_BYTES as STATE,
  STATE_CHANGED as S_CHANGED,
  STATE_DEFINED as S_DEFINED,
  STATE_DEVIATION as S_DEVIATION,
  STATE_PENDING as S_PENDING,
  STATE_QUOTE_SEQ as S_QUOTE_SEQ,
  STATE_QUOTE_TIME as S_QUOTE_TIME,
  STATE_READY as S_READY,
  STATE_SCALE as S_SCALE,
  STATE_SEQ as S_SEQ,
  STATE_STATUS_SEQ as S_STATUS_SEQ,
  STATE_SYMBOL_SEQ as S_SYMBOL_SEQ,
  STATE_TRADE_SEQ as S_TRADE_SEQ,
  STATE_TRADE_TIME as S_TRADE_TIME,
  STATE_VERSION as S_VERSION,
  STATES_AT as STATES,
} from '../../memory/state-layout';
