/**
 * The row format, version 1, which is only read: one tick after the other, each as what differs from what is expected of it.
 *
 * ```
 * u32 control: bits 0-3 see `Bit` │ bits 4-15 lengths of six fields, 2 bits each: 0, 1, 2 or 4 bytes │ bits 16-31 symbolId
 * u8 extension, if control says so: see `Ext`; then
 *    u8 digits if the symbol is new in the block │ u32 kind, flags and source if they differ │ u32 symbolSeq if it jumped
 * the fields, little-endian, in as many bytes as the control says
 *    quote: tsRecv, tsEvent, bid, spread, bid size, ask size
 *    trade: tsRecv, tsEvent, price, size, trade id, -
 * raw words of what the extension says did not fit: tsRecv, tsEvent (8 bytes each), prices, sizes, trade id (8 bytes a value)
 * after the last tick: 4 bytes 0, so that a field may always be read as a whole word
 * ```
 *
 * Times, prices and ids are zigzag integers: nanoseconds since the tick before, points since the symbol's
 * last bid, spread or trade price, ids since the one that was expected. A size is a code (`core/size-code.ts`), as
 * XOR with the symbol's last.
 * Integers are used only where dividing them again gives the very same bits. A record of another kind, or
 * one that no registry could have named, travels as it is.
 *
 * No field's length is searched for byte by byte: a mispredicted branch costs more than the bytes it saves.
 */
export const Bit = {
  trade: 1,
  /** The whole record but seqLow follows (60 bytes), and nothing else; it predicts nothing. */
  raw: 2,
  extension: 4,
  /** Of a trade: it has no id. */
  noTradeId: 8,
} as const;

export const Ext = {
  newSymbol: 1,
  head: 2,
  symbolSeq: 4,
  recv: 8,
  event: 16,
  prices: 32,
  sizes: 64,
  tradeId: 128,
} as const;

/** Words of 0 after the last tick. */
export const PAD_BYTES = 4;

/** By code: bytes, and the bits that they keep. */
export const LENGTH_BYTES = Uint8Array.of(0, 1, 2, 4);
export const LENGTH_MASK = Int32Array.of(0, 0xff, 0xffff, -1);

/** Integers of prices stay below this, so that the difference of two spreads is exact. */
const MANTISSA_MAX = 2 ** 49;
export const TRADE_ID_MAX = 2 ** 52;
export const SECOND_NS = 1_000_000_000;
/** High word of the float64 of a size that is not known; the low one is 0. */
export const NAN_HIGH = 0x7ff80000;
export const POWERS = Float64Array.from({ length: 16 }, (_, digits) => Number(`1e${digits}`));

/** Words of a symbol's state; u32 and f64 views of the same bytes, 64 bytes a symbol. */
export const STATE_F64 = 8;
export const STATE_U32 = 16;
// u32 words.
export const S_BLOCK = 0;
export const S_DIGITS = 1;
export const S_SYMBOL_SEQ = 2;
export const S_QUOTE_HEAD = 3;
export const S_TRADE_HEAD = 4;
export const S_BID_SIZE = 5;
export const S_ASK_SIZE = 6;
export const S_TRADE_SIZE = 7;
// f64 words.
export const S_BID = 4;
export const S_SPREAD = 5;
export const S_PRICE = 6;
export const S_TRADE_ID = 7;

/** Ids from here on are written raw: packed frames could not name them either. */
export const SYMBOLS_CODED = 65_536;

/** What a block has told of each symbol so far. It is reset by the block's number, not by clearing. */
export class RowState {
  readonly f64 = new Float64Array(SYMBOLS_CODED * STATE_F64);
  readonly u32 = new Uint32Array(this.f64.buffer);
  #block = 0;

  /** Begins a block; its number is what the state of a symbol that it has told of carries. */
  nextBlock(): number {
    if (this.#block === 0xffffffff) {
      this.u32.fill(0);
      this.#block = 0;
    }
    return ++this.#block;
  }

  /** Begins a symbol in this block: everything 0, heads as the block's last of each kind. */
  begin(symbol: number, block: number, digits: number, quoteHead: number, tradeHead: number): void {
    const s = symbol * STATE_U32;
    this.u32.fill(0, s, s + STATE_U32);
    this.u32[s + S_BLOCK] = block;
    this.u32[s + S_DIGITS] = digits;
    this.u32[s + S_QUOTE_HEAD] = quoteHead;
    this.u32[s + S_TRADE_HEAD] = tradeHead;
  }
}

/** The integer that divided by `scale` gives `price` exactly; NaN where none does. Both sides learn prices by it. */
export function mantissa(price: number, scale: number): number {
  const m = Math.round(price * scale);
  return m / scale === price && m < MANTISSA_MAX && m > -MANTISSA_MAX ? m : Number.NaN;
}
