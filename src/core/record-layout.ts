/**
 * Where the fields of a tick record lie, in bytes; `tick.ts` has the diagram. This file is read by the TypeScript compiler
 * and by the one that makes WebAssembly: it holds plain numbers below 2^31 and nothing else.
 */

export const RECORD_BYTES = 64;

export const AT_SYMBOL = 0;
/** Kind, flags and source as one u32: `kind | flags | sourceId << 16`. */
export const AT_HEAD = 4;
/** Of a raw record: the position of the source. Of a sequenced record: the low half of its seq. */
export const AT_SEQ_LOW = 8;
/** Of a raw record: how many earlier ticks it stands for. Of a sequenced record: its symbolSeq. */
export const AT_SYMBOL_SEQ = 12;
export const AT_EVENT_S = 16;
export const AT_EVENT_NS = 20;
export const AT_RECV_S = 24;
export const AT_RECV_NS = 28;

export const AT_BID = 32;
export const AT_ASK = 40;
export const AT_BID_SIZE = 48;
export const AT_ASK_SIZE = 56;

export const AT_PRICE = 32;
export const AT_SIZE = 48;
export const AT_TRADE_ID = 56;

export const AT_ARG0 = 32;
export const AT_CODE = 36;
export const AT_ARG1 = 40;
export const AT_ARG2 = 48;
export const AT_ARG3 = 56;

export const KIND_MASK = 7;
export const QUOTE = 0;
export const TRADE = 1;
export const STATUS = 2;
export const GAP = 3;

export const CROSSED = 8;
export const LOCKED = 16;
export const LATE = 32;
export const SNAPSHOT = 64;
export const SUSPICIOUS = 128;
export const CONFLATED = 256;
export const BUY = 512;
export const SELL = 1024;

/**
 * The rule of last values: a quote or trade with one of these flags is no last value of its symbol. Nor is a status that
 * defines a symbol.
 */
export const NO_LAST_QUOTE = CROSSED | LATE;
export const NO_LAST_TRADE = LATE;

/** The code of a status that defines a symbol. */
export const SYMBOL_DEFINED = 1;

/** A tag in a ring: the symbol's id in the bits below, the kind from this bit on. */
export const TAG_KIND_SHIFT = 24;
