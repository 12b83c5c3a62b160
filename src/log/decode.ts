/** The decoder of the row format: see `rows.ts` for the bytes. */
import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_PRICE,
  F64_SIZE,
  F64_TRADE_ID,
  RECORD_F64,
  RECORD_U32,
  type Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SEQ_LOW,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_S,
  U32_TS_RECV_S,
} from '../tick.js';
import {
  Bit,
  Ext,
  POWERS,
  RowState,
  SCALES,
  SECOND_NS,
  STATE_U32,
  StateF64,
  StateU32,
  SYMBOLS_CODED,
} from './rows.js';

const W_BID = F64_BID * 2;
const W_BID_SIZE = F64_BID_SIZE * 2;
const W_TRADE_ID = F64_TRADE_ID * 2;

export class RowDecoder {
  readonly #state = new RowState();
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  /** What #time found. */
  #s = 0;
  #ns = 0;

  /** Past the end of damaged bytes everything reads as 0; the caller compares where it ended. */
  decode(bytes: Uint8Array, at: number, count: number, firstSeq: number, into: Records): number {
    const state = this.#state;
    const block = state.nextBlock();
    const words = into.u32;
    this.#bytes = bytes;
    this.#at = at;
    let symbol = 0;
    let recvS = 0;
    let recvNs = 0;
    let eventS = 0;
    let eventNs = 0;
    let quoteHead = 0;
    let tradeHead = 1;
    for (let i = 0; i < count; i++) {
      const w = i * RECORD_U32;
      words[w + U32_SEQ_LOW] = firstSeq + i;
      const control = this.#byte();
      const ext = (control & Bit.extension) !== 0 ? this.#byte() : 0;
      if ((ext & Ext.raw) !== 0) {
        this.#words(words, w, U32_SEQ_LOW);
        this.#words(words, w + U32_SYMBOL_SEQ, RECORD_U32 - U32_SYMBOL_SEQ);
        continue;
      }
      if ((control & Bit.sameSymbol) === 0) symbol = this.#varint();
      if (symbol >= SYMBOLS_CODED || symbol < 0) return -1;
      if (symbol >= state.capacity) state.grow(symbol);
      const s = symbol * STATE_U32;
      const known = state.u32;
      if (known[s] !== block) state.begin(symbol, this.#byte() & 15, quoteHead, tradeHead);
      const isTrade = (control & Bit.trade) !== 0;
      const headAt = s + (isTrade ? StateU32.tradeHead : StateU32.quoteHead);
      if ((ext & Ext.kindFlagsSource) !== 0) this.#words(known, headAt, 1);
      const head = known[headAt];
      if (isTrade) tradeHead = head;
      else quoteHead = head;
      if ((ext & Ext.symbolSeq) !== 0) this.#words(known, s + StateU32.symbolSeq, 1);
      else known[s + StateU32.symbolSeq]++;
      words[w + U32_SYMBOL] = symbol;
      words[w + U32_KIND_FLAGS_SOURCE] = head;
      words[w + U32_SYMBOL_SEQ] = known[s + StateU32.symbolSeq];
      if ((control & Bit.sameRecv) === 0) {
        this.#time((ext & Ext.recv) !== 0, recvS, recvNs);
        recvS = this.#s;
        recvNs = this.#ns;
      }
      if ((control & Bit.sameEvent) === 0) {
        this.#time((ext & Ext.event) !== 0, eventS, eventNs);
        eventS = this.#s;
        eventNs = this.#ns;
      }
      words[w + U32_TS_EVENT_S] = eventS;
      words[w + U32_TS_EVENT_S + 1] = eventNs;
      words[w + U32_TS_RECV_S] = recvS;
      words[w + U32_TS_RECV_S + 1] = recvNs;
      if (isTrade) this.#trade(into, i, s, control, ext);
      else this.#quote(into, i, s, control, ext);
    }
    return this.#at;
  }

  #quote(into: Records, i: number, s: number, control: number, ext: number): void {
    const f = s >>> 1;
    const d = i * RECORD_F64;
    const w = i * RECORD_U32;
    const known = this.#state.u32;
    const f64 = this.#state.f64;
    if ((ext & Ext.prices) !== 0) {
      this.#words(into.u32, w + W_BID, 4);
    } else {
      if ((control & Bit.sameBid) === 0) f64[f + StateF64.bid] += this.#zigzag();
      if ((control & Bit.sameSpread) === 0) f64[f + StateF64.spread] += this.#zigzag();
      const scale = POWERS[known[s + StateU32.digits]];
      const bid = f64[f + StateF64.bid];
      into.f64[d + F64_BID] = bid / scale;
      into.f64[d + F64_ASK] = (bid + f64[f + StateF64.spread]) / scale;
    }
    const z = s + StateU32.bidSize;
    if ((control & Bit.sameSizes) !== 0) {
      for (let k = 0; k < 4; k++) into.u32[w + W_BID_SIZE + k] = known[z + k];
      return;
    }
    if ((ext & Ext.sizes) !== 0) {
      this.#words(into.u32, w + W_BID_SIZE, 4);
    } else {
      into.f64[d + F64_BID_SIZE] = this.#size();
      into.f64[d + F64_ASK_SIZE] = this.#size();
    }
    for (let k = 0; k < 4; k++) known[z + k] = into.u32[w + W_BID_SIZE + k];
  }

  #trade(into: Records, i: number, s: number, control: number, ext: number): void {
    const f = s >>> 1;
    const d = i * RECORD_F64;
    const w = i * RECORD_U32;
    const known = this.#state.u32;
    const f64 = this.#state.f64;
    if ((ext & Ext.prices) !== 0) {
      this.#words(into.u32, w + W_BID, 2);
    } else {
      if ((control & Bit.samePrice) === 0) f64[f + StateF64.trade] += this.#zigzag();
      into.f64[d + F64_PRICE] = f64[f + StateF64.trade] / POWERS[known[s + StateU32.digits]];
    }
    into.f64[d + F64_ASK] = 0;
    const z = s + StateU32.tradeSize;
    if ((control & Bit.sameSizes) !== 0) {
      into.u32[w + W_BID_SIZE] = known[z];
      into.u32[w + W_BID_SIZE + 1] = known[z + 1];
    } else {
      if ((ext & Ext.sizes) !== 0) this.#words(into.u32, w + W_BID_SIZE, 2);
      else into.f64[d + F64_SIZE] = this.#size();
      known[z] = into.u32[w + W_BID_SIZE];
      known[z + 1] = into.u32[w + W_BID_SIZE + 1];
    }
    const idAt = s + StateU32.tradeId;
    const lastId = f64[f + StateF64.tradeId];
    if ((ext & Ext.tradeId) !== 0) this.#words(known, idAt, 2);
    else if ((control & Bit.nextTradeId) === 0) f64[f + StateF64.tradeId] = lastId + this.#zigzag();
    else if (!Number.isNaN(lastId)) f64[f + StateF64.tradeId] = lastId + 1;
    into.u32[w + W_TRADE_ID] = known[idAt];
    into.u32[w + W_TRADE_ID + 1] = known[idAt + 1];
  }

  #time(asWords: boolean, lastS: number, lastNs: number): void {
    if (asWords) {
      this.#s = this.#word();
      this.#ns = this.#word();
      return;
    }
    const ns = lastNs + this.#zigzag();
    if (ns >= 0 && ns < SECOND_NS) {
      this.#s = lastS;
      this.#ns = ns;
      return;
    }
    const carry = Math.floor(ns / SECOND_NS);
    this.#s = lastS + carry;
    this.#ns = ns - carry * SECOND_NS;
  }

  #size(): number {
    const code = this.#varint();
    const scale = code % 4;
    return (code - scale) / 4 / SCALES[scale];
  }

  #byte(): number {
    return this.#at < this.#bytes.length ? this.#bytes[this.#at++] : 0;
  }

  #word(): number {
    const b = this.#bytes;
    const o = this.#at;
    this.#at = o + 4;
    return (b[o] | (b[o + 1] << 8) | (b[o + 2] << 16) | (b[o + 3] << 24)) >>> 0;
  }

  #words(to: Uint32Array, at: number, count: number): void {
    for (let k = at; k < at + count; k++) to[k] = this.#word();
  }

  /** Up to 2⁵³: the first four bytes in 32-bit arithmetic, the rest, if any, in float64. */
  #varint(): number {
    let byte = this.#byte();
    if (byte < 128) return byte;
    let value = byte & 127;
    byte = this.#byte();
    value |= (byte & 127) << 7;
    if (byte < 128) return value;
    byte = this.#byte();
    value |= (byte & 127) << 14;
    if (byte < 128) return value;
    byte = this.#byte();
    value |= (byte & 127) << 21;
    for (let unit = 2 ** 28; byte > 127 && unit < 2 ** 56; unit *= 128) {
      byte = this.#byte();
      value += (byte & 127) * unit;
    }
    return value;
  }

  #zigzag(): number {
    const value = this.#varint();
    if (value < 0x80000000) return (value >>> 1) ^ -(value & 1);
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
