/**
 * The last values of the log: what the last-value table would show after exactly the logged ticks. The sequence numbers of
 * an epoch (seqs, symbolSeq, definitions) are left out, as the next epoch counts from 1. A quote's record and its epoch
 * still identify its tick. The newest times are left out too: no tick of the next epoch is late against an earlier epoch.
 * The rules are those of the table: crossed and late quotes and late trades are no last values.
 */

import { copyWords, ENGINE_SYMBOL, RECORD_U32 } from '../../core/tick.js';
import {
  ENTRY_BYTES,
  EntryF64,
  EntryU32,
  type LastValueTable,
  Slot,
  TableEntry,
} from '../../pipeline/memory/last-value-table.js';
import { SYMBOLS_INDEXED } from '../format/block-summary.js';
import { LAST_F64, LAST_QUOTE_F64, LAST_U32, LastBit, type Lasts, LastU32 } from '../format/last-values.js';

const ENTRY_U32 = ENTRY_BYTES / 4;
const ENTRY_F64 = ENTRY_BYTES / 8;
const RECORDS_AT_U32 = 16;
const SYMBOLS_AT_FIRST = 1024;
/** The symbol occurs in a later block. */
const TAKEN = 128;

export class LastValuesProjection {
  #u32 = new Uint32Array(0);
  #f64 = new Float64Array(0);
  #isDirty = new Uint8Array(0);
  /** By symbol, while blocks are folded: bits of `LastBit` that later blocks have set, and TAKEN. */
  #taken = new Uint8Array(0);
  /** Symbols with such bits. */
  #folded: number[] = [];
  #capacity = 0;
  #dirty: number[] = [];
  readonly #blank = new TableEntry();
  /** The epoch of the blocks that are folded. */
  epoch = 0;

  constructor() {
    this.#blank.clear();
    this.#grow(SYMBOLS_AT_FIRST - 1);
  }

  #grow(symbolId: number): void {
    const before = this.#capacity;
    this.#capacity = 2 ** Math.ceil(Math.log2(symbolId + 1));
    const f64 = new Float64Array(this.#capacity * ENTRY_F64);
    const u32 = new Uint32Array(f64.buffer);
    u32.set(this.#u32);
    for (let id = before; id < this.#capacity; id++) u32.set(this.#blank.u32, id * ENTRY_U32);
    this.#u32 = u32;
    this.#f64 = f64;
    const dirty = new Uint8Array(this.#capacity);
    dirty.set(this.#isDirty);
    this.#isDirty = dirty;
    const taken = new Uint8Array(this.#capacity);
    taken.set(this.#taken);
    this.#taken = taken;
  }

  /** Folds the last values of blocks, oldest first. */
  fold(blocks: readonly Lasts[]): void {
    // The newest block goes first, so no value is copied that a later block replaces.
    for (let b = blocks.length - 1; b >= 0; b--) this.#foldUnder(blocks[b]);
    for (const id of this.#folded) this.#taken[id] = 0;
    this.#folded = [];
  }

  /** Folds the last values of a block that no later block has set. */
  #foldUnder({ count, u32, f64 }: Lasts): void {
    for (let k = 0; k < count; k++) {
      const from = k * LAST_U32;
      const id = u32[from + LastU32.symbol];
      if (id === ENGINE_SYMBOL || id >= SYMBOLS_INDEXED) continue;
      if (id >= this.#capacity) this.#grow(id);
      const mine = this.#u32;
      const e = id * ENTRY_U32;
      const taken = this.#taken[id];
      const what = u32[from + LastU32.what] & ~taken;
      if (taken === 0) this.#folded.push(id);
      else if (what === 0) continue;
      this.#taken[id] = taken | what | TAKEN;
      const to = e + RECORDS_AT_U32;
      if ((what & LastBit.quote) !== 0) {
        copyWords(u32, from + LastU32.quote, mine, to + Slot.quote * RECORD_U32);
        mine[e + EntryU32.quoteEpoch] = this.epoch;
      }
      if ((what & LastBit.trade) !== 0)
        copyWords(u32, from + LastU32.trade, mine, to + Slot.trade * RECORD_U32);
      if ((what & LastBit.status) !== 0)
        copyWords(u32, from + LastU32.status, mine, to + Slot.status * RECORD_U32);
      if ((what & LastBit.lastQuote) !== 0) {
        const quote = k * LAST_F64 + LAST_QUOTE_F64;
        for (let f = 0; f < 4; f++) this.#f64[id * ENTRY_F64 + EntryF64.bid + f] = f64[quote + f];
      }
      mine[e + EntryU32.seen] = 1;
      this.#markDirty(id);
    }
  }

  #markDirty(id: number): void {
    if (this.#isDirty[id] !== 0) return;
    this.#isDirty[id] = 1;
    this.#dirty.push(id);
  }

  /** Loads an entry of a checkpoint. */
  load(symbolId: number, bytes: Uint8Array): void {
    if (symbolId >= SYMBOLS_INDEXED || bytes.length !== ENTRY_BYTES) return;
    if (symbolId >= this.#capacity) this.#grow(symbolId);
    const e = symbolId * ENTRY_U32;
    this.#u32.set(new Uint32Array(bytes.buffer, bytes.byteOffset, ENTRY_U32), e);
    // Checkpoints of earlier versions have newest times, which are cleared.
    this.#u32.fill(0, e + EntryU32.quoteS, e + EntryU32.tradeNs + 1);
  }

  /** Symbols whose entry changed since the last call. */
  takeDirty(): number[] {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const id of dirty) this.#isDirty[id] = 0;
    return dirty;
  }

  /** The bytes of an entry: a view that the next fold changes. */
  entry(symbolId: number): Uint8Array {
    return new Uint8Array(this.#u32.buffer, symbolId * ENTRY_BYTES, ENTRY_BYTES);
  }

  /** Writes every symbol that ever ticked into a table; returns how many. */
  copyInto(table: LastValueTable): number {
    const entry = new TableEntry();
    let count = 0;
    for (let id = 1; id < Math.min(this.#capacity, table.maxSymbols); id++) {
      const e = id * ENTRY_U32;
      if (this.#u32[e + EntryU32.seen] === 0) continue;
      entry.u32.set(this.#u32.subarray(e, e + ENTRY_U32));
      table.write(id, entry);
      count++;
    }
    return count;
  }

  /** Makes every symbol that ticked count as changed. */
  touchAll(): void {
    for (let id = 1; id < this.#capacity; id++) {
      if (this.#u32[id * ENTRY_U32 + EntryU32.seen] !== 0) this.#markDirty(id);
    }
  }
}
