/**
 * Where the words of a symbol's state lie, in bytes; `pipeline/shard/symbol-states.ts` has the diagram. This file is read by the TypeScript
 * compiler and by the one that makes WebAssembly: it holds plain numbers and nothing else.
 */

/** Where the states begin in a shard's memory. */
export const STATES_AT = 16384;
export const STATE_BYTES = 128;

export const STATE_BID = 0;
export const STATE_ASK = 8;
export const STATE_BID_SIZE = 16;
export const STATE_ASK_SIZE = 24;
export const STATE_DEVIATION = 32;
export const STATE_PENDING = 40;
export const STATE_SCALE = 48;
export const STATE_SEQ = 56;
export const STATE_QUOTE_SEQ = 64;
export const STATE_TRADE_SEQ = 72;
export const STATE_STATUS_SEQ = 80;
export const STATE_SYMBOL_SEQ = 88;
export const STATE_DEFINED = 92;
/** A time is two words: nanoseconds, then seconds. */
export const STATE_QUOTE_TIME = 96;
export const STATE_TRADE_TIME = 104;
export const STATE_CHANGED = 112;
export const STATE_SIGNED = 116;
export const STATE_VERSION = 120;
export const STATE_READY = 124;
