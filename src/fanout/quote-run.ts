/**
 * The newest quote of each symbol that changed in the flush at hand, encoded once for all groups of mode
 * `latest`. It is made once a flush has encoded as many quotes one by one as it would hold: with few
 * subscribers nothing is encoded that nobody wants, and with many hardly anything twice.
 */
import { Slot } from '../pipeline/table.js';
import { Body, type EncodedTicks, type TickEncoder } from '../wire/body.js';
import { COMPACT_SEQ_MAX } from '../wire/packed.js';
import type { Arena } from './arena.js';
import { MIRROR_SLOTS, type Mirror } from './mirror.js';
import type { ShardView } from './shard-view.js';

export class QuoteRun implements EncodedTicks {
  readonly body = new Body();
  /** By symbolId: where its quote begins and ends; right only for symbols that changed in this flush. */
  readonly begins: Uint32Array;
  readonly ends: Uint32Array;
  #flushNo = 0;
  #spent = 0;
  #made = false;

  constructor(
    readonly encoder: TickEncoder,
    readonly arena: Arena,
    readonly view: ShardView,
    readonly mirror: Mirror,
  ) {
    this.begins = new Uint32Array(mirror.table.maxSymbols);
    this.ends = new Uint32Array(mirror.table.maxSymbols);
  }

  /** Tells of quotes that were encoded one by one. */
  spend(quotes: number): void {
    this.#enter();
    this.#spent += quotes;
  }

  /** The run, if it is there by now. */
  take(epoch: number): QuoteRun | null {
    this.#enter();
    const { count } = this.mirror.changes[this.view.index];
    if (!this.#made && count > 0 && this.#spent >= count) this.#make(count, epoch);
    return this.#made ? this : null;
  }

  #enter(): void {
    if (this.#flushNo === this.view.flushNo) return;
    this.#flushNo = this.view.flushNo;
    this.#spent = 0;
    this.#made = false;
  }

  #make(count: number, epoch: number): void {
    const { encoder, body, mirror, view } = this;
    const at = this.arena.reserveRun(count * encoder.tickBytesMax);
    if (at < 0) {
      this.#spent = Number.NEGATIVE_INFINITY;
      return;
    }
    const { ids } = mirror.changes[view.index];
    body.begin(at, view.index, epoch, false, quoteBase(view));
    for (let i = 0; i < count; i++) {
      const id = ids[i];
      const record = id * MIRROR_SLOTS + Slot.quote;
      this.begins[id] = body.at + body.bytes + (i > 0 ? encoder.separatorBytes : 0);
      encoder.put(body, mirror.records, record, mirror.seqs[record]);
      this.ends[id] = body.at + body.bytes;
    }
    this.#made = true;
  }
}

/** Quotes are not in order of seq: their base lies so far below T that recent ones are ahead of it. */
export function quoteBase(view: ShardView): number {
  return Math.max(0, view.applied - Math.floor(COMPACT_SEQ_MAX * 0.9));
}
