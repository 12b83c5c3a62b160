/**
 * Normalisation: one raw record becomes one clean record, a rejection, or a half-quote held back.
 * It looks at the shard's symbol states and never changes them, but for half-quotes; everything else follows
 * from the numbered ticks.
 */
import {
  copyRecord,
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_PRICE,
  F64_SIZE,
  Flag,
  FLAGS_MASK,
  KIND_MASK,
  Kind,
  NO_PRICE,
  NO_TIME_S,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  type Records,
  U16_KIND_FLAGS,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
} from '../tick.js';
import { DIGITS_MAX } from '../limits.js';
import { Reject } from './counters.js';
import type { Registry } from './registry.js';
import { isBefore, type SymbolStates } from './states.js';

/** Results of `normalise` besides a reject reason (which is `REJECTED + reason`). */
export const NORMAL = 0;
export const HELD = 1;
export const REJECTED = 2;

/** A move of the mid beyond this many mean moves is suspicious, once the symbol has ticked often enough to tell. */
const SUSPICIOUS_MOVES = 50;
const SUSPICIOUS_AFTER = 64;
const SECOND_NS = 1_000_000_000;
/** Beyond this a price times its power of ten is no exact integer, and is left as it came. */
const EXACT = 2 ** 52;
const POW10 = Float64Array.from({ length: DIGITS_MAX + 1 }, (_, d) => 10 ** d);

export function roundTo(price: number, digits: number): number {
  const scaled = price * POW10[digits];
  if (scaled > EXACT || scaled < -EXACT) return price;
  return Math.round(scaled) / POW10[digits];
}

export class Normaliser {
  crossed = 0;
  locked = 0;
  late = 0;
  suspicious = 0;

  constructor(
    readonly registry: Registry,
    readonly states: SymbolStates,
  ) {}

  /** Writes the clean record of raw record `i` to slot `o` of `out`, all but its seq and symbolSeq. */
  normalise(raw: Records, i: number, out: Records, o: number): number {
    const id = raw.u32[i * RECORD_U32 + U32_SYMBOL];
    const kind = raw.u16[i * RECORD_U16 + U16_KIND_FLAGS] & KIND_MASK;
    if (raw.u32[i * RECORD_U32 + U32_TS_EVENT_NS] >= SECOND_NS) return REJECTED + Reject.bad_time;
    if (kind === Kind.quote) return this.#quote(raw, i, out, o, id);
    if (kind === Kind.trade) return this.#trade(raw, i, out, o, id);
    if (kind > Kind.gap) return REJECTED + Reject.bad_kind;
    copyRecord(raw, i, out, o);
    return NORMAL;
  }

  #quote(raw: Records, i: number, out: Records, o: number, id: number): number {
    const s = this.states;
    const d = i * RECORD_F64;
    const signed = this.registry.negative[id] !== 0;
    const digits = this.registry.digits[id];
    let bid = raw.f64[d + F64_BID];
    let ask = raw.f64[d + F64_ASK];
    let bidSize = raw.f64[d + F64_BID_SIZE];
    let askSize = raw.f64[d + F64_ASK_SIZE];
    const noBid = bid === NO_PRICE || (bid === 0 && !signed);
    const noAsk = ask === NO_PRICE || (ask === 0 && !signed);
    if (noBid && noAsk) return REJECTED + Reject.bad_price;
    if (!noBid && !isPrice(bid, signed)) return REJECTED + Reject.bad_price;
    if (!noAsk && !isPrice(ask, signed)) return REJECTED + Reject.bad_price;
    if (!isSize(bidSize) || !isSize(askSize)) return REJECTED + Reject.bad_size;
    if (noBid) {
      bid = s.bid[id];
      bidSize = s.bidSize[id];
    } else {
      bid = roundTo(bid, digits);
    }
    if (noAsk) {
      ask = s.ask[id];
      askSize = s.askSize[id];
    } else {
      ask = roundTo(ask, digits);
    }
    if (Number.isNaN(bid) || Number.isNaN(ask)) {
      s.bid[id] = bid;
      s.ask[id] = ask;
      s.bidSize[id] = bidSize;
      s.askSize[id] = askSize;
      return HELD;
    }
    let flags = raw.u16[i * RECORD_U16 + U16_KIND_FLAGS] & FLAGS_MASK;
    if (bid > ask) {
      flags |= Flag.crossed;
      this.crossed++;
    } else if (bid === ask) {
      flags |= Flag.locked;
      this.locked++;
    }
    const eventS = raw.u32[i * RECORD_U32 + U32_TS_EVENT_S];
    const eventNs = raw.u32[i * RECORD_U32 + U32_TS_EVENT_NS];
    if (eventS !== NO_TIME_S && isBefore(eventS, eventNs, s.quoteS[id], s.quoteNs[id])) {
      flags |= Flag.late;
      this.late++;
    }
    const move = Math.abs(bid + ask - s.bid[id] - s.ask[id]) / 2;
    if (move > SUSPICIOUS_MOVES * s.deviation[id] && s.deviation[id] > 0 && s.symbolSeq[id] > SUSPICIOUS_AFTER) {
      flags |= Flag.suspicious;
      this.suspicious++;
    }
    this.#head(raw, i, out, o, flags);
    const e = o * RECORD_F64;
    out.f64[e + F64_BID] = bid;
    out.f64[e + F64_ASK] = ask;
    out.f64[e + F64_BID_SIZE] = bidSize;
    out.f64[e + F64_ASK_SIZE] = askSize;
    return NORMAL;
  }

  #trade(raw: Records, i: number, out: Records, o: number, id: number): number {
    const s = this.states;
    const d = i * RECORD_F64;
    const price = raw.f64[d + F64_PRICE];
    if (!isPrice(price, this.registry.negative[id] !== 0)) return REJECTED + Reject.bad_price;
    if (!isSize(raw.f64[d + F64_SIZE])) return REJECTED + Reject.bad_size;
    let flags = raw.u16[i * RECORD_U16 + U16_KIND_FLAGS] & FLAGS_MASK;
    const eventS = raw.u32[i * RECORD_U32 + U32_TS_EVENT_S];
    const eventNs = raw.u32[i * RECORD_U32 + U32_TS_EVENT_NS];
    if (eventS !== NO_TIME_S && isBefore(eventS, eventNs, s.tradeS[id], s.tradeNs[id])) {
      flags |= Flag.late;
      this.late++;
    }
    this.#head(raw, i, out, o, flags);
    const e = o * RECORD_F64;
    out.f64[e + F64_PRICE] = roundTo(price, this.registry.digits[id]);
    for (let k = F64_PRICE + 1; k < RECORD_F64; k++) out.f64[e + k] = raw.f64[d + k];
    return NORMAL;
  }

  #head(raw: Records, i: number, out: Records, o: number, flags: number): void {
    const w = i * RECORD_U32;
    const v = o * RECORD_U32;
    for (let k = 0; k < 8; k++) out.u32[v + k] = raw.u32[w + k];
    const kind = raw.u16[i * RECORD_U16 + U16_KIND_FLAGS] & KIND_MASK;
    out.u16[o * RECORD_U16 + U16_KIND_FLAGS] = kind | flags;
  }
}

function isPrice(price: number, signed: boolean): boolean {
  return Number.isFinite(price) && (signed || price > 0) && price !== NO_PRICE;
}

/** NaN is a size that the source does not tell. */
function isSize(size: number): boolean {
  return Number.isNaN(size) || (size >= 0 && size !== Number.POSITIVE_INFINITY);
}
