/**
 * The last values that the log knows: what the last-value table would show had it seen exactly the logged
 * ticks. It takes the numbers of an epoch out of them (seqs, symbolSeq, definitions), as the next epoch
 * numbers from 1. Rules as in the table: crossed and late quotes and late trades are no last values.
 */

import { EVENT_AHEAD_S_MAX } from '../limits.js';
import { ENTRY_BYTES, EntryF64, EntryU32, type LastValueTable, Slot, TableEntry } from '../pipeline/table.js';
import {
  copyWords,
  ENGINE_SYMBOL,
  F64_BID,
  Flag,
  KIND_MASK,
  Kind,
  RECORD_F64,
  RECORD_U32,
  type Records,
  StatusCode,
  U16_STATUS_CODE,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_S,
} from '../tick.js';
import { SYMBOLS_CODED } from './rows.js';

const ENTRY_U32 = ENTRY_BYTES / 4;
const ENTRY_F64 = ENTRY_BYTES / 8;
const RECORDS_AT_U32 = 16;
const SYMBOLS_AT_FIRST = 1024;
const LAST_QUOTE = 3;
const NEWEST_QUOTE = 4;
/** Indices kept of each symbol within a block: quote, trade and status record, the last quote of any kind, and the last that was not late. */
const WINNERS = 5;
const NONE = -1;

export class Projection {
  #u32 = new Uint32Array(0);
  #f64 = new Float64Array(0);
  #winners = new Int32Array(0);
  #isTouched = new Uint8Array(0);
  #isDirty = new Uint8Array(0);
  #capacity = 0;
  #touched: number[] = [];
  #dirty: number[] = [];
  readonly #blank = new TableEntry();

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
    this.#winners = new Int32Array(this.#capacity * WINNERS).fill(NONE);
    this.#isTouched = new Uint8Array(this.#capacity);
    const dirty = new Uint8Array(this.#capacity);
    dirty.set(this.#isDirty);
    this.#isDirty = dirty;
  }

  /** Takes in logged ticks. First only who wins is found, so that each symbol's records are copied once. */
  fold(r: Records, count: number): void {
    const { u32 } = r;
    let winners = this.#winners;
    let touched = this.#isTouched;
    for (let i = 0; i < count; i++) {
      const w = i * RECORD_U32;
      const id = u32[w + U32_SYMBOL];
      if (id === ENGINE_SYMBOL || id >= SYMBOLS_CODED) continue;
      if (id >= this.#capacity) {
        this.#settle(r);
        this.#grow(id);
        winners = this.#winners;
        touched = this.#isTouched;
      }
      if (touched[id] === 0) {
        touched[id] = 1;
        this.#touched.push(id);
      }
      const head = u32[w + U32_KIND_FLAGS_SOURCE];
      const kind = head & KIND_MASK;
      if (kind === Kind.quote) {
        winners[id * WINNERS + LAST_QUOTE] = i;
        if ((head & (Flag.crossed | Flag.late)) === 0) winners[id * WINNERS + Slot.quote] = i;
        if ((head & Flag.late) === 0) winners[id * WINNERS + NEWEST_QUOTE] = i;
      } else if (kind === Kind.trade) {
        if ((head & Flag.late) === 0) winners[id * WINNERS + Slot.trade] = i;
      } else if (kind === Kind.status && r.u16[w * 2 + U16_STATUS_CODE] !== StatusCode.symbolDefined) {
        winners[id * WINNERS + Slot.status] = i;
      }
    }
    this.#settle(r);
  }

  /** Keeps the tsEvent of the last tick that was not late: nothing before it is newer. */
  #newest(r: Records, i: number, id: number, at: number): void {
    const w = i * RECORD_U32;
    const s = r.u32[w + U32_TS_EVENT_S];
    if (s > r.u32[w + U32_TS_RECV_S] + EVENT_AHEAD_S_MAX) return;
    this.#u32[id * ENTRY_U32 + at] = s;
    this.#u32[id * ENTRY_U32 + at + 1] = r.u32[w + U32_TS_EVENT_NS];
  }

  /** Copies what won. */
  #settle(r: Records): void {
    for (const id of this.#touched) {
      const e = id * ENTRY_U32;
      for (let slot = 0; slot < LAST_QUOTE; slot++) {
        const i = this.#winners[id * WINNERS + slot];
        if (i === NONE) continue;
        const to = e + RECORDS_AT_U32 + slot * RECORD_U32;
        copyWords(r.u32, i * RECORD_U32, this.#u32, to);
      }
      const last = this.#winners[id * WINNERS + LAST_QUOTE];
      if (last !== NONE) {
        for (let k = 0; k < 4; k++) {
          this.#f64[id * ENTRY_F64 + EntryF64.bid + k] = r.f64[last * RECORD_F64 + F64_BID + k];
        }
      }
      const quote = this.#winners[id * WINNERS + NEWEST_QUOTE];
      if (quote !== NONE) this.#newest(r, quote, id, EntryU32.quoteS);
      const trade = this.#winners[id * WINNERS + Slot.trade];
      if (trade !== NONE) this.#newest(r, trade, id, EntryU32.tradeS);
      this.#u32[e + EntryU32.seen] = 1;
      this.#winners.fill(NONE, id * WINNERS, (id + 1) * WINNERS);
      this.#isTouched[id] = 0;
      this.#markDirty(id);
    }
    this.#touched.length = 0;
  }

  #markDirty(id: number): void {
    if (this.#isDirty[id] !== 0) return;
    this.#isDirty[id] = 1;
    this.#dirty.push(id);
  }

  /** Takes over an entry of a checkpoint. */
  load(symbolId: number, bytes: Uint8Array): void {
    if (symbolId >= SYMBOLS_CODED || bytes.length !== ENTRY_BYTES) return;
    if (symbolId >= this.#capacity) this.#grow(symbolId);
    this.#u32.set(new Uint32Array(bytes.buffer, bytes.byteOffset, ENTRY_U32), symbolId * ENTRY_U32);
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
