/**
 * The fan-out's own copy of the last-value table, updated once per flush, so that all subscribers of a flush get the
 * same state. A `latest` subscription remembers one number for a chunk of symbols: the last flush that was sent.
 * `changedAt` then says which symbols have changed since.
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

/** Records per symbol: quote, trade, status (see `Slot`). */
export const MIRROR_SLOTS = 3;
const SLOT_SEQS = [EntryF64.quoteSeq, EntryF64.tradeSeq, EntryF64.statusSeq];

/** The symbols of one shard whose quote changed in the current flush. */
export class ChangeList {
  readonly ids: Uint32Array;
  count = 0;
  /** The last flush in which a quote changed. */
  flushNo = 0;

  constructor(maxSymbols: number) {
    this.ids = new Uint32Array(maxSymbols);
  }
}

export class LastValueMirror {
  /** By `symbolId * MIRROR_SLOTS + slot`. */
  readonly records: Records;
  /** Full seq of each record, by the same index; NaN where there is no record. */
  readonly seqs: Float64Array;
  /** By symbolId: the epoch of a quote that was carried over; 0 where the table does not name the epoch. */
  readonly quoteEpochs: Uint32Array;
  /** By symbolId: seq of the last tick; -1 = never read. */
  readonly lastSeq: Float64Array;
  /** By symbolId: the last flush in which the quote changed. */
  readonly changedAt: Float64Array;
  /** By shard. */
  readonly changes: ChangeList[];
  /** Symbols whose entry could not be read: their shard is writing the entry, or died while doing so. */
  readonly torn = new Set<number>();
  readonly #entry = new TableEntry();
  readonly #copiedAt: Float64Array;
  readonly #appliedBefore: Float64Array;
  #symbolCount = 0;

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
    this.#copiedAt = new Float64Array(max);
    this.#appliedBefore = new Float64Array(shards.length).fill(-1);
  }

  shardOf(symbolId: number): number {
    return this.registry.bucket[symbolId] % this.shards.length;
  }

  /** Copies every entry that changed up to each shard's T (`applied`), and possibly newer changes. */
  collect(flushNo: number): void {
    for (const list of this.changes) list.count = 0;
    const count = this.registry.symbolCount;
    let scan = count !== this.#symbolCount;
    this.#symbolCount = count;
    for (const view of this.shards) {
      const from = this.#appliedBefore[view.index];
      this.#appliedBefore[view.index] = view.applied;
      if (from === view.applied || scan) continue;
      scan = from < 0 || view.applied - from > count || !this.#followRing(view, from, flushNo);
    }
    if (scan) {
      for (let id = 1; id < count; id++) {
        if (this.table.lastSeq(id) !== this.lastSeq[id]) this.#copyEntry(id, flushNo);
      }
    }
    for (const id of this.torn) this.#copyEntry(id, flushNo);
  }

  /**
   * Copies the symbols of the ticks after seq `from`. With few new ticks this costs less than a scan of the table.
   * @returns false when the ring has overwritten some of the ticks
   */
  #followRing(view: ShardView, from: number, flushNo: number): boolean {
    const { tags } = view.ring;
    const known = this.registry.symbolCount;
    for (let seq = from + 1; seq <= view.applied; seq++) {
      const id = tags[view.ring.slot(seq)] & TAG_SYMBOL;
      if (id !== 0 && id < known) this.#copyEntry(id, flushNo);
    }
    return view.ring.oldest() <= from + 1;
  }

  #copyEntry(id: number, flushNo: number): void {
    if (this.#copiedAt[id] === flushNo) return;
    this.#copiedAt[id] = flushNo;
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
