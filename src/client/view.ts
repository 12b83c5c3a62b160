import { KIND_NAMES, Kind, type KindName, NO_TIME_S } from '../core/tick.js';
import { sideOf, type Tick, type TickHead, type TradeSide } from '../core/tick-object.js';
import { flagNames, nanoseconds, orNull } from '../core/tick-record.js';
import type { Epoch, Seq, SymbolSeq } from '../core/units.js';
import type { PackedTick } from '../wire/packed.js';
import type { JsonTick } from '../wire/ticks.js';
import type { SymbolInfo } from './symbols.js';

/** What the client adds to a tick. */
interface Received {
  /** State sent at the start of a subscription, not news. */
  inSnapshot: boolean;
  /** Ticks of the symbol that were jumped over just before this tick; `client.conflatedTicks` fetches them. */
  conflated: number;
}

/** A tick as an object of its own: safe to keep. */
export type PlainTick = Tick & Received;

/**
 * The tick that callbacks get. **It is one object, filled again for every tick**: read it during the call,
 * and copy it with `toObject()` to keep it. What a kind does not have is NaN (the side of a trade: null), and so
 * is what the source did not report.
 */
export class TickView {
  /** Filled by the subscription. */
  info!: SymbolInfo;
  /** Of the log that sequences the tick. */
  logId = '';
  epoch: Epoch = 0;
  shard = 0;
  /** State sent at the start of a subscription, not news. */
  inSnapshot = false;
  /** Ticks of the symbol that were jumped over just before this one; `client.conflatedTicks` fetches them. */
  conflated = 0;
  readonly #record: PackedTick;

  constructor(record: PackedTick) {
    this.#record = record;
  }

  get kind(): KindName {
    return KIND_NAMES[this.#record.kind] ?? 'status';
  }
  /** The name; `$engine` for records of the engine itself. */
  get symbol(): string {
    return this.info.symbol;
  }
  /** Decimal digits of the symbol's prices. */
  get digits(): number {
    return this.info.digits;
  }
  /** Number in the shard's sequence; 0 in a snapshot for state of an earlier epoch. */
  get seq(): Seq {
    return this.#record.seq;
  }
  /** Number in the symbol's own sequence, modulo 2^32. */
  get symbolSeq(): SymbolSeq {
    return this.#record.symbolSeq;
  }
  /** Bits of `Flag`. */
  get flags(): number {
    return this.#record.flags;
  }
  /** Of a quote. */
  get bid(): number {
    return this.#record.bid;
  }
  get ask(): number {
    return this.#record.ask;
  }
  get bidSize(): number {
    return this.#record.bidSize;
  }
  get askSize(): number {
    return this.#record.askSize;
  }
  /** Price of a trade. */
  get price(): number {
    return this.#record.price;
  }
  /** Size of a trade. */
  get size(): number {
    return this.#record.size;
  }
  get tradeId(): number {
    return this.#record.tradeId;
  }
  /** The side of the aggressor of a trade, where the source reports one. */
  get side(): TradeSide | null {
    const { kind, flags } = this.#record;
    return kind === Kind.trade ? sideOf(flags) : null;
  }
  /** `StatusCode` of a status, `GapReason` of a gap. */
  get code(): number {
    return this.#record.code;
  }
  /** Seconds of the source's time; `NO_TIME_S` where it gave none. */
  get tsEventS(): number {
    return this.#record.eventS;
  }
  get tsEventNs(): number {
    return this.#record.eventNs;
  }
  /** Seconds, and nanoseconds of that second, at which the engine received the tick. */
  get tsRecvS(): number {
    return this.#record.recvS;
  }
  get tsRecvNs(): number {
    return this.#record.recvNs;
  }

  /** A copy to keep. */
  toObject(): PlainTick {
    const r = this.#record;
    const head: TickHead & Received = {
      symbol: this.symbol,
      logId: this.logId,
      epoch: this.epoch,
      shard: this.shard,
      seq: r.seq,
      symbolSeq: r.symbolSeq,
      tsEvent: r.eventS === NO_TIME_S ? null : nanoseconds(r.eventS, r.eventNs),
      tsRecv: nanoseconds(r.recvS, r.recvNs),
      flags: r.flags === 0 ? [] : flagNames(r.flags),
      inSnapshot: this.inSnapshot,
      conflated: this.conflated,
    };
    switch (r.kind) {
      case Kind.quote:
        return {
          kind: 'quote',
          ...head,
          bid: r.bid,
          ask: r.ask,
          bidSize: orNull(r.bidSize),
          askSize: orNull(r.askSize),
        };
      case Kind.trade:
        return {
          kind: 'trade',
          ...head,
          price: r.price,
          size: orNull(r.size),
          side: this.side,
          tradeId: orNull(r.tradeId),
        };
      case Kind.gap:
        return { kind: 'gap', ...head, reason: r.code, first: r.first, last: r.last, count: r.count };
      default:
        return { kind: 'status', ...head, code: r.code, args: [r.arg0, r.arg1, r.arg2, r.arg3] };
    }
  }

  /** The tick as the wire's JSON encoding has it; `JSON.stringify` uses this. */
  toJSON(): JsonTick {
    const { logId: _l, epoch: _e, shard: _s, inSnapshot: _i, conflated: _f, ...tick } = this.toObject();
    return { ...tick, tsEvent: tick.tsEvent?.toString() ?? null, tsRecv: tick.tsRecv.toString() } as JsonTick;
  }
}
