/**
 * The fan-out's own copy of the last-value state, renewed once a flush: whatever one flush sends, to however
 * many subscribers, comes from one reading. `changedAt` is what makes a `latest` subscription a number: it
 * needs every symbol that changed after the flush it was sent last.
 */

import { copyRecord, Records } from '../../core/tick.js';
import { TAG_SYMBOL } from '../../pipeline/memory/broadcast-ring.js';
import {
  EntryF64,
  EntryU32,
  type LastValueTable,
  Slot,
  TableEntry,
} from '../../pipeline/memory/last-value-table.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import type { ShardView } from './shard-view.js';

/** Records a symbol: quote, trade, status (see `Slot`). */
export const MIRROR_SLOTS = 3;
const SLOT_SEQS = [EntryF64.quoteSeq, EntryF64.tradeSeq, EntryF64.statusSeq];

/** The symbols of one shard whose quote changed in the flush at hand. */
export class ChangeList {
  readonly ids: Uint32Array;
  count = 0;
  /** The last flush in which there was any. */
  flushNo = 0;

  constructor(maxSymbols: number) {
    this.ids = new Uint32Array(maxSymbols);
  }
}

export class LastValueMirror {
  /** By symbolId × 3. */
  readonly records: Records;
  /** Full seq of each record, likewise; NaN where there is none. */
  readonly seqs: Float64Array;
  /** By symbolId: the epoch of a quote that was carried over; 0 where that is not told. */
  readonly quoteEpochs: Uint32Array;
  /** Seq of each symbol's last tick; -1 = never read. */
  readonly lastSeq: Float64Array;
  /** The flush in which the symbol's quote changed last. */
  readonly changedAt: Float64Array;
  /** By shard. */
  readonly changes: ChangeList[];
  /** Symbols whose entry could not be read whole: their shard died inside it and is being replaced. */
  readonly torn = new Set<number>();
  readonly #entry = new TableEntry();
  readonly #lookedAt: Float64Array;
  readonly #followed: Float64Array;
  #known = 0;

  constructor(
    readonly table: LastValueTable,
    readonly registry: Registry,
    readonly shards: ShardView[],
  ) {
    const max = table.maxSymbols;
    this.records = Records.allocate(max * MIRROR_SLOTS);
    this.seqs = new Float64Array(max * MIRROR_SLOTS).fill(Number.NaN);
    this.quoteEpochs = new Uint32Array(max);
    this.lastSeq = new Float64Array(max).fill(-1);
    this.changedAt = new Float64Array(max);
    this.changes = shards.map(() => new ChangeList(max));
    this.#lookedAt = new Float64Array(max);
    this.#followed = new Float64Array(shards.length).fill(-1);
  }

  shardOf(symbolId: number): number {
    return this.registry.bucket[symbolId] % this.shards.length;
  }

  /** Takes over what changed up to each shard's T, and possibly more. */
  collect(flushNo: number): void {
    for (const list of this.changes) list.count = 0;
    const count = this.registry.symbolCount;
    let scan = count !== this.#known;
    this.#known = count;
    for (const view of this.shards) {
      const from = this.#followed[view.index];
      this.#followed[view.index] = view.applied;
      if (from === view.applied || scan) continue;
      scan = from < 0 || view.applied - from > count || !this.#followRing(view, from, flushNo);
    }
    if (scan) {
      for (let id = 1; id < count; id++) {
        if (this.table.lastSeq(id) !== this.lastSeq[id]) this.#look(id, flushNo);
      }
    }
    for (const id of this.torn) this.#look(id, flushNo);
  }

  /** With few new ticks it is cheaper to ask the ring whom they concern. False when the ring has passed us. */
  #followRing(view: ShardView, from: number, flushNo: number): boolean {
    const { tags } = view.ring;
    const known = this.registry.symbolCount;
    for (let seq = from + 1; seq <= view.applied; seq++) {
      const id = tags[view.ring.slot(seq)] & TAG_SYMBOL;
      if (id !== 0 && id < known) this.#look(id, flushNo);
    }
    return view.ring.oldest() <= from + 1;
  }

  #look(id: number, flushNo: number): void {
    if (this.#lookedAt[id] === flushNo) return;
    this.#lookedAt[id] = flushNo;
    const entry = this.#entry;
    if (!this.table.read(id, entry)) {
      this.torn.add(id);
      return;
    }
    if (this.torn.size > 0) this.torn.delete(id);
    this.lastSeq[id] = entry.seq;
    this.quoteEpochs[id] = entry.u32[EntryU32.quoteEpoch];
    for (let slot = 0; slot < MIRROR_SLOTS; slot++) {
      const seq = entry.f64[SLOT_SEQS[slot]];
      const at = id * MIRROR_SLOTS + slot;
      if (!entry.has(slot) || this.seqs[at] === seq) continue;
      copyRecord(entry.records, slot, this.records, at);
      this.seqs[at] = seq;
      if (slot === Slot.quote) this.#changed(id, flushNo);
    }
  }

  #changed(id: number, flushNo: number): void {
    const list = this.changes[this.shardOf(id)];
    list.ids[list.count++] = id;
    list.flushNo = flushNo;
    this.changedAt[id] = flushNo;
  }
}
