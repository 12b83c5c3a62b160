/** A tick as an object with its names: what hosts and clients receive, and may keep. */
import { Flag, type FlagName, flagsOf, Kind, kindOf, type Records } from './tick.js';
import { toTick } from './tick-record.js';
import type { Epoch, Nanoseconds, Seq, SymbolId, SymbolSeq } from './units.js';

/** What makes a tick unique for ever, with the name of its symbol. */
export interface TickPlace {
  /** The canonical name; `$engine` for records of the engine itself. */
  symbol: string;
  /** Name of the log, or of the run where there is no log: 16 hex digits. */
  logId: string;
  /** 0 in a last value that was carried over from an earlier epoch that is not known. */
  epoch: Epoch;
  shard: number;
  /** 0 in a last value that was carried over from an earlier epoch. */
  seq: Seq;
}

/** What ticks of every kind have. */
export interface TickHead extends TickPlace {
  symbolSeq: SymbolSeq;
  /** Time of the source; null where the source gave none. */
  tsEvent: Nanoseconds | null;
  /** Time at which the engine received the tick. */
  tsRecv: Nanoseconds;
  flags: FlagName[];
}

/** Which side took, where the source says so. */
export type TradeSide = 'buy' | 'sell';

export interface QuoteTick extends TickHead {
  kind: 'quote';
  bid: number;
  ask: number;
  /** Null where the source gave none. */
  bidSize: number | null;
  askSize: number | null;
}

export interface TradeTick extends TickHead {
  kind: 'trade';
  price: number;
  /** Null where the source gave none. */
  size: number | null;
  side: TradeSide | null;
  tradeId: number | null;
}

export interface StatusTick extends TickHead {
  kind: 'status';
  /** One of `StatusCode`. */
  code: number;
  args: [number, number, number, number];
}

export interface GapTick extends TickHead {
  kind: 'gap';
  /** One of `GapReason`. */
  reason: number;
  /** Inclusive, in the numbering that the reason names. */
  first: number;
  last: number;
  count: number;
}

/** A tick: look at `kind` first. */
export type Tick = QuoteTick | TradeTick | StatusTick | GapTick;

/** What only a program in the engine's own process, or on its data folder, is given of a tick. */
export interface LocalFields {
  symbolId: SymbolId;
  sourceId: number;
}

/** A tick that was read from the ring, the last-value table or the log. */
export type LocalTick<T extends Tick = Tick> = T & LocalFields;

export function sideOf(flags: number): TradeSide | null {
  if ((flags & Flag.buy) !== 0) return 'buy';
  return (flags & Flag.sell) !== 0 ? 'sell' : null;
}

/** Reads record `i`, whose place the caller knows; `T` where the caller knows the kind, too. */
export function tickAt<T extends Tick = Tick>(r: Records, i: number, place: TickPlace): LocalTick<T> {
  const record: object = toTick(r, i);
  const side = kindOf(r, i) === Kind.trade ? { side: sideOf(flagsOf(r, i)) } : undefined;
  const tick: unknown = Object.assign(record, place, side);
  return tick as LocalTick<T>;
}
