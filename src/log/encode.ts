/** The encoder of the row format: see `rows.ts` for the bytes. */
import { encodeSize, NO_CODE, SIZE_UNKNOWN } from '../decimal.js';
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
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../tick.js';
import {
  Bit,
  DELTA_MAX,
  Ext,
  LENGTH_BYTES,
  LENGTH_CODE,
  mantissa,
  NAN_HIGH,
  PAD_BYTES,
  POWERS,
  RowState,
  S_ASK_SIZE,
  S_BID,
  S_BID_SIZE,
  S_BLOCK,
  S_DIGITS,
  S_PRICE,
  S_QUOTE_HEAD,
  S_SPREAD,
  S_SYMBOL_SEQ,
  S_TRADE_HEAD,
  S_TRADE_ID,
  S_TRADE_SIZE,
  SECOND_NS,
  STATE_F64,
  STATE_U32,
  SYMBOLS_CODED,
  TRADE_ID_MAX,
} from './rows.js';

const SIGN = 0x80000000;

/** Whether a difference fits into a zigzag word; NaN does not. */
function fits(delta: number): boolean {
  return delta < DELTA_MAX && delta > -DELTA_MAX;
}

function zigzag(delta: number): number {
  return (delta << 1) ^ (delta >> 31);
}

/** The code of a size, of NaN only in the bits that the decoder gives back. */
function sizeCode(f64: Float64Array, u32: Uint32Array, at: number): number {
  const code = encodeSize(f64, at);
  return code === SIZE_UNKNOWN && (u32[at * 2 + 1] !== NAN_HIGH || u32[at * 2] !== 0) ? NO_CODE : code;
}

export class RowEncoder {
  readonly #state = new RowState();
  #out: Uint8Array | undefined;
  #view!: DataView;

  /** Writes `count` records; `out` has `maxBytes(count)` free at `start`. Returns where they end. */
  encode(r: Records, count: number, digits: Uint8Array, out: Uint8Array, start: number): number {
    if (this.#out !== out) {
      this.#out = out;
      this.#view = new DataView(out.buffer, out.byteOffset, out.byteLength);
    }
    const view = this.#view;
    const state = this.#state;
    const block = state.nextBlock();
    const known = state.u32;
    const knownF64 = state.f64;
    const u32 = r.u32;
    const f64 = r.f64;
    let o = start;
    let recvS = 0;
    let recvNs = 0;
    let eventS = 0;
    let eventNs = 0;
    let quoteHead: number = Kind.quote;
    let tradeHead: number = Kind.trade;
    for (let i = 0; i < count; i++) {
      const w = i * RECORD_U32;
      const d = i * RECORD_F64;
      const symbol = u32[w + U32_SYMBOL];
      const head = u32[w + U32_KIND_FLAGS_SOURCE];
      const kind = head & KIND_MASK;
      if (symbol >= SYMBOLS_CODED || kind > Kind.trade || (kind === Kind.trade && hasUnusedBits(u32, w))) {
        o = putRaw(view, o, u32, w);
        continue;
      }
      const s = symbol * STATE_U32;
      const sf = symbol * STATE_F64;
      let control = symbol << 16;
      let ext = 0;
      if (known[s + S_BLOCK] !== block) {
        state.begin(symbol, block, symbol < digits.length ? digits[symbol] & 15 : 0, quoteHead, tradeHead);
        ext = Ext.newSymbol;
      }
      const headAt = s + (kind === Kind.quote ? S_QUOTE_HEAD : S_TRADE_HEAD);
      if (known[headAt] !== head) ext |= Ext.head;
      const symbolSeq = u32[w + U32_SYMBOL_SEQ];
      if (((known[s + S_SYMBOL_SEQ] + 1) | 0) !== (symbolSeq | 0)) ext |= Ext.symbolSeq;
      known[headAt] = head;
      known[s + S_SYMBOL_SEQ] = symbolSeq;

      const rs = u32[w + U32_TS_RECV_S];
      const rns = u32[w + U32_TS_RECV_NS];
      let recv = (rs - recvS) * SECOND_NS + (rns - recvNs);
      if (!fits(recv) || rns >= SECOND_NS || recvNs >= SECOND_NS) {
        ext |= Ext.recv;
        recv = 0;
      }
      recvS = rs;
      recvNs = rns;
      const es = u32[w + U32_TS_EVENT_S];
      const ens = u32[w + U32_TS_EVENT_NS];
      let event = (es - eventS) * SECOND_NS + (ens - eventNs);
      if (!fits(event) || ens >= SECOND_NS || eventNs >= SECOND_NS) {
        ext |= Ext.event;
        event = 0;
      }
      eventS = es;
      eventNs = ens;

      const scale = POWERS[known[s + S_DIGITS]];
      let a = 0;
      let b = 0;
      let c = 0;
      let e = 0;
      if (kind === Kind.quote) {
        quoteHead = head;
        const bid = mantissa(f64[d + F64_BID], scale);
        const spread = mantissa(f64[d + F64_ASK], scale) - bid;
        const isExact =
          !Number.isNaN(spread) &&
          !isNegativeZero(u32, (d + F64_BID) * 2) &&
          !isNegativeZero(u32, (d + F64_ASK) * 2);
        const dBid = bid - knownF64[sf + S_BID];
        const dSpread = spread - knownF64[sf + S_SPREAD];
        if (isExact && fits(dBid) && fits(dSpread)) {
          a = zigzag(dBid);
          b = zigzag(dSpread);
        } else {
          ext |= Ext.prices;
        }
        if (isExact) {
          knownF64[sf + S_BID] = bid;
          knownF64[sf + S_SPREAD] = spread;
        }
        const bidSize = sizeCode(f64, u32, d + F64_BID_SIZE);
        const askSize = sizeCode(f64, u32, d + F64_ASK_SIZE);
        if (bidSize < 0 || askSize < 0) {
          ext |= Ext.sizes;
        } else {
          c = bidSize ^ known[s + S_BID_SIZE];
          e = askSize ^ known[s + S_ASK_SIZE];
          known[s + S_BID_SIZE] = bidSize;
          known[s + S_ASK_SIZE] = askSize;
        }
      } else {
        tradeHead = head;
        control |= Bit.trade;
        const price = mantissa(f64[d + F64_PRICE], scale);
        const isExact = !Number.isNaN(price) && !isNegativeZero(u32, (d + F64_PRICE) * 2);
        const dPrice = price - knownF64[sf + S_PRICE];
        if (isExact && fits(dPrice)) a = zigzag(dPrice);
        else ext |= Ext.prices;
        if (isExact) knownF64[sf + S_PRICE] = price;
        const size = sizeCode(f64, u32, d + F64_SIZE);
        if (size < 0) {
          ext |= Ext.sizes;
        } else {
          b = size ^ known[s + S_TRADE_SIZE];
          known[s + S_TRADE_SIZE] = size;
        }
        const id = f64[d + F64_TRADE_ID];
        const dId = id - knownF64[sf + S_TRADE_ID] - 1;
        const y = (d + F64_TRADE_ID) * 2;
        if (u32[y + 1] === NAN_HIGH && u32[y] === 0) {
          control |= Bit.noTradeId;
        } else if (id > 0 && id < TRADE_ID_MAX && Math.floor(id) === id) {
          if (fits(dId)) c = zigzag(dId);
          else ext |= Ext.tradeId;
          knownF64[sf + S_TRADE_ID] = id;
        } else {
          ext |= Ext.tradeId;
        }
      }

      const controlAt = o;
      o += 4;
      if (ext !== 0) {
        control |= Bit.extension;
        out[o++] = ext;
        if ((ext & Ext.newSymbol) !== 0) out[o++] = known[s + S_DIGITS];
        if ((ext & Ext.head) !== 0) o = putWord(view, o, head);
        if ((ext & Ext.symbolSeq) !== 0) o = putWord(view, o, symbolSeq);
      }
      const v0 = zigzag(recv);
      const l0 = LENGTH_CODE[Math.clz32(v0)];
      view.setInt32(o, v0, true);
      o += LENGTH_BYTES[l0];
      const v1 = zigzag(event);
      const l1 = LENGTH_CODE[Math.clz32(v1)];
      view.setInt32(o, v1, true);
      o += LENGTH_BYTES[l1];
      const l2 = LENGTH_CODE[Math.clz32(a)];
      view.setInt32(o, a, true);
      o += LENGTH_BYTES[l2];
      const l3 = LENGTH_CODE[Math.clz32(b)];
      view.setInt32(o, b, true);
      o += LENGTH_BYTES[l3];
      const l4 = LENGTH_CODE[Math.clz32(c)];
      view.setInt32(o, c, true);
      o += LENGTH_BYTES[l4];
      const l5 = LENGTH_CODE[Math.clz32(e)];
      view.setInt32(o, e, true);
      o += LENGTH_BYTES[l5];
      control |= (l0 << 4) | (l1 << 6) | (l2 << 8) | (l3 << 10) | (l4 << 12) | (l5 << 14);
      view.setInt32(controlAt, control, true);
      if (ext >= Ext.recv) o = putMisfits(view, o, u32, w, kind, ext);
    }
    view.setInt32(o, 0, true);
    return o + PAD_BYTES;
  }
}

function putWord(view: DataView, at: number, word: number): number {
  view.setUint32(at, word, true);
  return at + 4;
}

function putWords(view: DataView, at: number, u32: Uint32Array, from: number, count: number): number {
  let o = at;
  for (let k = from; k < from + count; k++) o = putWord(view, o, u32[k]);
  return o;
}

function putRaw(view: DataView, at: number, u32: Uint32Array, w: number): number {
  let o = putWord(view, at, Bit.raw);
  o = putWords(view, o, u32, w, U32_SEQ_LOW);
  return putWords(view, o, u32, w + U32_SYMBOL_SEQ, RECORD_U32 - U32_SYMBOL_SEQ);
}

/** Raw words of the fields that have no coded form. */
function putMisfits(
  view: DataView,
  at: number,
  u32: Uint32Array,
  w: number,
  kind: number,
  ext: number,
): number {
  let o = at;
  const values = kind === Kind.quote ? 2 : 1;
  if ((ext & Ext.recv) !== 0) o = putWords(view, o, u32, w + U32_TS_RECV_S, 2);
  if ((ext & Ext.event) !== 0) o = putWords(view, o, u32, w + U32_TS_EVENT_S, 2);
  if ((ext & Ext.prices) !== 0) o = putWords(view, o, u32, w + F64_BID * 2, 2 * values);
  if ((ext & Ext.sizes) !== 0) o = putWords(view, o, u32, w + F64_BID_SIZE * 2, 2 * values);
  if ((ext & Ext.tradeId) !== 0) o = putWords(view, o, u32, w + F64_TRADE_ID * 2, 2);
  return o;
}

/** A trade whose unused field is not 0, as no writer of ours leaves it. */
function hasUnusedBits(u32: Uint32Array, w: number): boolean {
  return u32[w + F64_ASK * 2] !== 0 || u32[w + F64_ASK * 2 + 1] !== 0;
}

function isNegativeZero(u32: Uint32Array, at: number): boolean {
  return u32[at + 1] === SIGN && u32[at] === 0;
}
