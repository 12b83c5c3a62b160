/** Offers ticks of a log to a feed's sink, as they were: with their times of receipt, under the engine's own ids. */

import {
  ENGINE_SYMBOL,
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
  flagsOf,
  Kind,
  kindOf,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  type Records,
  StatusCode,
  U16_SOURCE,
  U16_STATUS_CODE,
  U32_STATUS_ARG0,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../core/tick.js';
import type { FeedContext } from '../feeds/connector/feed.js';
import { type Source, Take } from '../feeds/connector/feed-sink.js';
import { mostDigits, type SymbolEntry } from '../pipeline/memory/registry-entries.js';
import type { LogSymbols } from './symbols.js';

/** A record where it stands. */
interface Placed {
  readonly records: Records;
  readonly index: number;
}

export class LogOffer {
  readonly #ids: number[] = [];

  /** @param sourceOf the source that a record goes under, by the source id in it */
  constructor(
    readonly context: Pick<FeedContext, 'sink' | 'symbol'>,
    readonly symbols: LogSymbols,
    readonly sourceOf: (sourceId: number) => Source,
  ) {}

  /** False when the ring is full: offer it again later. */
  put({ records: r, index: i }: Placed): boolean {
    const { sink } = this.context;
    const w = i * RECORD_U32;
    const code = r.u16[i * RECORD_U16 + U16_STATUS_CODE];
    const kind = kindOf(r, i);
    // The engine defines its symbols itself, before their first tick.
    if (kind === Kind.status && code === StatusCode.symbolDefined) return true;
    const source = this.sourceOf(r.u16[i * RECORD_U16 + U16_SOURCE]);
    const id = this.#idOf(source, r.u32[w + U32_SYMBOL]);
    sink.recvS = r.u32[w + U32_TS_RECV_S];
    sink.recvNs = r.u32[w + U32_TS_RECV_NS];
    if (kind === Kind.quote || kind === Kind.trade) return this.#price(r, i, source, id, kind);
    const f = (word: number) => r.f64[i * RECORD_F64 + word];
    if (kind === Kind.gap) {
      return sink.gap(source, id, code, f(F64_GAP_FIRST), f(F64_GAP_LAST), f(F64_GAP_COUNT));
    }
    const arg0 = r.u32[w + U32_STATUS_ARG0];
    return sink.status(source, id, code, arg0, f(F64_STATUS_ARG1), f(F64_STATUS_ARG2), f(F64_STATUS_ARG3));
  }

  #price(r: Records, i: number, source: Source, id: number, kind: number): boolean {
    const { sink } = this.context;
    const w = i * RECORD_U32;
    const d = i * RECORD_F64;
    if (sink.take(source, id, 0) === Take.full) return false;
    const flags = flagsOf(r, i);
    const eventS = r.u32[w + U32_TS_EVENT_S];
    const eventNs = r.u32[w + U32_TS_EVENT_NS];
    if (kind === Kind.quote) {
      const [bidSize, askSize] = [r.f64[d + F64_BID_SIZE], r.f64[d + F64_ASK_SIZE]];
      const [bid, ask] = [r.f64[d + F64_BID], r.f64[d + F64_ASK]];
      sink.quote(source, id, flags, 0, eventS, eventNs, bid, ask, bidSize, askSize);
    } else {
      const [price, size] = [r.f64[d + F64_PRICE], r.f64[d + F64_SIZE]];
      sink.trade(source, id, flags, 0, eventS, eventNs, price, size, r.f64[d + F64_TRADE_ID]);
    }
    return true;
  }

  /** The engine's id of a logged symbol. */
  #idOf(source: Source, logged: number): number {
    if (logged === ENGINE_SYMBOL) return ENGINE_SYMBOL;
    const known = this.#ids[logged];
    if (known !== undefined) return known;
    const { symbols } = this;
    const entry = symbols.registry.symbols[logged];
    const { negative, ttlMs }: Partial<SymbolEntry> = entry ?? {};
    const id = this.context.symbol(source, symbols.name(logged), {
      digits: entry === undefined ? 0 : mostDigits(entry),
      ...(negative === undefined ? {} : { negative }),
      ...(ttlMs === undefined ? {} : { ttlMs }),
    });
    this.#ids[logged] = id;
    return id;
  }
}
