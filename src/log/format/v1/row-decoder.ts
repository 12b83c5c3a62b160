/** The decoder of the row format: see `row-format.ts` for the bytes. */
import { decodeSize, SIZE_UNKNOWN } from '../../../core/size-code.js';
import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_PRICE,
  F64_SIZE,
  F64_TRADE_ID,
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
} from '../../../core/tick.js';
import {
  Bit,
  Ext,
  LENGTH_BYTES,
  LENGTH_MASK,
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
  TRADE_ID_MAX,
} from './row-format.js';

function unzigzag(v: number): number {
  return (v >>> 1) ^ -(v & 1);
}

export class RowDecoder {
  readonly #state = new RowState();

  /** Where the payload ended; -1 when it breaks off, as only damaged bytes do. */
  decode(bytes: Uint8Array, at: number, count: number, firstSeq: number, into: Records): number {
    try {
      return this.#decode(bytes, at, count, firstSeq, into);
    } catch (error) {
      if (error instanceof RangeError) return -1;
      throw error;
    }
  }

  #decode(bytes: Uint8Array, at: number, count: number, firstSeq: number, into: Records): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const state = this.#state;
    const block = state.nextBlock();
    const known = state.u32;
    const knownF64 = state.f64;
    const { u32, f64 } = into;
    let o = at;
    let recvS = 0;
    let recvNs = 0;
    let eventS = 0;
    let eventNs = 0;
    let quoteHead: number = Kind.quote;
    let tradeHead: number = Kind.trade;
    for (let i = 0; i < count; i++) {
      const w = i * RECORD_U32;
      const d = i * RECORD_F64;
      u32[w + U32_SEQ_LOW] = firstSeq + i;
      const control = view.getInt32(o, true);
      o += 4;
      if ((control & Bit.raw) !== 0) {
        getWords(view, o, u32, w, U32_SEQ_LOW);
        getWords(view, o + U32_SEQ_LOW * 4, u32, w + U32_SYMBOL_SEQ, RECORD_U32 - U32_SYMBOL_SEQ);
        o += (RECORD_U32 - 1) * 4;
        continue;
      }
      const symbol = control >>> 16;
      const s = symbol * STATE_U32;
      const sf = symbol * STATE_F64;
      const isTrade = (control & Bit.trade) !== 0;
      const headAt = s + (isTrade ? S_TRADE_HEAD : S_QUOTE_HEAD);
      let ext = 0;
      let symbolSeq = known[s + S_SYMBOL_SEQ] + 1;
      if ((control & Bit.extension) !== 0) {
        ext = bytes[o++];
        if ((ext & Ext.newSymbol) !== 0) state.begin(symbol, block, bytes[o++] & 15, quoteHead, tradeHead);
        if ((ext & Ext.head) !== 0) {
          known[headAt] = view.getUint32(o, true);
          o += 4;
        }
        symbolSeq = known[s + S_SYMBOL_SEQ] + 1;
        if ((ext & Ext.symbolSeq) !== 0) {
          symbolSeq = view.getUint32(o, true);
          o += 4;
        }
      }
      if (known[s + S_BLOCK] !== block) return -1;
      known[s + S_SYMBOL_SEQ] = symbolSeq;
      const head = known[headAt];
      u32[w + U32_SYMBOL] = symbol;
      u32[w + U32_KIND_FLAGS_SOURCE] = head;
      u32[w + U32_SYMBOL_SEQ] = symbolSeq;

      const l0 = (control >>> 4) & 3;
      const recv = unzigzag(view.getInt32(o, true) & LENGTH_MASK[l0]);
      o += LENGTH_BYTES[l0];
      const l1 = (control >>> 6) & 3;
      const event = unzigzag(view.getInt32(o, true) & LENGTH_MASK[l1]);
      o += LENGTH_BYTES[l1];
      const l2 = (control >>> 8) & 3;
      const a = view.getInt32(o, true) & LENGTH_MASK[l2];
      o += LENGTH_BYTES[l2];
      const l3 = (control >>> 10) & 3;
      const b = view.getInt32(o, true) & LENGTH_MASK[l3];
      o += LENGTH_BYTES[l3];
      const l4 = (control >>> 12) & 3;
      const c = view.getInt32(o, true) & LENGTH_MASK[l4];
      o += LENGTH_BYTES[l4];
      const l5 = (control >>> 14) & 3;
      const e = view.getInt32(o, true) & LENGTH_MASK[l5];
      o += LENGTH_BYTES[l5];

      if ((ext & Ext.recv) !== 0) {
        recvS = view.getUint32(o, true);
        recvNs = view.getUint32(o + 4, true);
        o += 8;
      } else {
        // A difference is at most 1.1 s: two steps at most.
        recvNs += recv;
        while (recvNs >= SECOND_NS && recv > 0) {
          recvNs -= SECOND_NS;
          recvS++;
        }
        while (recvNs < 0) {
          recvNs += SECOND_NS;
          recvS--;
        }
      }
      if ((ext & Ext.event) !== 0) {
        eventS = view.getUint32(o, true);
        eventNs = view.getUint32(o + 4, true);
        o += 8;
      } else {
        eventNs += event;
        while (eventNs >= SECOND_NS && event > 0) {
          eventNs -= SECOND_NS;
          eventS++;
        }
        while (eventNs < 0) {
          eventNs += SECOND_NS;
          eventS--;
        }
      }
      u32[w + U32_TS_EVENT_S] = eventS;
      u32[w + U32_TS_EVENT_NS] = eventNs;
      u32[w + U32_TS_RECV_S] = recvS;
      u32[w + U32_TS_RECV_NS] = recvNs;

      const scale = POWERS[known[s + S_DIGITS]];
      if (isTrade) {
        tradeHead = head;
        f64[d + F64_ASK] = 0;
        if ((ext & Ext.prices) !== 0) {
          o = getWords(view, o, u32, (d + F64_PRICE) * 2, 2);
          const price = mantissa(f64[d + F64_PRICE], scale);
          if (!Number.isNaN(price) && !Object.is(f64[d + F64_PRICE], -0)) knownF64[sf + S_PRICE] = price;
        } else {
          knownF64[sf + S_PRICE] += unzigzag(a);
          f64[d + F64_PRICE] = knownF64[sf + S_PRICE] / scale;
        }
        if ((ext & Ext.sizes) !== 0) {
          o = getWords(view, o, u32, (d + F64_SIZE) * 2, 2);
        } else {
          known[s + S_TRADE_SIZE] ^= b;
          setSize(into, d + F64_SIZE, known[s + S_TRADE_SIZE]);
        }
        if ((control & Bit.noTradeId) !== 0) {
          u32[(d + F64_TRADE_ID) * 2] = 0;
          u32[(d + F64_TRADE_ID) * 2 + 1] = NAN_HIGH;
        } else if ((ext & Ext.tradeId) !== 0) {
          o = getWords(view, o, u32, (d + F64_TRADE_ID) * 2, 2);
          const id = f64[d + F64_TRADE_ID];
          if (id > 0 && id < TRADE_ID_MAX && Math.floor(id) === id) knownF64[sf + S_TRADE_ID] = id;
        } else {
          knownF64[sf + S_TRADE_ID] += 1 + unzigzag(c);
          f64[d + F64_TRADE_ID] = knownF64[sf + S_TRADE_ID];
        }
        continue;
      }
      quoteHead = head;
      if ((ext & Ext.prices) !== 0) {
        o = getWords(view, o, u32, (d + F64_BID) * 2, 4);
        const bid = mantissa(f64[d + F64_BID], scale);
        const spread = mantissa(f64[d + F64_ASK], scale) - bid;
        const hasNegativeZero = Object.is(f64[d + F64_BID], -0) || Object.is(f64[d + F64_ASK], -0);
        if (!Number.isNaN(spread) && !hasNegativeZero) {
          knownF64[sf + S_BID] = bid;
          knownF64[sf + S_SPREAD] = spread;
        }
      } else {
        const bid = (knownF64[sf + S_BID] += unzigzag(a));
        const spread = (knownF64[sf + S_SPREAD] += unzigzag(b));
        f64[d + F64_BID] = bid / scale;
        f64[d + F64_ASK] = (bid + spread) / scale;
      }
      if ((ext & Ext.sizes) !== 0) {
        o = getWords(view, o, u32, (d + F64_BID_SIZE) * 2, 4);
      } else {
        known[s + S_BID_SIZE] ^= c;
        known[s + S_ASK_SIZE] ^= e;
        setSize(into, d + F64_BID_SIZE, known[s + S_BID_SIZE]);
        setSize(into, d + F64_ASK_SIZE, known[s + S_ASK_SIZE]);
      }
    }
    return o + PAD_BYTES;
  }
}

function setSize(into: Records, at: number, code: number): void {
  if (code === SIZE_UNKNOWN) {
    into.u32[at * 2] = 0;
    into.u32[at * 2 + 1] = NAN_HIGH;
  } else {
    into.f64[at] = decodeSize(code);
  }
}

function getWords(view: DataView, at: number, u32: Uint32Array, to: number, count: number): number {
  for (let k = 0; k < count; k++) u32[to + k] = view.getUint32(at + 4 * k, true);
  return at + 4 * count;
}
