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
  // Most sizes are small integers: spares the division.
  if ((size | 0) === size) return size * 4;
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

/** A trade whose unused field is 0, as every writer leaves it. */
function isCodedTrade(words: Uint32Array, w: number, head: number): boolean {
  return (head & KIND_MASK) === Kind.trade && words[w + W_ASK] === 0 && words[w + W_ASK + 1] === 0;
}

export class RowEncoder {
  readonly #state = new RowState();
  /** Control bits, and extension bits above them, of the trade just written. */
  #tradeBits = 0;

  /**
   * One long loop on purpose: the state of the tick stays in registers. A tick whose fields
   * turn out to need an extension byte is moved up by a byte afterwards, which is rare.
   */
  encode(r: Records, count: number, digits: Uint8Array, out: Uint8Array, start: number): number {
    const state = this.#state;
    const block = state.nextBlock();
    const words = r.u32;
    const values = r.f64;
    let known = state.u32;
    let f64 = state.f64;
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
      const isQuote = (head & KIND_MASK) === Kind.quote;
      if (symbol >= SYMBOLS_CODED || (!isQuote && !isCodedTrade(words, w, head))) {
        out[o] = Bit.extension;
        out[o + 1] = Ext.raw;
        o = putWords(out, o + 2, words, w, U32_SEQ_LOW);
        o = putWords(out, o, words, w + U32_SYMBOL_SEQ, RECORD_U32 - U32_SYMBOL_SEQ);
        continue;
      }
      if (symbol >= state.capacity) {
        state.grow(symbol);
        known = state.u32;
        f64 = state.f64;
      }
      const s = symbol * STATE_U32;
      const isNew = known[s] !== block;
      const symbolDigits = isNew && symbol < digits.length ? digits[symbol] & 15 : 0;
      if (isNew) state.begin(symbol, symbolDigits, quoteHead, tradeHead);
      const headAt = s + (isQuote ? StateU32.quoteHead : StateU32.tradeHead);
      const symbolSeq = words[w + U32_SYMBOL_SEQ];
      let control: number = isQuote ? 0 : Bit.trade;
      let ext = known[headAt] !== head ? Ext.kindFlagsSource : 0;
      if ((known[s + StateU32.symbolSeq] + 1) >>> 0 !== symbolSeq) ext |= Ext.symbolSeq;
      const at = o;
      // Room for an extension byte where one is already known to come, as with every new symbol.
      const roomy = ext !== 0;
      o += roomy ? 2 : 1;
      if (symbol === lastSymbol) control |= Bit.sameSymbol;
      else o = putVarint(out, o, symbol);
      lastSymbol = symbol;
      if (isNew) out[o++] = symbolDigits;
      if ((ext & Ext.kindFlagsSource) !== 0) o = putWord(out, o, head);
      if ((ext & Ext.symbolSeq) !== 0) o = putWord(out, o, symbolSeq);
      known[headAt] = head;
      known[s + StateU32.symbolSeq] = symbolSeq;
      if (isQuote) quoteHead = head;
      else tradeHead = head;
      const rs = words[w + U32_TS_RECV_S];
      const rns = words[w + U32_TS_RECV_S + 1];
      if (rns === recvNs && rs === recvS) {
        control |= Bit.sameRecv;
      } else {
        const delta = timeDelta(rs, rns, recvS, recvNs);
        if (Number.isNaN(delta)) {
          ext |= Ext.recv;
          o = putWord(out, putWord(out, o, rs), rns);
        } else o = putZigzag(out, o, delta);
        recvS = rs;
        recvNs = rns;
      }
      const es = words[w + U32_TS_EVENT_S];
      const ens = words[w + U32_TS_EVENT_S + 1];
      if (ens === eventNs && es === eventS) {
        control |= Bit.sameEvent;
      } else {
        const delta = timeDelta(es, ens, eventS, eventNs);
        if (Number.isNaN(delta)) {
          ext |= Ext.event;
          o = putWord(out, putWord(out, o, es), ens);
        } else o = putZigzag(out, o, delta);
        eventS = es;
        eventNs = ens;
      }
      if (isQuote) {
        const d = i * RECORD_F64;
        const f = s >>> 1;
        const scale = POWERS[known[s + StateU32.digits]];
        const bid = mantissa(values[d + F64_BID], scale);
        const ask = mantissa(values[d + F64_ASK], scale);
        const spread = ask - bid;
        if (
          Number.isNaN(spread) ||
          (bid === 0 && words[w + W_BID + 1] !== 0) ||
          (ask === 0 && words[w + W_ASK + 1] !== 0)
        ) {
          ext |= Ext.prices;
          o = putWords(out, o, words, w + W_BID, 4);
        } else {
          const bidStep = bid - f64[f + StateF64.bid];
          const spreadStep = spread - f64[f + StateF64.spread];
          if (bidStep === 0) control |= Bit.sameBid;
          else o = putZigzag(out, o, bidStep);
          if (spreadStep === 0) control |= Bit.sameSpread;
          else o = putZigzag(out, o, spreadStep);
          f64[f + StateF64.bid] = bid;
          f64[f + StateF64.spread] = spread;
        }
        const z = s + StateU32.bidSize;
        const bidLow = words[w + W_BID_SIZE];
        const bidHigh = words[w + W_BID_SIZE + 1];
        const askLow = words[w + W_ASK_SIZE];
        const askHigh = words[w + W_ASK_SIZE + 1];
        if (
          known[z] === bidLow &&
          known[z + 1] === bidHigh &&
          known[z + 2] === askLow &&
          known[z + 3] === askHigh
        ) {
          control |= Bit.sameSizes;
        } else {
          known[z] = bidLow;
          known[z + 1] = bidHigh;
          known[z + 2] = askLow;
          known[z + 3] = askHigh;
          const bidCode = sizeCode(values[d + F64_BID_SIZE], bidHigh);
          const askCode = sizeCode(values[d + F64_ASK_SIZE], askHigh);
          if (bidCode < 0 || askCode < 0) {
            ext |= Ext.sizes;
            o = putWords(out, o, words, w + W_BID_SIZE, 4);
          } else o = putLongVarint(out, putLongVarint(out, o, bidCode), askCode);
        }
      } else {
        o = this.#trade(r, i, s, out, o);
        control |= this.#tradeBits & 0xff;
        ext |= this.#tradeBits >>> 8;
      }
      if (ext !== 0) {
        if (!roomy) out.copyWithin(at + 2, at + 1, o++);
        out[at + 1] = ext;
        control |= Bit.extension;
      }
      out[at] = control;
    }
    return o;
  }

  /** Writes a trade's fields and learns them. */
  #trade(r: Records, i: number, s: number, out: Uint8Array, at: number): number {
    const known = this.#state.u32;
    const f64 = this.#state.f64;
    const words = r.u32;
    const d = i * RECORD_F64;
    const w = i * RECORD_U32;
    const f = s >>> 1;
    let o = at;
    let bits = 0;
    const price = mantissa(r.f64[d + F64_PRICE], POWERS[known[s + StateU32.digits]]);
    if (Number.isNaN(price) || (price === 0 && words[w + W_BID + 1] !== 0)) {
      bits |= Ext.prices << 8;
      o = putWords(out, o, words, w + W_BID, 2);
    } else {
      const step = price - f64[f + StateF64.trade];
      if (step === 0) bits |= Bit.samePrice;
      else o = putZigzag(out, o, step);
      f64[f + StateF64.trade] = price;
    }
    const sizeLow = words[w + W_BID_SIZE];
    const sizeHigh = words[w + W_BID_SIZE + 1];
    if (known[s + StateU32.tradeSize] === sizeLow && known[s + StateU32.tradeSize + 1] === sizeHigh) {
      bits |= Bit.sameSizes;
    } else {
      known[s + StateU32.tradeSize] = sizeLow;
      known[s + StateU32.tradeSize + 1] = sizeHigh;
      const code = sizeCode(r.f64[d + F64_SIZE], sizeHigh);
      if (code < 0) {
        bits |= Ext.sizes << 8;
        o = putWords(out, o, words, w + W_BID_SIZE, 2);
      } else o = putLongVarint(out, o, code);
    }
    const id = r.f64[d + F64_TRADE_ID];
    const lastId = f64[f + StateF64.tradeId];
    const idLow = words[w + W_TRADE_ID];
    const idHigh = words[w + W_TRADE_ID + 1];
    const z = s + StateU32.tradeId;
    if (Number.isNaN(lastId) ? known[z] === idLow && known[z + 1] === idHigh : id === lastId + 1 && id > 0) {
      bits |= Bit.nextTradeId;
    } else if (isTradeIdInteger(id) && isTradeIdInteger(lastId) && id !== 0) {
      o = putZigzag(out, o, id - lastId);
    } else {
      bits |= Ext.tradeId << 8;
      o = putWords(out, o, words, w + W_TRADE_ID, 2);
    }
    known[z] = idLow;
    known[z + 1] = idHigh;
    this.#tradeBits = bits;
    return o;
  }
}
