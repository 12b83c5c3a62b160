/**
 * What a shard remembers of each symbol: enough to number, to carry missing sides forward, to tell a late or
 * suspicious tick, and to project the last-value table.
 *
 * It is a function of the numbered ticks (and of the half-quotes held), so a shard that starts afresh loads
 * it from the table and applies the ticks that the table does not have yet; applying them twice changes nothing.
 */
import {
  ENGINE_SYMBOL,
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  Flag,
  FLAGS_MASK,
  KIND_MASK,
  Kind,
  NO_TIME_S,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  type Records,
  StatusCode,
  U16_KIND_FLAGS,
  U16_STATUS_CODE,
  U32_STATUS_ARG0,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
} from '../tick.js';
import { HELD_WORDS } from './counters.js';
import { probe } from './fault.js';
import { ENTRY_F64, ENTRY_U32, EntryF64, EntryU32, type LastValueTable, Slot, TableEntry } from './table.js';

/** Weight of a new move in the mean absolute move, and how many means a counted move is clipped to. */
const DEVIATION_WEIGHT = 1 / 64;
const DEVIATION_CLIP = 8;
const RECORDS_U32 = 16;

export class SymbolStates {
  readonly symbolSeq: Uint32Array;
  /** Version of the definition that was numbered in this epoch. */
  readonly defined: Uint32Array;
  /** Last known sides, of whatever quote; NaN = never seen. */
  readonly bid: Float64Array;
  readonly ask: Float64Array;
  readonly bidSize: Float64Array;
  readonly askSize: Float64Array;
  /** Newest event times. */
  readonly quoteS: Uint32Array;
  readonly quoteNs: Uint32Array;
  readonly tradeS: Uint32Array;
  readonly tradeNs: Uint32Array;
  /** Mean absolute move of the mid, each move clipped. */
  readonly deviation: Float64Array;
  /** Half-quotes swallowed since the last quote went out. */
  readonly held: Float64Array;
  /** Seq of the last tick, and of the records that the table is to show. */
  readonly seq: Float64Array;
  readonly quoteSeq: Float64Array;
  readonly tradeSeq: Float64Array;
  readonly statusSeq: Float64Array;
  /** Symbols changed since the last projection. */
  readonly #dirty: Uint32Array;
  readonly #isDirty: Uint8Array;
  #dirtyCount = 0;

  constructor(readonly maxSymbols: number) {
    const u32 = () => new Uint32Array(maxSymbols);
    const f64 = () => new Float64Array(maxSymbols);
    this.symbolSeq = u32();
    this.defined = u32();
    this.bid = f64().fill(Number.NaN);
    this.ask = f64().fill(Number.NaN);
    this.bidSize = f64().fill(Number.NaN);
    this.askSize = f64().fill(Number.NaN);
    this.quoteS = u32();
    this.quoteNs = u32();
    this.tradeS = u32();
    this.tradeNs = u32();
    this.deviation = f64();
    this.held = f64();
    this.seq = f64();
    this.quoteSeq = f64();
    this.tradeSeq = f64();
    this.statusSeq = f64();
    this.#dirty = u32();
    this.#isDirty = new Uint8Array(maxSymbols);
  }

  /**
   * Takes over one symbol from the table. An entry that its writer left torn counts as standing at `applied`,
   * so that all later ticks are applied to it again; its deviation starts anew, as it alone cannot be applied twice.
   */
  load(table: LastValueTable, id: number, applied: number, entry: TableEntry): void {
    const torn = table.isTorn(id);
    if (torn) entry.u32.set(table.u32.subarray(id * ENTRY_U32, (id + 1) * ENTRY_U32));
    else table.read(id, entry);
    this.symbolSeq[id] = entry.u32[EntryU32.symbolSeq];
    this.defined[id] = entry.u32[EntryU32.defined];
    this.bid[id] = entry.f64[EntryF64.bid];
    this.ask[id] = entry.f64[EntryF64.ask];
    this.bidSize[id] = entry.f64[EntryF64.bidSize];
    this.askSize[id] = entry.f64[EntryF64.askSize];
    this.quoteS[id] = entry.u32[EntryU32.quoteS];
    this.quoteNs[id] = entry.u32[EntryU32.quoteNs];
    this.tradeS[id] = entry.u32[EntryU32.tradeS];
    this.tradeNs[id] = entry.u32[EntryU32.tradeNs];
    this.deviation[id] = torn ? 0 : entry.f64[EntryF64.deviation];
    this.held[id] = entry.f64[EntryF64.held];
    this.seq[id] = torn ? applied : entry.f64[EntryF64.seq];
    this.quoteSeq[id] = entry.f64[EntryF64.quoteSeq];
    this.tradeSeq[id] = entry.f64[EntryF64.tradeSeq];
    this.statusSeq[id] = entry.f64[EntryF64.statusSeq];
    if (torn) this.touch(id);
  }

  touch(id: number): void {
    if (this.#isDirty[id] !== 0) return;
    this.#isDirty[id] = 1;
    this.#dirty[this.#dirtyCount++] = id;
  }

  /** Updates the state by a numbered tick. */
  apply(r: Records, slot: number, seq: number): void {
    const w = slot * RECORD_U32;
    const h = slot * RECORD_U16;
    const id = r.u32[w + U32_SYMBOL];
    const kindFlags = r.u16[h + U16_KIND_FLAGS];
    const flags = kindFlags & FLAGS_MASK;
    this.symbolSeq[id] = r.u32[w + U32_SYMBOL_SEQ];
    if (id === ENGINE_SYMBOL) return;
    this.touch(id);
    this.seq[id] = seq;
    const kind = kindFlags & KIND_MASK;
    if (kind === Kind.quote) {
      this.#applyQuote(r, slot, id);
      if ((flags & (Flag.crossed | Flag.late)) === 0) this.quoteSeq[id] = seq;
    } else if (kind === Kind.trade) {
      if ((flags & Flag.late) === 0) {
        this.tradeSeq[id] = seq;
        if (r.u32[w + U32_TS_EVENT_S] !== NO_TIME_S) {
          this.tradeS[id] = r.u32[w + U32_TS_EVENT_S];
          this.tradeNs[id] = r.u32[w + U32_TS_EVENT_NS];
        }
      }
    } else if (kind === Kind.status) {
      if (r.u16[h + U16_STATUS_CODE] === StatusCode.symbolDefined) this.defined[id] = r.u32[w + U32_STATUS_ARG0];
      else this.statusSeq[id] = seq;
    }
  }

  #applyQuote(r: Records, slot: number, id: number): void {
    const w = slot * RECORD_U32;
    const d = slot * RECORD_F64;
    const bid = r.f64[d + F64_BID];
    const ask = r.f64[d + F64_ASK];
    const move = Math.abs(bid + ask - this.bid[id] - this.ask[id]) / 2;
    const deviation = this.deviation[id];
    if (deviation === 0) {
      if (move > 0) this.deviation[id] = move;
    } else {
      this.deviation[id] += (Math.min(move, DEVIATION_CLIP * deviation) - deviation) * DEVIATION_WEIGHT;
    }
    this.bid[id] = bid;
    this.ask[id] = ask;
    this.bidSize[id] = r.f64[d + F64_BID_SIZE];
    this.askSize[id] = r.f64[d + F64_ASK_SIZE];
    this.held[id] = 0;
    const eventS = r.u32[w + U32_TS_EVENT_S];
    const eventNs = r.u32[w + U32_TS_EVENT_NS];
    if (eventS !== NO_TIME_S && !isBefore(eventS, eventNs, this.quoteS[id], this.quoteNs[id])) {
      this.quoteS[id] = eventS;
      this.quoteNs[id] = eventNs;
    }
  }

  /** Takes over half-quotes that a committed batch left, as absolute values. */
  applyHeld(words: Float64Array, from: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const at = from + i * HELD_WORDS;
      const id = words[at];
      this.bid[id] = words[at + 1];
      this.ask[id] = words[at + 2];
      this.bidSize[id] = words[at + 3];
      this.askSize[id] = words[at + 4];
      this.held[id] = words[at + 5];
      this.touch(id);
    }
  }

  /** Writes every changed symbol into the table; `since` is the seq that the table had, `ring` holds what came after. */
  project(table: LastValueTable, since: number, ring: Records, mask: number): void {
    for (let i = 0; i < this.#dirtyCount; i++) {
      const id = this.#dirty[i];
      this.#isDirty[id] = 0;
      const w = id * ENTRY_U32;
      const d = id * ENTRY_F64;
      table.begin(id);
      table.u32[w + EntryU32.defined] = this.defined[id];
      table.u32[w + EntryU32.symbolSeq] = this.symbolSeq[id];
      table.u32[w + EntryU32.seen] = 1;
      table.f64[d + EntryF64.seq] = this.seq[id];
      table.u32[w + EntryU32.quoteS] = this.quoteS[id];
      table.u32[w + EntryU32.quoteNs] = this.quoteNs[id];
      table.u32[w + EntryU32.tradeS] = this.tradeS[id];
      table.u32[w + EntryU32.tradeNs] = this.tradeNs[id];
      if (this.quoteSeq[id] > since) {
        table.f64[d + EntryF64.quoteSeq] = this.quoteSeq[id];
        copyToEntry(ring, this.quoteSeq[id] & mask, table, w, Slot.quote);
      }
      if (this.tradeSeq[id] > since) {
        table.f64[d + EntryF64.tradeSeq] = this.tradeSeq[id];
        copyToEntry(ring, this.tradeSeq[id] & mask, table, w, Slot.trade);
      }
      if (this.statusSeq[id] > since) {
        table.f64[d + EntryF64.statusSeq] = this.statusSeq[id];
        copyToEntry(ring, this.statusSeq[id] & mask, table, w, Slot.status);
      }
      probe();
      table.f64[d + EntryF64.bid] = this.bid[id];
      table.f64[d + EntryF64.ask] = this.ask[id];
      table.f64[d + EntryF64.bidSize] = this.bidSize[id];
      table.f64[d + EntryF64.askSize] = this.askSize[id];
      table.f64[d + EntryF64.deviation] = this.deviation[id];
      table.f64[d + EntryF64.held] = this.held[id];
      table.end(id);
    }
    this.#dirtyCount = 0;
  }
}

/** Whether time a is before time b; both in seconds and nanoseconds. */
export function isBefore(aS: number, aNs: number, bS: number, bNs: number): boolean {
  return aS < bS || (aS === bS && aNs < bNs);
}

/** Copies a numbered record into one of an entry's three places. */
function copyToEntry(ring: Records, slot: number, table: LastValueTable, entryWord: number, place: number): void {
  const from = slot * RECORD_U32;
  const to = entryWord + RECORDS_U32 + place * RECORD_U32;
  for (let k = 0; k < RECORD_U32; k++) table.u32[to + k] = ring.u32[from + k];
}
