/** A tick record as an object, for the edges of the system (encodings, tools): never on the hot path. */
import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_GAP_COUNT,
  F64_GAP_FIRST,
  F64_GAP_LAST,
  F64_PRICE,
  F64_SIZE,
  F64_STATUS_ARG1,
  F64_STATUS_ARG2,
  F64_STATUS_ARG3,
  F64_TRADE_ID,
  FLAG_NAMES,
  Flag,
  type FlagName,
  flagsOf,
  KIND_NAMES,
  Kind,
  type KindName,
  kindOf,
  NO_TIME_S,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  type Records,
  U16_GAP_REASON,
  U16_SOURCE,
  U16_STATUS_CODE,
  U32_STATUS_ARG0,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from './tick.js';

/** A record as it is, with what its kind has. */
export interface TickRecord {
  kind: KindName;
  symbolId: number;
  sourceId: number;
  symbolSeq: number;
  flags: FlagName[];
  /** UNIX nanoseconds, UTC; null where the source gave no time. */
  tsEvent: bigint | null;
  tsRecv: bigint;
  bid?: number;
  ask?: number;
  bidSize?: number | null;
  askSize?: number | null;
  price?: number;
  size?: number | null;
  tradeId?: number | null;
  code?: number;
  args?: [number, number, number, number];
  reason?: number;
  first?: number;
  last?: number;
  count?: number;
}

/** What a kind does not have is NaN in a record, and null at the edges. */
export function orNull(x: number): number | null {
  return Number.isNaN(x) ? null : x;
}

/** Seconds and nanoseconds as UNIX nanoseconds, for the edges. */
export function nanoseconds(s: number, ns: number): bigint {
  return BigInt(s) * 1_000_000_000n + BigInt(ns);
}

export function flagNames(flags: number): FlagName[] {
  return FLAG_NAMES.filter((name) => (flags & Flag[name]) !== 0);
}

export function toTick(r: Records, i: number): TickRecord {
  const w = i * RECORD_U32;
  const h = i * RECORD_U16;
  const d = i * RECORD_F64;
  const kind = kindOf(r, i);
  const eventS = r.u32[w + U32_TS_EVENT_S];
  const tick: TickRecord = {
    kind: KIND_NAMES[kind] ?? 'status',
    symbolId: r.u32[w + U32_SYMBOL],
    sourceId: r.u16[h + U16_SOURCE],
    symbolSeq: r.u32[w + U32_SYMBOL_SEQ],
    flags: flagNames(flagsOf(r, i)),
    tsEvent: eventS === NO_TIME_S ? null : nanoseconds(eventS, r.u32[w + U32_TS_EVENT_NS]),
    tsRecv: nanoseconds(r.u32[w + U32_TS_RECV_S], r.u32[w + U32_TS_RECV_NS]),
  };
  if (kind === Kind.quote) {
    tick.bid = r.f64[d + F64_BID];
    tick.ask = r.f64[d + F64_ASK];
    tick.bidSize = orNull(r.f64[d + F64_BID_SIZE]);
    tick.askSize = orNull(r.f64[d + F64_ASK_SIZE]);
  } else if (kind === Kind.trade) {
    tick.price = r.f64[d + F64_PRICE];
    tick.size = orNull(r.f64[d + F64_SIZE]);
    tick.tradeId = orNull(r.f64[d + F64_TRADE_ID]);
  } else if (kind === Kind.status) {
    tick.code = r.u16[h + U16_STATUS_CODE];
    tick.args = [
      r.u32[w + U32_STATUS_ARG0],
      r.f64[d + F64_STATUS_ARG1],
      r.f64[d + F64_STATUS_ARG2],
      r.f64[d + F64_STATUS_ARG3],
    ];
  } else {
    tick.reason = r.u16[h + U16_GAP_REASON];
    tick.first = r.f64[d + F64_GAP_FIRST];
    tick.last = r.f64[d + F64_GAP_LAST];
    tick.count = r.f64[d + F64_GAP_COUNT];
  }
  return tick;
}
