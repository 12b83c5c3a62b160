/**
 * The module's part of a shard's memory, which begins there (`../shard-memory.ts`). Records are those of `../../tick.ts`,
 * states those of `../states.ts`: all words that are named here are named there, in units of their views.
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
export const STATES: usize = 16_384;

export const COUNT_CROSSED: usize = 0;
export const COUNT_LOCKED: usize = 4;
export const COUNT_LATE: usize = 8;
export const COUNT_SUSPICIOUS: usize = 12;
/** Quotes sequenced that stand for pending half-quotes. */
export const COUNT_RELEASED: usize = 16;
/** Entries in CRITICALS, and in the list of changed symbols. */
export const COUNT_CRITICAL: usize = 20;
export const COUNT_CHANGED: usize = 24;

export const RECORD: usize = 64;
export const AT_SYMBOL: usize = 0;
export const AT_HEAD: usize = 4;
/** Of a raw record: the source's position. Of a sequenced one: the low half of its seq. */
export const AT_SEQ_LOW: usize = 8;
/** Of a raw record: how many earlier ticks it stands for. Of a sequenced one: its symbolSeq. */
export const AT_SYMBOL_SEQ: usize = 12;
export const AT_EVENT_S: usize = 16;
export const AT_EVENT_NS: usize = 20;
export const AT_RECV_S: usize = 24;
export const AT_BID: usize = 32;
export const AT_ASK: usize = 40;
export const AT_BID_SIZE: usize = 48;
export const AT_ASK_SIZE: usize = 56;
export const AT_SIZE: usize = 48;
export const AT_ARG0: usize = 32;
export const AT_CODE: usize = 36;

export const KIND_MASK: u32 = 7;
export const TAG_KIND_SHIFT: u32 = 24;
export const QUOTE: u32 = 0;
export const TRADE: u32 = 1;
export const STATUS: u32 = 2;
export const SYMBOL_DEFINED: u32 = 1;
export const CROSSED: u32 = 8;
export const LOCKED: u32 = 16;
export const LATE: u32 = 32;
export const SUSPICIOUS: u32 = 128;
export const CONFLATED: u32 = 256;

export const STATE: usize = 128;
export const S_BID: usize = 0;
export const S_ASK: usize = 8;
export const S_BID_SIZE: usize = 16;
export const S_ASK_SIZE: usize = 24;
export const S_DEVIATION: usize = 32;
export const S_PENDING: usize = 40;
export const S_SCALE: usize = 48;
export const S_SEQ: usize = 56;
export const S_QUOTE_SEQ: usize = 64;
export const S_TRADE_SEQ: usize = 72;
export const S_STATUS_SEQ: usize = 80;
export const S_SYMBOL_SEQ: usize = 88;
export const S_DEFINED: usize = 92;
/** Newest times as `timeAt` gives them. */
export const S_QUOTE_TIME: usize = 96;
export const S_TRADE_TIME: usize = 104;
export const S_CHANGED: usize = 112;
export const S_VERSION: usize = 120;
export const S_READY: usize = 124;
