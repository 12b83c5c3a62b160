/**
 * The module's memory. Each part has a fixed address:
 *
 * ```
 * 0     │ words: a payload without its directory, encoded or to be decoded
 *       │ records, 64 bytes each
 *       │ columns, one after the other, each with spare slots behind it; then wide steps and exceptions
 *       │ directory, column by column
 *       │ symbols by their index in the directory, 64 bytes each:
 *       │   0 f64 price │ 8 f64 spread │ 16 f64 scale │ 24 f64 base │ 32 f64 tradeId │ 40 i32 flags │
 *       │  44 u32 next symbolSeq │ 48 i32 × 4 sizes
 *       │   while decoding 24 u32 symbolId instead of the base
 *       │ heads │ symbols by id │ hash tables │ what packing needs
 * ```
 */

import { EXCEPTION, RECORD, SPARE, WIDE } from './format';

/** The most ticks of a block. */
export const TICKS: u32 = 8_192;

export const WIDES_MAX: u32 = 4 * TICKS;
export const EXCEPTIONS_MAX: u32 = 6 * TICKS;
const COLUMN: usize = 4 * (TICKS + SPARE);

/** The most words of a payload without its directory. A reader may read 64 bytes behind them. */
export const WORDS_MAX: u32 = 1_024 + 80 * TICKS;
export const WORDS: usize = 1_024;
export const RECORDS: usize = WORDS + 4 * WORDS_MAX + 64;
export const SYMBOL_COLUMN: usize = RECORDS + RECORD * TICKS;
export const HEAD_COLUMN: usize = SYMBOL_COLUMN + COLUMN;
export const SEQ_COLUMN: usize = HEAD_COLUMN + COLUMN;
export const RECV_COLUMN: usize = SEQ_COLUMN + COLUMN;
export const PRESENT_COLUMN_AT: usize = RECV_COLUMN + COLUMN;
export const EVENT_COLUMN: usize = PRESENT_COLUMN_AT + COLUMN;
export const PRICE_COLUMN: usize = EVENT_COLUMN + COLUMN;
export const SPREAD_COLUMN: usize = PRICE_COLUMN + COLUMN;
export const TRADE_COLUMN: usize = SPREAD_COLUMN + COLUMN;
export const SIZE_COLUMN: usize = TRADE_COLUMN + COLUMN;
export const BASE_LOW_COLUMN: usize = SIZE_COLUMN + 2 * COLUMN;
export const BASE_HIGH_COLUMN: usize = BASE_LOW_COLUMN + COLUMN;
export const WIDES: usize = BASE_HIGH_COLUMN + COLUMN;
/** Wide steps of times, while they are gathered together with the others. */
export const TIME_WIDES: usize = WIDES + WIDE * <usize>WIDES_MAX;
export const EXCEPTIONS: usize = TIME_WIDES + WIDE * <usize>WIDES_MAX;

export const DIRECTORY_ID: usize = EXCEPTIONS + EXCEPTION * <usize>EXCEPTIONS_MAX;
export const DIRECTORY_FIRST: usize = DIRECTORY_ID + 4 * TICKS;
export const DIRECTORY_LAST: usize = DIRECTORY_FIRST + 4 * TICKS;
export const DIRECTORY_DIGITS: usize = DIRECTORY_LAST + 4 * TICKS;

export const STATES: usize = DIRECTORY_DIGITS + TICKS;
export const STATE: usize = 64;
export const STATE_PRICE: usize = 0;
export const STATE_SPREAD: usize = 8;
export const STATE_SCALE: usize = 16;
export const STATE_BASE: usize = 24;
export const STATE_ID: usize = 24;
export const STATE_TRADE_ID: usize = 32;
export const STATE_FLAGS: usize = 40;
export const STATE_SEQ: usize = 44;
export const STATE_SIZES: usize = 48;

/** Lowest and highest of both times, as in a block's header: 8 words. */
export const RANGES: usize = STATES + STATE * TICKS;
export const HEADS: usize = RANGES + 32;
/** By symbol id below SYMBOLS_TABLED: u16 index in the block's directory │ u16 generation of the block │ u32 next symbolSeq. */
export const SYMBOLS_TABLED: u32 = 65_536;
export const SYMBOL_INDEXES: usize = HEADS + 4 * TICKS;
/** By symbol id below SYMBOLS_TABLED: digits, u8. The host writes them. */
export const DIGITS: usize = SYMBOL_INDEXES + 8 * SYMBOLS_TABLED;
/** By size: the address of its symbol's last size of that side. */
export const SIZE_OWNERS: usize = DIGITS + SYMBOLS_TABLED;
/** The decoded sizes of a dictionary, or of every tick. */
export const SIZES: usize = SIZE_OWNERS + 8 * TICKS;
/** Pairs of lags, from a sample of the times. */
export const SAMPLES: usize = SIZES + 16 * TICKS + 64;
export const SAMPLES_MAX: u32 = 128;
/** Two histograms of 33 counts. */
export const HISTOGRAM: usize = SAMPLES + 16 * SAMPLES_MAX;
/** By depth: offsets and high bits of patches. */
export const PATCHES: usize = HISTOGRAM + 8 * 64;
export const PATCH_COLUMN: usize = 2 * COLUMN;
export const DEPTH_MAX: u32 = 2;

/** Indexes of sizes by their hashes: see `size-indexes.ts`. */
export const SIZE_SLOTS_MAX: u32 = 16_384;
export const SIZE_TABLE: usize = PATCHES + 2 * DEPTH_MAX * PATCH_COLUMN;
// Hash tables of 16 bytes a slot.
export const TABLE_SLOTS: u32 = 16_384;
const TABLE: usize = 16 * TABLE_SLOTS;
export const HEAD_TABLE: usize = SIZE_TABLE + 2 * SIZE_SLOTS_MAX;
export const SYMBOL_TABLE: usize = HEAD_TABLE + TABLE;
/** The bits of the sizes in the table, by their index. */
export const SIZE_KEYS: usize = SYMBOL_TABLE + TABLE;
/** By index in the directory: the last tick of each kind, and what is kept of these ticks: see `lasts.ts`. */
export const LAST_TICKS: usize = SIZE_KEYS + 8 * TICKS;
export const LASTS: usize = LAST_TICKS + 16 * TICKS;
