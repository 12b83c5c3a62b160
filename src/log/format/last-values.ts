/** The last ticks of a block, by symbol, for a last-value table: `log/format/wasm/lasts.ts` has the bytes and finds them. */

/** Words of one symbol. */
export const LAST_U32 = 64;
export const LAST_F64 = 32;
/** Words of 32 bits in it. */
export const LastU32 = {
  symbol: 0,
  what: 1,
  quote: 16,
  trade: 32,
  status: 48,
} as const;
/** Word of 64 bits: bid, ask and both sizes follow. */
export const LAST_QUOTE_F64 = 1;
/** Bits of `what`. */
export const LastBit = {
  quote: 1,
  trade: 2,
  status: 4,
  lastQuote: 8,
} as const;

/** A reusable copy that survives the next block. */
export class Lasts {
  /** Symbols. */
  count = 0;
  u32 = new Uint32Array(0);
  f64 = new Float64Array(0);

  /** Copies the words of `count` symbols. */
  copy(words: Uint32Array, count: number): void {
    if (count * LAST_U32 > this.u32.length) {
      this.f64 = new Float64Array(2 * count * LAST_F64);
      this.u32 = new Uint32Array(this.f64.buffer);
    }
    this.u32.set(words.subarray(0, count * LAST_U32));
    this.count = count;
  }
}
