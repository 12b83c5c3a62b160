/** The encoder of the row format: see `rows.ts` for the bytes. */
import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_PRICE,
  F64_SIZE,
  F64_TRADE_ID,
  KIND_MASK,
  Kind,
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
  MANTISSA_MAX,
  POWERS,
  putLongVarint,
  putVarint,
  putWord,
  putWords,
  putZigzag,
  RowState,
  SCALES,
  SECOND_NS,
  SIZE_INTEGER_MAX,
  STATE_U32,
  StateF64,
  StateU32,
  SYMBOLS_CODED,
  TIME_DELTA_MAX,
  TRADE_ID_INTEGER_MAX,
} from './rows.js';

// Words of the fields, from the start of a record.
const W_BID = F64_BID * 2;
const W_ASK = F64_ASK * 2;
const W_BID_SIZE = F64_BID_SIZE * 2;
const W_ASK_SIZE = F64_ASK_SIZE * 2;
const W_TRADE_ID = F64_TRADE_ID * 2;
const SIGN = 0x80000000;

/** The integer that divided by `scale` gives `price` exactly; NaN where none does. */
function mantissa(price: number, scale: number): number {
  const m = Math.round(price * scale);
  return m / scale === price && m < MANTISSA_MAX && m > -MANTISSA_MAX ? m : Number.NaN;
}

/** Codes a size as `integer × 4 + scale`; −1 where only its bits will do. */
function sizeCode(size: number, high: number): number {
  if (high >= SIGN) return -1;
  for (let s = 0; s < 4; s++) {
    const m = Math.round(size * SCALES[s]);
    if (m / SCALES[s] === size && m < SIZE_INTEGER_MAX) return m * 4 + s;
  }
  return -1;
}

/** Nanoseconds between two times; NaN where the words do not form times or lie too far apart. */
function timeDelta(s: number, ns: number, lastS: number, lastNs: number): number {
  const d = (s - lastS) * SECOND_NS + (ns - lastNs);
  if (ns >= SECOND_NS || lastNs >= SECOND_NS || d >= TIME_DELTA_MAX || d <= -TIME_DELTA_MAX)
    return Number.NaN;
  return d;
}

function isTradeIdInteger(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < TRADE_ID_INTEGER_MAX;
}

export class RowEncoder {
  readonly #state = new RowState();
  // The tick at hand: the plan sets these, the writing reads them.
  #control = 0;
  #ext = 0;
  /** Difference of the bid or the trade's price. */
  #first = 0;
  /** Difference of the spread. */
  #second = 0;
  /** Code of the bid size or the trade's size. */
  #third = 0;
  /** Code of the ask size, or difference of the tradeId. */
  #fourth = 0;

  encode(r: Records, count: number, digits: Uint8Array, out: Uint8Array, start: number): number {
    const state = this.#state;
    const block = state.nextBlock();
    const words = r.u32;
    let o = start;
    let lastSymbol = -1;
    let recvS = 0;
    let recvNs = 0;
    let eventS = 0;
    let eventNs = 0;
    let quoteHead: number = Kind.quote;
    let tradeHead: number = Kind.trade;
    for (let i = 0; i < count; i++) {
      const w = i * RECORD_U32;
      const symbol = words[w + U32_SYMBOL];
      const head = words[w + U32_KIND_FLAGS_SOURCE];
      const kind = head & KIND_MASK;
      const coded =
        kind === Kind.quote || (kind === Kind.trade && words[w + W_ASK] === 0 && words[w + W_ASK + 1] === 0);
      if (!coded || symbol >= SYMBOLS_CODED) {
        out[o] = Bit.extension;
        out[o + 1] = Ext.raw;
        o = putWords(out, o + 2, words, w, U32_SEQ_LOW);
        o = putWords(out, o, words, w + U32_SYMBOL_SEQ, RECORD_U32 - U32_SYMBOL_SEQ);
        continue;
      }
      if (symbol >= state.capacity) state.grow(symbol);
      const s = symbol * STATE_U32;
      const known = state.u32;
      const isNew = known[s] !== block;
      if (isNew) state.begin(symbol, symbol < digits.length ? digits[symbol] & 15 : 0, quoteHead, tradeHead);

      this.#control = (symbol === lastSymbol ? Bit.sameSymbol : 0) | (kind === Kind.trade ? Bit.trade : 0);
      this.#ext = 0;
      const headAt = s + (kind === Kind.quote ? StateU32.quoteHead : StateU32.tradeHead);
      if (known[headAt] !== head) this.#ext |= Ext.kindFlagsSource;
      const symbolSeq = words[w + U32_SYMBOL_SEQ];
      if ((known[s + StateU32.symbolSeq] + 1) >>> 0 !== symbolSeq) this.#ext |= Ext.symbolSeq;
      const rs = words[w + U32_TS_RECV_S];
      const rns = words[w + U32_TS_RECV_S + 1];
      let recvDelta = 0;
      if (rns === recvNs && rs === recvS) this.#control |= Bit.sameRecv;
      else if (Number.isNaN((recvDelta = timeDelta(rs, rns, recvS, recvNs)))) this.#ext |= Ext.recv;
      const es = words[w + U32_TS_EVENT_S];
      const ens = words[w + U32_TS_EVENT_S + 1];
      let eventDelta = 0;
      if (ens === eventNs && es === eventS) this.#control |= Bit.sameEvent;
      else if (Number.isNaN((eventDelta = timeDelta(es, ens, eventS, eventNs)))) this.#ext |= Ext.event;
      if (kind === Kind.quote) this.#planQuote(r, i, s);
      else this.#planTrade(r, i, s);

      const ext = this.#ext;
      if (ext === 0) {
        out[o++] = this.#control;
      } else {
        out[o++] = this.#control | Bit.extension;
        out[o++] = ext;
      }
      if (symbol !== lastSymbol) o = putVarint(out, o, symbol);
      if (isNew) out[o++] = known[s + StateU32.digits];
      if ((ext & Ext.kindFlagsSource) !== 0) o = putWord(out, o, head);
      if ((ext & Ext.symbolSeq) !== 0) o = putWord(out, o, symbolSeq);
      if ((ext & Ext.recv) !== 0) o = putWord(out, putWord(out, o, rs), rns);
      else if ((this.#control & Bit.sameRecv) === 0) o = putZigzag(out, o, recvDelta);
      if ((ext & Ext.event) !== 0) o = putWord(out, putWord(out, o, es), ens);
      else if ((this.#control & Bit.sameEvent) === 0) o = putZigzag(out, o, eventDelta);
      o = kind === Kind.quote ? this.#writeQuote(words, w, out, o) : this.#writeTrade(words, w, out, o);

      known[headAt] = head;
      known[s + StateU32.symbolSeq] = symbolSeq;
      if (kind === Kind.quote) quoteHead = head;
      else tradeHead = head;
      recvS = rs;
      recvNs = rns;
      eventS = es;
      eventNs = ens;
      lastSymbol = symbol;
    }
    return o;
  }

  /** Decides how the quote's fields travel, and learns them. */
  #planQuote(r: Records, i: number, s: number): void {
    const known = this.#state.u32;
    const f64 = this.#state.f64;
    const u32 = r.u32;
    const d = i * RECORD_F64;
    const w = i * RECORD_U32;
    const f = s >>> 1;
    const scale = POWERS[known[s + StateU32.digits]];
    const bid = mantissa(r.f64[d + F64_BID], scale);
    const ask = mantissa(r.f64[d + F64_ASK], scale);
    const spread = ask - bid;
    if (
      Number.isNaN(spread) ||
      (bid === 0 && u32[w + W_BID + 1] !== 0) ||
      (ask === 0 && u32[w + W_ASK + 1] !== 0)
    ) {
      this.#ext |= Ext.prices;
    } else {
      this.#first = bid - f64[f + StateF64.bid];
      this.#second = spread - f64[f + StateF64.spread];
      if (this.#first === 0) this.#control |= Bit.sameBid;
      if (this.#second === 0) this.#control |= Bit.sameSpread;
      f64[f + StateF64.bid] = bid;
      f64[f + StateF64.spread] = spread;
    }
    const z = s + StateU32.bidSize;
    const bidLow = u32[w + W_BID_SIZE];
    const bidHigh = u32[w + W_BID_SIZE + 1];
    const askLow = u32[w + W_ASK_SIZE];
    const askHigh = u32[w + W_ASK_SIZE + 1];
    if (
      known[z] === bidLow &&
      known[z + 1] === bidHigh &&
      known[z + 2] === askLow &&
      known[z + 3] === askHigh
    ) {
      this.#control |= Bit.sameSizes;
      return;
    }
    known[z] = bidLow;
    known[z + 1] = bidHigh;
    known[z + 2] = askLow;
    known[z + 3] = askHigh;
    this.#third = sizeCode(r.f64[d + F64_BID_SIZE], bidHigh);
    this.#fourth = sizeCode(r.f64[d + F64_ASK_SIZE], askHigh);
    if (this.#third < 0 || this.#fourth < 0) this.#ext |= Ext.sizes;
  }

  #writeQuote(u32: Uint32Array, w: number, out: Uint8Array, at: number): number {
    let o = at;
    const control = this.#control;
    if ((this.#ext & Ext.prices) !== 0) {
      o = putWords(out, o, u32, w + W_BID, 4);
    } else {
      if ((control & Bit.sameBid) === 0) o = putZigzag(out, o, this.#first);
      if ((control & Bit.sameSpread) === 0) o = putZigzag(out, o, this.#second);
    }
    if ((control & Bit.sameSizes) !== 0) return o;
    if ((this.#ext & Ext.sizes) !== 0) return putWords(out, o, u32, w + W_BID_SIZE, 4);
    return putLongVarint(out, putLongVarint(out, o, this.#third), this.#fourth);
  }

  /** Decides how the trade's fields travel, and learns them. */
  #planTrade(r: Records, i: number, s: number): void {
    const known = this.#state.u32;
    const f64 = this.#state.f64;
    const u32 = r.u32;
    const d = i * RECORD_F64;
    const w = i * RECORD_U32;
    const f = s >>> 1;
    const price = mantissa(r.f64[d + F64_PRICE], POWERS[known[s + StateU32.digits]]);
    if (Number.isNaN(price) || (price === 0 && u32[w + W_BID + 1] !== 0)) {
      this.#ext |= Ext.prices;
    } else {
      this.#first = price - f64[f + StateF64.trade];
      if (this.#first === 0) this.#control |= Bit.samePrice;
      f64[f + StateF64.trade] = price;
    }
    const sizeLow = u32[w + W_BID_SIZE];
    const sizeHigh = u32[w + W_BID_SIZE + 1];
    if (known[s + StateU32.tradeSize] === sizeLow && known[s + StateU32.tradeSize + 1] === sizeHigh) {
      this.#control |= Bit.sameSizes;
    } else {
      known[s + StateU32.tradeSize] = sizeLow;
      known[s + StateU32.tradeSize + 1] = sizeHigh;
      this.#third = sizeCode(r.f64[d + F64_SIZE], sizeHigh);
      if (this.#third < 0) this.#ext |= Ext.sizes;
    }
    const id = r.f64[d + F64_TRADE_ID];
    const lastId = f64[f + StateF64.tradeId];
    const idLow = u32[w + W_TRADE_ID];
    const idHigh = u32[w + W_TRADE_ID + 1];
    const z = s + StateU32.tradeId;
    if (Number.isNaN(lastId) ? known[z] === idLow && known[z + 1] === idHigh : id === lastId + 1 && id > 0) {
      this.#control |= Bit.nextTradeId;
    } else {
      this.#fourth = id - lastId;
      if (!isTradeIdInteger(id) || !isTradeIdInteger(lastId) || id === 0) {
        this.#ext |= Ext.tradeId;
      }
    }
    known[z] = idLow;
    known[z + 1] = idHigh;
  }

  #writeTrade(u32: Uint32Array, w: number, out: Uint8Array, at: number): number {
    let o = at;
    const control = this.#control;
    const ext = this.#ext;
    if ((ext & Ext.prices) !== 0) o = putWords(out, o, u32, w + W_BID, 2);
    else if ((control & Bit.samePrice) === 0) o = putZigzag(out, o, this.#first);
    if ((ext & Ext.sizes) !== 0) o = putWords(out, o, u32, w + W_BID_SIZE, 2);
    else if ((control & Bit.sameSizes) === 0) o = putLongVarint(out, o, this.#third);
    if ((ext & Ext.tradeId) !== 0) return putWords(out, o, u32, w + W_TRADE_ID, 2);
    return (control & Bit.nextTradeId) === 0 ? putZigzag(out, o, this.#fourth) : o;
  }
}
