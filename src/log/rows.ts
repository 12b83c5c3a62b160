/**
 * The row format, version 1: one tick after the other, each as what differs from what is expected of it.
 *
 * ```
 * u8 control │ u8 extension if bit 0 │ varint symbolId unless bit 1 │ u8 digits if the symbol is new in the block
 * u32 kind, flags and source if ext 1 │ u32 symbolSeq if ext 2
 * tsRecv unless bit 2 │ tsEvent unless bit 3 │ the fields of the kind
 * ```
 *
 * | control bit | quote (bit 7 = 0)                     | trade (bit 7 = 1)                         |
 * |---|---|---|
 * | 0 | an extension byte follows             | same                                      |
 * | 1 | the symbol of the tick before         | same                                      |
 * | 2 | tsRecv of the tick before             | same                                      |
 * | 3 | tsEvent of the tick before            | same                                      |
 * | 4 | both sizes as in the symbol's last    | size as in the symbol's last              |
 * | 5 | spread as in the symbol's last        | price as in the symbol's last             |
 * | 6 | bid as in the symbol's last           | tradeId one more, or absent as the last   |
 *
 * | extension bit | meaning |
 * |---|---|
 * | 0 | the whole record but seqLow follows as it is (60 bytes), and nothing else; it predicts nothing |
 * | 1 | kind, flags and source differ from the symbol's last of this kind (a new symbol: the block's last) |
 * | 2 | symbolSeq is not one more than the symbol's last |
 * | 3, 4 | tsRecv, tsEvent as two u32 instead of a varint of nanoseconds |
 * | 5, 6, 7 | prices, sizes, tradeId as raw float64 bits instead of integers |
 *
 * A price is an integer of the symbol's digits, and travels as a zigzag varint of its difference (for an
 * ask: of the spread's). A size is a varint of `integer × 4 + scale`, scale 0 … 3 for 1, 10², 10⁵, 10⁸.
 * Integers are used only where dividing them again gives the very same bits.
 */
export const Bit = {
  extension: 1,
  sameSymbol: 2,
  sameRecv: 4,
  sameEvent: 8,
  sameSizes: 16,
  sameSpread: 32,
  samePrice: 32,
  sameBid: 64,
  nextTradeId: 64,
  trade: 128,
} as const;

export const Ext = {
  raw: 1,
  kindFlagsSource: 2,
  symbolSeq: 4,
  recv: 8,
  event: 16,
  prices: 32,
  sizes: 64,
  tradeId: 128,
} as const;

/** Control, extension, symbol (5), digits, two words, two times (8 each), four float64: 64 at most, raw 62. */
export const TICK_BYTES_MAX = 64;

/** Integers of prices stay below this, so that the difference of two spreads is exact. */
export const MANTISSA_MAX = 2 ** 49;
export const SIZE_INTEGER_MAX = 2 ** 50;
/** Below it, zigzag keeps the difference of two ids exact. */
export const TRADE_ID_INTEGER_MAX = 2 ** 52;
/** A difference of times in ns beyond this is written as the two words. */
export const TIME_DELTA_MAX = 2 ** 50;
/** Differences below this go through 32-bit arithmetic. */
export const SMALL = 2 ** 30;
export const SECOND_NS = 1_000_000_000;
export const POWERS = Float64Array.from({ length: 16 }, (_, digits) => Number(`1e${digits}`));
export const SCALES = Float64Array.of(1, 1e2, 1e5, 1e8);

/** Words of a symbol's state; u32 and f64 views of the same bytes, 96 bytes a symbol. */
export const STATE_F64 = 12;
export const STATE_U32 = STATE_F64 * 2;
export const StateU32 = {
  block: 0,
  digits: 1,
  symbolSeq: 2,
  quoteHead: 3,
  tradeHead: 4,
  bidSize: 12,
  askSize: 14,
  tradeSize: 16,
  tradeId: 18,
} as const;
export const StateF64 = { bid: 3, spread: 4, trade: 5, tradeId: 9 } as const;

const SYMBOLS_AT_FIRST = 1024;
/** Ids from here on are written raw: no registry gives them. */
export const SYMBOLS_CODED = 1 << 20;

/** What a block has told of each symbol so far. It is reset by the block's number, not by clearing. */
export class RowState {
  u32!: Uint32Array;
  f64!: Float64Array;
  capacity = 0;
  /** Number of the block at hand, 1 … 2³² − 1. */
  block = 0;

  constructor() {
    this.grow(SYMBOLS_AT_FIRST - 1);
  }

  nextBlock(): number {
    if (this.block === 0xffffffff) {
      this.u32.fill(0);
      this.block = 0;
    }
    return ++this.block;
  }

  /** Makes room for the symbol; what is known of the others stays. */
  grow(symbolId: number): void {
    this.capacity = 2 ** Math.ceil(Math.log2(symbolId + 1));
    const f64 = new Float64Array(this.capacity * STATE_F64);
    const u32 = new Uint32Array(f64.buffer);
    if (this.u32 !== undefined) u32.set(this.u32);
    this.f64 = f64;
    this.u32 = u32;
  }

  /** Begins a symbol in this block: everything 0, heads as the block's last of each kind. */
  begin(at: number, digits: number, quoteHead: number, tradeHead: number): void {
    const s = at * STATE_U32;
    for (let k = s; k < s + STATE_U32; k++) this.u32[k] = 0;
    this.u32[s + StateU32.block] = this.block;
    this.u32[s + StateU32.digits] = digits;
    this.u32[s + StateU32.quoteHead] = quoteHead;
    this.u32[s + StateU32.tradeHead] = tradeHead;
  }
}

export function putVarint(out: Uint8Array, at: number, value: number): number {
  let o = at;
  let v = value;
  while (v > 127) {
    out[o++] = (v & 127) | 128;
    v >>>= 7;
  }
  out[o++] = v;
  return o;
}

/** The same bytes for values up to 2⁵³. */
export function putLongVarint(out: Uint8Array, at: number, value: number): number {
  let o = at;
  let v = value;
  while (v >= 0x80000000) {
    out[o++] = (v % 128) | 128;
    v = Math.floor(v / 128);
  }
  return putVarint(out, o, v);
}

export function putZigzag(out: Uint8Array, at: number, delta: number): number {
  if (delta < SMALL && delta > -SMALL) {
    const d = delta | 0;
    return putVarint(out, at, (d << 1) ^ (d >> 31));
  }
  return putLongVarint(out, at, delta >= 0 ? 2 * delta : -2 * delta - 1);
}

export function putWord(out: Uint8Array, at: number, word: number): number {
  out[at] = word;
  out[at + 1] = word >>> 8;
  out[at + 2] = word >>> 16;
  out[at + 3] = word >>> 24;
  return at + 4;
}

export function putWords(
  out: Uint8Array,
  at: number,
  words: Uint32Array,
  from: number,
  count: number,
): number {
  let o = at;
  for (let k = from; k < from + count; k++) o = putWord(out, o, words[k]);
  return o;
}
