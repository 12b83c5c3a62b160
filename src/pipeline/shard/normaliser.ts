/**
 * Normalisation and sequencing: one raw record becomes one clean, sequenced record, a rejection, or a half-quote held
 * back. Common quotes and trades are sequenced in runs by the module (`pipeline/shard/wasm/sequence.ts`); what it stops at is for here.
 */
import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_PRICE,
  F64_SIZE,
  KIND_MASK,
  Kind,
  RECORD_F64,
  RECORD_U32,
  U32_KIND_FLAGS_SOURCE,
  U32_RAW_CONFLATED,
  U32_RAW_POSITION,
  U32_SEQ_LOW,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_NS,
} from '../../core/tick.js';
import { tagOf } from '../memory/broadcast-ring.js';
import { Reject } from '../memory/counters.js';
import { hasGoodPrices, isMissing, isPrice, isSize } from '../memory/raw-prices.js';
import type { SequencingModule } from './sequencing-module.js';
import {
  S_ASK,
  S_ASK_SIZE,
  S_BID,
  S_BID_SIZE,
  S_SCALE,
  STATE_F64,
  STATE_U32,
  SU_SIGNED,
  SU_SYMBOL_SEQ,
  type SymbolStates,
} from './symbol-states.js';

/** Results of `normalise` besides a reject reason (which is `REJECTED + reason`). */
export const SEQUENCED = 0;
export const PENDING = 1;
export const REJECTED = 2;

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
  readonly #module: SequencingModule;

  /** @param states those that the module keeps */
  constructor(
    module: SequencingModule,
    readonly states: SymbolStates,
  ) {
    this.#module = module;
  }

  /**
   * Sequences record `i` of the module's memory as `seq`. The record is raw and its symbol is defined.
   * @returns SEQUENCED, PENDING, or REJECTED + the reason
   */
  normalise(i: number, seq: number): number {
    const module = this.#module;
    if (module.sequenceOne(i, seq)) return SEQUENCED;
    const { u32 } = module.records;
    const w = i * RECORD_U32;
    const kind = u32[w + U32_KIND_FLAGS_SOURCE] & KIND_MASK;
    if (u32[w + U32_TS_EVENT_NS] >= SECOND_NS) return REJECTED + Reject.bad_time;
    if (kind > Kind.gap) return REJECTED + Reject.bad_kind;
    if (kind > Kind.trade) return this.#sequence(i, seq);
    const result = kind === Kind.quote ? this.#settleQuote(i) : this.#settleTrade(i);
    if (result === SEQUENCED) module.sequenceSettled(i, seq);
    return result;
  }

  /** A quote with a side that is missing, not positive, too small or no number: carries forward, holds or rejects. */
  #settleQuote(i: number): number {
    const { u32, f64 } = this.#module.records;
    const e = i * RECORD_F64;
    const id = u32[i * RECORD_U32 + U32_SYMBOL];
    const f = this.states.f64;
    const s = id * STATE_F64;
    if (!isSize(f64[e + F64_BID_SIZE]) || !isSize(f64[e + F64_ASK_SIZE])) return REJECTED + Reject.bad_size;
    const signed = this.states.u32[id * STATE_U32 + SU_SIGNED] !== 0;
    const scale = f[s + S_SCALE];
    if (!hasGoodPrices(f64[e + F64_BID], f64[e + F64_ASK], signed, scale)) return REJECTED + Reject.bad_price;
    const noBid = isMissing(f64[e + F64_BID], signed);
    const noAsk = isMissing(f64[e + F64_ASK], signed);
    const bid = noBid ? f[s + S_BID] : roundTo(f64[e + F64_BID], scale);
    const ask = noAsk ? f[s + S_ASK] : roundTo(f64[e + F64_ASK], scale);
    const bidSize = noBid ? f[s + S_BID_SIZE] : f64[e + F64_BID_SIZE];
    const askSize = noAsk ? f[s + S_ASK_SIZE] : f64[e + F64_ASK_SIZE];
    const isPending = Number.isNaN(bid) || Number.isNaN(ask);
    // What is held goes into the state, what is whole into the record.
    const to = isPending ? f : f64;
    const at = isPending ? s + S_BID : e + F64_BID;
    to[at] = bid;
    to[at + 1] = ask;
    to[at + 2] = bidSize;
    to[at + 3] = askSize;
    return isPending ? PENDING : SEQUENCED;
  }

  #settleTrade(i: number): number {
    const { u32, f64 } = this.#module.records;
    const e = i * RECORD_F64;
    const id = u32[i * RECORD_U32 + U32_SYMBOL];
    const scale = this.states.f64[id * STATE_F64 + S_SCALE];
    const signed = this.states.u32[id * STATE_U32 + SU_SIGNED] !== 0;
    if (!isPrice(f64[e + F64_PRICE], signed, scale)) return REJECTED + Reject.bad_price;
    if (!isSize(f64[e + F64_SIZE])) return REJECTED + Reject.bad_size;
    f64[e + F64_PRICE] = roundTo(f64[e + F64_PRICE], scale);
    return SEQUENCED;
  }

  /** Numbers a status or gap. */
  #sequence(i: number, seq: number): number {
    const { records, positions, tags } = this.#module;
    const { u32 } = records;
    const w = i * RECORD_U32;
    const before = this.states.u32[u32[w + U32_SYMBOL] * STATE_U32 + SU_SYMBOL_SEQ];
    positions[i] = u32[w + U32_RAW_POSITION];
    tags[i] = tagOf(records, i);
    u32[w + U32_SYMBOL_SEQ] = before + 1 + u32[w + U32_RAW_CONFLATED];
    u32[w + U32_SEQ_LOW] = seq;
    this.#module.apply(i, seq);
    return SEQUENCED;
  }
}
