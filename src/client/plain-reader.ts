import { messageOf } from '../core/errors.js';
import { Flag, type FlagName, KIND_NAMES, Kind, NO_SIZE, NO_TIME_S, NO_TRADE_ID } from '../core/tick.js';
import { BadFrame, PackedTick } from '../wire/packed.js';
import type { JsonTick, PackTick, TicksMessage } from '../wire/ticks.js';

const SIDE_FLAGS = [0, Flag.buy, Flag.sell];

/**
 * Walks a decoded batch of the JSON or MessagePack encoding as `PackedReader` walks a packed frame, so that
 * the client has one loop for all three.
 */
export class PlainReader {
  readonly tick = new PackedTick();
  sub = 0;
  shard = 0;
  epoch = 0;
  snapshot = false;
  /** The name of the tick read last, in JSON, which sends no ids. */
  symbol: string | undefined;

  #message: TicksMessage<JsonTick | PackTick> | undefined;
  #ticks: (JsonTick | PackTick)[] = [];
  #at = 0;
  #cursor = '';

  reset(message: TicksMessage<JsonTick | PackTick>): void {
    this.#message = message;
  }

  nextBatch(): boolean {
    const message = this.#message;
    this.#message = undefined;
    if (message === undefined) return false;
    this.sub = message.sub;
    this.shard = message.shard;
    this.epoch = message.epoch;
    this.snapshot = message.snapshot === true;
    this.#cursor = message.cursor;
    this.#ticks = message.ticks;
    this.#at = 0;
    return true;
  }

  /** @throws BadFrame if the tick is none */
  nextRecord(): boolean {
    if (this.#at >= this.#ticks.length) return false;
    const tick = this.#ticks[this.#at++];
    try {
      if (Array.isArray(tick)) this.#array(tick);
      else this.#object(tick);
    } catch (error) {
      throw new BadFrame(`not a tick: ${messageOf(error)}`);
    }
    return true;
  }

  cursor(): string {
    return this.#cursor;
  }

  #array([kind, symbolId, seq, symbolSeq, flags, tsEvent, tsRecv, a, b, c, d]: PackTick): void {
    const t = this.tick;
    this.symbol = undefined;
    t.begin(kind);
    t.symbolId = symbolId;
    t.seq = seq;
    t.symbolSeq = symbolSeq;
    t.flags = flags;
    this.#times(tsEvent === null ? null : String(tsEvent), String(tsRecv));
    if (kind === Kind.quote) {
      t.bid = a;
      t.ask = b ?? Number.NaN;
      t.bidSize = c ?? NO_SIZE;
      t.askSize = d ?? NO_SIZE;
    } else if (kind === Kind.trade) {
      t.price = a;
      t.size = b ?? NO_SIZE;
      t.flags |= SIDE_FLAGS[c ?? 0];
      t.tradeId = d ?? NO_TRADE_ID;
    } else if (kind === Kind.status) {
      t.code = a;
      t.arg0 = b ?? 0;
      t.arg1 = c ?? 0;
      t.arg2 = d ?? 0;
      t.arg3 = 0;
    } else {
      t.code = a;
      t.first = b ?? 0;
      t.last = c ?? 0;
      t.count = d ?? 0;
    }
  }

  #object(tick: JsonTick): void {
    const t = this.tick;
    this.symbol = tick.symbol;
    t.begin(KIND_NAMES.indexOf(tick.kind));
    t.symbolId = 0;
    t.seq = tick.seq;
    t.symbolSeq = tick.symbolSeq;
    t.flags = bitsOf(tick.flags);
    this.#times(tick.tsEvent, tick.tsRecv);
    if (tick.kind === 'quote') {
      t.bid = tick.bid ?? Number.NaN;
      t.ask = tick.ask ?? Number.NaN;
      t.bidSize = tick.bidSize ?? NO_SIZE;
      t.askSize = tick.askSize ?? NO_SIZE;
    } else if (tick.kind === 'trade') {
      t.price = tick.price;
      t.size = tick.size ?? NO_SIZE;
      t.tradeId = tick.tradeId ?? NO_TRADE_ID;
      t.flags |= SIDE_FLAGS[tick.side === 'buy' ? 1 : tick.side === 'sell' ? 2 : 0];
    } else if (tick.kind === 'status') {
      t.code = tick.code;
      [t.arg0, t.arg1, t.arg2, t.arg3] = tick.args;
    } else {
      t.code = tick.reason;
      t.first = tick.first;
      t.last = tick.last;
      t.count = tick.count;
    }
  }

  #times(event: string | null, recv: string): void {
    const t = this.tick;
    t.eventS = event === null ? NO_TIME_S : Number(event.slice(0, -9));
    t.eventNs = event === null ? 0 : Number(event.slice(-9));
    t.recvS = Number(recv.slice(0, -9));
    t.recvNs = Number(recv.slice(-9));
  }
}

function bitsOf(names: readonly FlagName[]): number {
  let bits = 0;
  for (const name of names) bits |= Flag[name];
  return bits;
}
