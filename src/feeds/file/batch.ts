/**
 * A block of decoded source ticks, columnar, so that a reader makes no object per tick. A reader fills the
 * same batch again and again: what is needed of it must be copied before the next one is asked for.
 */
import { FILE_BATCH_TICKS } from '../../core/limits.js';

/** What an entry is: bits, so that one row can be a quote and a trade. */
export const EntryKind = {
  /** A line or record that could not be read. It stays in the order, so that a count of entries names a position in the file. */
  bad: 0,
  quote: 1,
  trade: 2,
  both: 3,
} as const;

export class TickBatch {
  /** Entries in use. */
  length = 0;
  /** Line or record of the file that the entry is of, counted from 1; of merged files, of its own. */
  readonly row: Uint32Array;
  /** Index into the file's `symbols`. */
  readonly symbol: Uint16Array;
  /** An `EntryKind`. */
  readonly kind: Uint8Array;
  /** `Flag.buy` or `Flag.sell` of a trade, where the source reports one. */
  readonly flags: Uint16Array;
  /** UNIX time, UTC. */
  readonly eventS: Uint32Array;
  readonly eventNs: Uint32Array;
  /** NO_PRICE where the side is missing. */
  readonly bid: Float64Array;
  readonly ask: Float64Array;
  /** NO_SIZE where the source gives none; in the source's own unit. */
  readonly bidSize: Float64Array;
  readonly askSize: Float64Array;
  readonly price: Float64Array;
  readonly size: Float64Array;
  /** NO_TRADE_ID where the source gives none. */
  readonly tradeId: Float64Array;

  constructor(readonly capacity = FILE_BATCH_TICKS) {
    this.row = new Uint32Array(capacity);
    this.symbol = new Uint16Array(capacity);
    this.kind = new Uint8Array(capacity);
    this.flags = new Uint16Array(capacity);
    this.eventS = new Uint32Array(capacity);
    this.eventNs = new Uint32Array(capacity);
    this.bid = new Float64Array(capacity);
    this.ask = new Float64Array(capacity);
    this.bidSize = new Float64Array(capacity);
    this.askSize = new Float64Array(capacity);
    this.price = new Float64Array(capacity);
    this.size = new Float64Array(capacity);
    this.tradeId = new Float64Array(capacity);
  }

  get isFull(): boolean {
    return this.length === this.capacity;
  }

  /** Adds the position of something that could not be read. */
  pushBad(): void {
    this.kind[this.length++] = EntryKind.bad;
  }

  /** Adds a copy of an entry of another batch, under this file's index of its symbol. */
  pushFrom(from: TickBatch, i: number, symbol: number): void {
    const j = this.length++;
    this.row[j] = from.row[i];
    this.symbol[j] = symbol;
    this.kind[j] = from.kind[i];
    this.flags[j] = from.flags[i];
    this.eventS[j] = from.eventS[i];
    this.eventNs[j] = from.eventNs[i];
    this.bid[j] = from.bid[i];
    this.ask[j] = from.ask[i];
    this.bidSize[j] = from.bidSize[i];
    this.askSize[j] = from.askSize[i];
    this.price[j] = from.price[i];
    this.size[j] = from.size[i];
    this.tradeId[j] = from.tradeId[i];
  }
}
