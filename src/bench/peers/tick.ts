/**
 * The tick as peers carry it: 32 bytes, little-endian, the sized quote of `src/wire/packed.ts` with the time
 * counted from the anchor of the run. So the same checks read it at the clients.
 *
 * ```
 *  0 u16 symbolId │ 2 u16 kind and form │ 4 u32 symbolSeq
 *  8 i32 bid × 10^digits │ 12 u16 ask - bid, likewise │ 14 u16 0
 * 16 i32 µs since the anchor that the tick was due at │ 20 i32 0
 * 24 u32 bid size │ 28 u32 ask size: see core/size-code.ts
 * ```
 */
import { encodeSize } from '../../core/size-code.js';
import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  Kind,
  RECORD_F64,
  RECORD_U32,
  U32_SYMBOL,
} from '../../core/tick.js';
import type { Market } from '../../feeds/synthetic/index.js';
import { FORM_SHIFT, Form, POW10 } from '../../wire/packed.js';
import { quoteCheck } from '../harness/packed-checker.js';

export const TICK_BYTES = 32;
const SIZED_QUOTE = ((Form.sized << FORM_SHIFT) | Kind.quote) << 16;

/** Writes a market's quotes, and keeps the last state of each symbol. */
export class TickWriter {
  /** By symbol id. */
  readonly symbolSeqs: Int32Array;
  /** `quoteCheck` of the last quote, by symbol id. */
  readonly checks: Int32Array;
  /** Symbol id of the tick written last. */
  symbolId = 0;

  constructor(readonly market: Market) {
    this.symbolSeqs = new Int32Array(market.symbols.length + 1);
    this.checks = new Int32Array(market.symbols.length + 1);
  }

  /** Writes the market's present quote at the start of `into`. */
  write(into: Buffer, dueUs: number): void {
    const { block, at, symbols } = this.market;
    const { u32, f64 } = block;
    const index = u32[at * RECORD_U32 + U32_SYMBOL];
    const d = at * RECORD_F64;
    const pow = POW10[symbols[index].digits];
    const bid = Math.round(f64[d + F64_BID] * pow);
    const spread = Math.round(f64[d + F64_ASK] * pow) - bid;
    const id = index + 1;
    this.symbolId = id;
    this.checks[id] = quoteCheck(bid, spread);
    into.writeInt32LE(id | SIZED_QUOTE, 0);
    into.writeInt32LE(++this.symbolSeqs[id], 4);
    into.writeInt32LE(bid, 8);
    into.writeInt32LE(spread, 12);
    into.writeInt32LE(dueUs, 16);
    into.writeInt32LE(0, 20);
    into.writeInt32LE(encodeSize(f64, d + F64_BID_SIZE), 24);
    into.writeInt32LE(encodeSize(f64, d + F64_ASK_SIZE), 28);
  }
}
