/**
 * What a feed that cannot be paused keeps beside full raw rings: the newest quote of each symbol, and a
 * bounded queue of critical ticks per shard. It lives in the feed's own memory; if the thread dies, its
 * content is counted as dropped and marked by a gap record.
 */
import { SIDE_QUEUE_SLOTS } from '../../core/limits.js';
import {
  copyRecord,
  Flag,
  RECORD_U16,
  RECORD_U32,
  Records,
  U16_KIND_FLAGS,
  U32_RAW_CONFLATED,
} from '../../core/tick.js';

export class ConflationBuffer {
  /** Quotes kept, one slot a symbol. */
  readonly records: Records;
  /** Critical ticks of all shards: shard × SIDE_QUEUE_SLOTS + slot. */
  readonly queue: Records;
  /** Critical ticks dropped since the last gap record, by shard. */
  readonly lost: Float64Array;
  /** Whether the slot that `quoteSlot` returned last already had a quote. */
  replaced = false;
  readonly #conflated: Uint32Array;
  readonly #present: Uint8Array;
  /** Symbols with a quote, in the order of their arrival: shard × maxSymbols + index. */
  readonly #order: Uint32Array;
  readonly #orderHead: Uint32Array;
  readonly #orderCount: Uint32Array;
  readonly #queueHead: Uint32Array;
  readonly #queueCount: Uint32Array;

  constructor(
    readonly maxSymbols: number,
    shards: number,
  ) {
    this.records = Records.allocate(maxSymbols);
    this.queue = Records.allocate(SIDE_QUEUE_SLOTS * shards);
    this.lost = new Float64Array(shards);
    this.#conflated = new Uint32Array(maxSymbols);
    this.#present = new Uint8Array(maxSymbols);
    this.#order = new Uint32Array(maxSymbols * shards);
    this.#orderHead = new Uint32Array(shards);
    this.#orderCount = new Uint32Array(shards);
    this.#queueHead = new Uint32Array(shards);
    this.#queueCount = new Uint32Array(shards);
  }

  isEmpty(shard: number): boolean {
    return this.#orderCount[shard] === 0 && this.#queueCount[shard] === 0 && this.lost[shard] === 0;
  }

  /** The slot for a symbol's newest quote; folds the one that is there. */
  quoteSlot(shard: number, symbolId: number): number {
    this.replaced = this.#present[symbolId] === 1;
    if (this.replaced) {
      this.#conflated[symbolId]++;
    } else {
      this.#present[symbolId] = 1;
      this.#conflated[symbolId] = 0;
      const index = (this.#orderHead[shard] + this.#orderCount[shard]++) % this.maxSymbols;
      this.#order[shard * this.maxSymbols + index] = symbolId;
    }
    return symbolId;
  }

  conflated(symbolId: number): number {
    return this.#conflated[symbolId];
  }

  /** A slot of `queue`, or -1 when the shard's part of it is full. */
  criticalSlot(shard: number): number {
    if (this.#queueCount[shard] === SIDE_QUEUE_SLOTS) return -1;
    const index = (this.#queueHead[shard] + this.#queueCount[shard]++) % SIDE_QUEUE_SLOTS;
    return shard * SIDE_QUEUE_SLOTS + index;
  }

  /** Free slots of the shard's queue. */
  criticalRoom(shard: number): number {
    return SIDE_QUEUE_SLOTS - this.#queueCount[shard];
  }

  /** Moves the next critical tick of the shard out. False: none left. */
  takeCritical(shard: number, to: Records, i: number): boolean {
    if (this.#queueCount[shard] === 0) return false;
    copyRecord(this.queue, shard * SIDE_QUEUE_SLOTS + this.#queueHead[shard], to, i);
    this.#queueHead[shard] = (this.#queueHead[shard] + 1) % SIDE_QUEUE_SLOTS;
    this.#queueCount[shard]--;
    return true;
  }

  /** Moves the next quote of the shard out, in the order in which they came. False: none left. */
  takeQuote(shard: number, to: Records, i: number): boolean {
    if (this.#orderCount[shard] === 0) return false;
    const symbolId = this.#order[shard * this.maxSymbols + this.#orderHead[shard]];
    this.#orderHead[shard] = (this.#orderHead[shard] + 1) % this.maxSymbols;
    this.#orderCount[shard]--;
    this.#present[symbolId] = 0;
    copyRecord(this.records, symbolId, to, i);
    if (to.u32[i * RECORD_U32 + U32_RAW_CONFLATED] > 0)
      to.u16[i * RECORD_U16 + U16_KIND_FLAGS] |= Flag.conflated;
    return true;
  }
}
