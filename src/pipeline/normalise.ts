/**
 * Normalisation and numbering: one raw record becomes one clean, numbered record, a rejection, or a
 * half-quote held back.
 */
import {
  copyRecord,
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_PRICE,
  F64_SIZE,
  F64_TS_EVENT,
  F64_TS_RECV,
  Flag,
  KIND_MASK,
  Kind,
  NO_PRICE,
  RECORD_F64,
  RECORD_U32,
  type Records,
  SLOT_BITS,
  U32_KIND_FLAGS_SOURCE,
  U32_RAW_FOLDED,
  U32_RAW_POSITION,
  U32_SEQ_LOW,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_S,
} from '../tick.js';
import type { BroadcastMemory } from './broadcast.js';
import { Reject, type RejectReason } from './counters.js';
import { probe } from './fault.js';
import {
  isBefore,
  midMove,
  S_ASK,
  S_ASK_SIZE,
  S_BID,
  S_BID_SIZE,
  S_DEVIATION,
  S_HELD,
  S_SCALE,
  STATE_F64,
  STATE_U32,
  SU_QUOTE_NS,
  SU_QUOTE_S,
  SU_READY,
  SU_SIGNED,
  SU_SYMBOL_SEQ,
  SU_TRADE_NS,
  SU_TRADE_S,
  type SymbolStates,
} from './states.js';
import { ID_BITS } from './table.js';

/** Results of `normalise` besides a reject reason (which is `REJECTED + reason`). */
export const NUMBERED = 0;
export const HELD = 1;
export const REJECTED = 2;

/** A move of the mid beyond this many mean moves is suspicious, once the symbol has ticked often enough to tell. */
const SUSPICIOUS_MOVES = 50;
const SUSPICIOUS_AFTER = 64;
const SECOND_NS = 1_000_000_000;
/** Beyond this a price times its power of ten is no exact integer, and is left as it came. */
const EXACT = 2 ** 52;

/** Rounds a price to 1 / scale, scale being a power of ten; the result is the float64 nearest to the decimal. */
export function roundTo(price: number, scale: number): number {
  const scaled = price * scale;
  if (scaled > EXACT || scaled < -EXACT) return price;
  // Adding 0 makes a negative zero positive: there is one zero, whoever encodes it.
  return Math.round(scaled) / scale + 0;
}

export class Normaliser {
  crossed = 0;
  locked = 0;
  late = 0;
  suspicious = 0;
  /** Quotes numbered that stand for half-quotes held before. */
  released = 0;
  // The quote at hand, once its sides are settled.
  #bid = 0;
  #ask = 0;
  #bidSize = 0;
  #askSize = 0;
  /** Why `quotes` stopped at a quote that it could have numbered. */
  #refusal = NUMBERED;

  constructor(readonly states: SymbolStates) {}

  /** Makes `seq`'s slot of `out` the record of that number, from raw record `i` of a symbol that is defined. */
  normalise(raw: Records, i: number, out: BroadcastMemory, seq: number): number {
    const w = i * RECORD_U32;
    const kind = raw.u32[w + U32_KIND_FLAGS_SOURCE] & KIND_MASK;
    if (raw.u32[w + U32_TS_EVENT_NS] >= SECOND_NS) return REJECTED + Reject.bad_time;
    if (kind === Kind.quote) return this.quotes(raw, i, out, seq, 1) === 1 ? NUMBERED : this.#refusal;
    if (kind === Kind.trade) return this.#trade(raw, i, out, seq);
    if (kind > Kind.gap) return REJECTED + Reject.bad_kind;
    copyRecord(raw, i, out.records, out.slot(seq));
    return this.#number(raw, i, out, seq);
  }

  /**
   * Numbers quotes from `seq` on for as long as they come one after the other. All in one loop over locals:
   * this is the hot path.
   * @param from where they start in `raw`; neither they nor their slots of `out` go round the end of a ring
   * @returns how many were numbered: fewer than `count` when the next record is for `normalise`, as it is no
   *   quote, is refused, or needs a definition first
   */
  quotes(raw: Records, from: number, out: BroadcastMemory, seq: number, count: number): number {
    const { states } = this;
    const { f64: sf, u32: su, maxSymbols } = states;
    const { u32: ru, f64: rf } = raw;
    const { u32: ou, f64: of } = out.records;
    const { positions } = out;
    const to = out.slot(seq);
    const seqLow = seq | 0;
    for (let n = 0; n < count; n++) {
      const i = (from + n) & SLOT_BITS;
      const w = i * RECORD_U32;
      const d = i * RECORD_F64;
      const id = ru[w + U32_SYMBOL];
      let kindFlags = ru[w + U32_KIND_FLAGS_SOURCE] | 0;
      if ((kindFlags & KIND_MASK) !== Kind.quote || id >= maxSymbols) return n;
      const s = (id & ID_BITS) * STATE_F64;
      const u = (id & ID_BITS) * STATE_U32;
      const eventS = ru[w + U32_TS_EVENT_S];
      const eventNs = ru[w + U32_TS_EVENT_NS];
      if (su[u + SU_READY] === 0 || eventNs >= SECOND_NS) return n;
      let bid = rf[d + F64_BID];
      let ask = rf[d + F64_ASK];
      let bidSize = rf[d + F64_BID_SIZE];
      let askSize = rf[d + F64_ASK_SIZE];
      if (!isSize(bidSize) || !isSize(askSize)) {
        this.#refusal = REJECTED + Reject.bad_size;
        return n;
      }
      const scale = sf[s + S_SCALE];
      const scaledBid = bid * scale;
      const scaledAsk = ask * scale;
      if (scaledBid >= 0.5 && scaledAsk >= 0.5 && scaledBid <= EXACT && scaledAsk <= EXACT) {
        bid = Math.round(scaledBid) / scale;
        ask = Math.round(scaledAsk) / scale;
      } else {
        this.#refusal = this.#settleSides(id, bid, ask, bidSize, askSize);
        if (this.#refusal !== NUMBERED) return n;
        bid = this.#bid;
        ask = this.#ask;
        bidSize = this.#bidSize;
        askSize = this.#askSize;
      }
      if (bid >= ask) kindFlags |= this.#flagCrossing(bid, ask);
      if (isBefore(eventS, eventNs, su[u + SU_QUOTE_S], su[u + SU_QUOTE_NS])) kindFlags |= this.#flagLate();
      const move = midMove(bid, ask, sf[s + S_BID], sf[s + S_ASK]);
      const before = su[u + SU_SYMBOL_SEQ];
      if (move > SUSPICIOUS_MOVES * sf[s + S_DEVIATION]) kindFlags |= this.#flagSuspicious(s, before);
      let symbolSeq = (before + 1 + ru[w + U32_RAW_FOLDED]) | 0;
      const held = sf[s + S_HELD];
      if (held !== 0) {
        symbolSeq = (symbolSeq + held) | 0;
        kindFlags |= Flag.conflated;
        this.released++;
      }
      const o = (to + n) & SLOT_BITS;
      const v = o * RECORD_U32;
      const e = o * RECORD_F64;
      const recvS = ru[w + U32_TS_RECV_S];
      ou[v + U32_SYMBOL] = id;
      ou[v + U32_KIND_FLAGS_SOURCE] = kindFlags;
      ou[v + U32_SEQ_LOW] = (seqLow + n) | 0;
      ou[v + U32_SYMBOL_SEQ] = symbolSeq;
      of[e + F64_TS_EVENT] = rf[d + F64_TS_EVENT];
      of[e + F64_TS_RECV] = rf[d + F64_TS_RECV];
      of[e + F64_BID] = bid;
      of[e + F64_ASK] = ask;
      of[e + F64_BID_SIZE] = bidSize;
      of[e + F64_ASK_SIZE] = askSize;
      positions[o] = ru[w + U32_RAW_POSITION];
      states.applyQuote(
        id & ID_BITS,
        seq + n,
        symbolSeq,
        kindFlags,
        eventS,
        eventNs,
        recvS,
        move,
        bid,
        ask,
        bidSize,
        askSize,
      );
      probe();
    }
    return count;
  }

  /** A quote with a side that is missing, not positive, too small or no number: carries forward, holds or rejects. */
  #settleSides(id: number, rawBid: number, rawAsk: number, rawBidSize: number, rawAskSize: number): number {
    const f = this.states.f64;
    const s = id * STATE_F64;
    const signed = this.states.u32[id * STATE_U32 + SU_SIGNED] !== 0;
    const scale = f[s + S_SCALE];
    if (!hasGoodPrices(rawBid, rawAsk, signed, scale)) return REJECTED + Reject.bad_price;
    const noBid = isMissing(rawBid, signed);
    const noAsk = isMissing(rawAsk, signed);
    const bid = noBid ? f[s + S_BID] : roundTo(rawBid, scale);
    const ask = noAsk ? f[s + S_ASK] : roundTo(rawAsk, scale);
    const bidSize = noBid ? f[s + S_BID_SIZE] : rawBidSize;
    const askSize = noAsk ? f[s + S_ASK_SIZE] : rawAskSize;
    if (Number.isNaN(bid) || Number.isNaN(ask)) {
      f[s + S_BID] = bid;
      f[s + S_ASK] = ask;
      f[s + S_BID_SIZE] = bidSize;
      f[s + S_ASK_SIZE] = askSize;
      return HELD;
    }
    this.#bid = bid;
    this.#ask = ask;
    this.#bidSize = bidSize;
    this.#askSize = askSize;
    return NUMBERED;
  }

  #trade(raw: Records, i: number, out: BroadcastMemory, seq: number): number {
    const { f64: sf, u32: su } = this.states;
    const w = i * RECORD_U32;
    const d = i * RECORD_F64;
    const id = raw.u32[w + U32_SYMBOL];
    const u = id * STATE_U32;
    const price = raw.f64[d + F64_PRICE];
    if (!isPrice(price, su[u + SU_SIGNED] !== 0, sf[id * STATE_F64 + S_SCALE]))
      return REJECTED + Reject.bad_price;
    if (!isSize(raw.f64[d + F64_SIZE])) return REJECTED + Reject.bad_size;
    const o = out.slot(seq);
    copyRecord(raw, i, out.records, o);
    out.records.f64[o * RECORD_F64 + F64_PRICE] = roundTo(price, sf[id * STATE_F64 + S_SCALE]);
    if (
      isBefore(
        raw.u32[w + U32_TS_EVENT_S],
        raw.u32[w + U32_TS_EVENT_NS],
        su[u + SU_TRADE_S],
        su[u + SU_TRADE_NS],
      )
    ) {
      out.records.u32[o * RECORD_U32 + U32_KIND_FLAGS_SOURCE] |= this.#flagLate();
    }
    return this.#number(raw, i, out, seq);
  }

  #number(raw: Records, i: number, out: BroadcastMemory, seq: number): number {
    const { u32 } = out.records;
    const o = out.slot(seq);
    const v = o * RECORD_U32;
    const w = i * RECORD_U32;
    const before = this.states.u32[raw.u32[w + U32_SYMBOL] * STATE_U32 + SU_SYMBOL_SEQ];
    u32[v + U32_SEQ_LOW] = seq;
    u32[v + U32_SYMBOL_SEQ] = before + 1 + raw.u32[w + U32_RAW_FOLDED];
    out.positions[o] = raw.u32[w + U32_RAW_POSITION];
    this.states.apply(out.records, o, seq);
    probe();
    return NUMBERED;
  }

  #flagCrossing(bid: number, ask: number): number {
    if (bid > ask) {
      this.crossed++;
      return Flag.crossed;
    }
    this.locked++;
    return Flag.locked;
  }

  #flagLate(): number {
    this.late++;
    return Flag.late;
  }

  #flagSuspicious(state: number, symbolSeq: number): number {
    if (this.states.f64[state + S_DEVIATION] === 0 || symbolSeq <= SUSPICIOUS_AFTER) return 0;
    this.suspicious++;
    return Flag.suspicious;
  }
}

/** Whether a side of a raw quote is missing: told so, or zero where no price can be zero. */
export function isMissing(price: number, signed: boolean): boolean {
  return price === NO_PRICE || (price === 0 && !signed);
}

/** Whether a raw quote has at least one side, and no side that cannot be a price. */
function hasGoodPrices(bid: number, ask: number, signed: boolean, scale: number): boolean {
  const noBid = isMissing(bid, signed);
  const noAsk = isMissing(ask, signed);
  return (
    !(noBid && noAsk) && (noBid || isPrice(bid, signed, scale)) && (noAsk || isPrice(ask, signed, scale))
  );
}

/** Why a raw quote cannot be used, in the order in which `normalise` looks; undefined when it can. */
export function quoteFault(
  eventNs: number,
  bid: number,
  ask: number,
  bidSize: number,
  askSize: number,
  signed: boolean,
  scale: number,
): RejectReason | undefined {
  if (eventNs >= SECOND_NS) return 'bad_time';
  if (!isSize(bidSize) || !isSize(askSize)) return 'bad_size';
  return hasGoodPrices(bid, ask, signed, scale) ? undefined : 'bad_price';
}

/** Where zero is no price, one that would round to it is none either. */
function isPrice(price: number, signed: boolean, scale: number): boolean {
  return Number.isFinite(price) && (signed || price * scale >= 0.5) && price !== NO_PRICE;
}

/** NaN is a size that the source does not tell. */
function isSize(size: number): boolean {
  return (size >= 0 && size < Number.POSITIVE_INFINITY) || Number.isNaN(size);
}
