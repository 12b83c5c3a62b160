/**
 * What a shard remembers of each symbol: enough to number, to carry missing sides forward, to tell a late or
 * suspicious tick, and to project the last-value table.
 *
 * It is a function of the sequenced ticks (and of the pending half-quotes), so a shard that starts again loads
 * it from the table and applies the ticks that the table does not have yet; applying them twice changes nothing.
 *
 * One symbol's state is 128 bytes, private to the shard's thread, in the memory of `sequencing-module.ts`, which updates it:
 *
 * ```
 *  0 f64 last bid │ 8 f64 last ask │ 16 f64 last bid size │ 24 f64 last ask size (NaN = never seen)
 * 32 f64 mean absolute move of the mid │ 40 f64 ticks that pending half-quotes stand for │ 48 f64 10^digits
 * 56 f64 seq of the last tick │ 64 f64 of the quote to show │ 72 f64 of the trade │ 80 f64 of the status
 * 88 u32 symbolSeq │ 92 u32 version sequenced in this epoch │ 96 u32 newest quote tsEvent ns │ 100 s
 * 104 u32 newest trade tsEvent ns │ 108 s │ 112 u32 1 = changed since the last projection
 * 116 u32 1 = prices may be zero or negative │ 120 u32 version in the registry (0 = unknown) │ 124 u32 1 = that version is sequenced: quotes may follow
 * ```
 */

import { Kind, type Records, StatusCode, writeHeader, writeStatus, writeTimes } from '../../core/tick.js';
import { PENDING_WORDS } from '../memory/counters.js';
import { failpoint } from '../memory/failpoint.js';
import {
  ENTRY_F64,
  ENTRY_U32,
  EntryF64,
  EntryU32,
  ID_BITS,
  type LastValueTable,
  Slot,
  type TableEntry,
} from '../memory/last-value-table.js';
import type { Registry } from '../memory/registry.js';
import {
  STATE_ASK,
  STATE_ASK_SIZE,
  STATE_BID,
  STATE_BID_SIZE,
  STATE_BYTES,
  STATE_CHANGED,
  STATE_DEFINED,
  STATE_DEVIATION,
  STATE_PENDING,
  STATE_QUOTE_SEQ,
  STATE_QUOTE_TIME,
  STATE_READY,
  STATE_SCALE,
  STATE_SEQ,
  STATE_SIGNED,
  STATE_STATUS_SEQ,
  STATE_SYMBOL_SEQ,
  STATE_TRADE_SEQ,
  STATE_TRADE_TIME,
  STATE_VERSION,
} from '../memory/state-layout.js';
import { Count, type SequencingModule } from './sequencing-module.js';

export const STATE_F64 = STATE_BYTES / 8;
export const STATE_U32 = STATE_BYTES / 4;
export const S_BID = STATE_BID / 8;
export const S_ASK = STATE_ASK / 8;
export const S_BID_SIZE = STATE_BID_SIZE / 8;
export const S_ASK_SIZE = STATE_ASK_SIZE / 8;
export const S_DEVIATION = STATE_DEVIATION / 8;
export const S_PENDING = STATE_PENDING / 8;
export const S_SCALE = STATE_SCALE / 8;
const S_SEQ = STATE_SEQ / 8;
const S_QUOTE_SEQ = STATE_QUOTE_SEQ / 8;
const S_TRADE_SEQ = STATE_TRADE_SEQ / 8;
const S_STATUS_SEQ = STATE_STATUS_SEQ / 8;
export const SU_SYMBOL_SEQ = STATE_SYMBOL_SEQ / 4;
export const SU_DEFINED = STATE_DEFINED / 4;
export const SU_QUOTE_NS = STATE_QUOTE_TIME / 4;
export const SU_QUOTE_S = STATE_QUOTE_TIME / 4 + 1;
export const SU_TRADE_NS = STATE_TRADE_TIME / 4;
export const SU_TRADE_S = STATE_TRADE_TIME / 4 + 1;
const SU_CHANGED = STATE_CHANGED / 4;
export const SU_SIGNED = STATE_SIGNED / 4;
export const SU_VERSION = STATE_VERSION / 4;
export const SU_READY = STATE_READY / 4;

/** The parts of the module that hold the states; the shard owns both. */
export type StateArrays = Pick<
  SequencingModule,
  'maxSymbols' | 'statesF64' | 'statesU32' | 'changed' | 'counts'
>;

export class SymbolStates {
  readonly maxSymbols: number;
  readonly f64: Float64Array;
  readonly u32: Uint32Array;
  readonly #changed: Uint32Array;
  readonly #counts: Uint32Array;

  constructor({ maxSymbols, statesF64, statesU32, changed, counts }: StateArrays) {
    this.maxSymbols = maxSymbols;
    this.f64 = statesF64;
    this.u32 = statesU32;
    this.#changed = changed;
    this.#counts = counts;
  }

  /** Takes over definitions that are new in the registry. */
  learn(registry: Registry): void {
    for (let id = 1; id < registry.symbolCount; id++) {
      const u = id * STATE_U32;
      if (this.u32[u + SU_VERSION] === registry.version[id]) continue;
      const d = id * STATE_F64;
      if (this.u32[u + SU_VERSION] === 0) this.f64.fill(Number.NaN, d + S_BID, d + S_ASK_SIZE + 1);
      this.f64[d + S_SCALE] = 10 ** registry.digits[id];
      this.u32[u + SU_SIGNED] = registry.negative[id];
      this.u32[u + SU_VERSION] = registry.version[id];
      this.#ready(u);
    }
  }

  /** Writes, as record `i` of `r`, the status that defines a symbol to those who read on from `seq`. */
  writeDefinition(
    r: Records,
    i: number,
    id: number,
    source: number,
    seq: number,
    s: number,
    ns: number,
    digits: number,
  ): void {
    const u = id * STATE_U32;
    writeHeader(r, i, id, Kind.status, source, seq, this.u32[u + SU_SYMBOL_SEQ] + 1);
    writeTimes(r, i, s, ns, s, ns);
    writeStatus(r, i, StatusCode.symbolDefined, this.u32[u + SU_VERSION], digits, 0, 0);
  }

  /**
   * Takes over one symbol from the table. An entry that its writer left torn counts as standing at `applied`,
   * at most, so that all later ticks are applied to it again; its deviation starts again, as it alone cannot be applied twice.
   */
  load(table: LastValueTable, id: number, applied: number, entry: TableEntry): void {
    const torn = table.isTorn(id);
    if (torn) entry.u32.set(table.u32.subarray(id * ENTRY_U32, (id + 1) * ENTRY_U32));
    else table.read(id, entry);
    const d = id * STATE_F64;
    const u = id * STATE_U32;
    this.f64[d + S_BID] = entry.f64[EntryF64.bid];
    this.f64[d + S_ASK] = entry.f64[EntryF64.ask];
    this.f64[d + S_BID_SIZE] = entry.f64[EntryF64.bidSize];
    this.f64[d + S_ASK_SIZE] = entry.f64[EntryF64.askSize];
    this.f64[d + S_DEVIATION] = torn ? 0 : entry.f64[EntryF64.deviation];
    this.f64[d + S_PENDING] = entry.f64[EntryF64.pending];
    this.f64[d + S_SEQ] = torn ? Math.min(applied, entry.f64[EntryF64.seq]) : entry.f64[EntryF64.seq];
    this.f64[d + S_QUOTE_SEQ] = entry.f64[EntryF64.quoteSeq];
    this.f64[d + S_TRADE_SEQ] = entry.f64[EntryF64.tradeSeq];
    this.f64[d + S_STATUS_SEQ] = entry.f64[EntryF64.statusSeq];
    this.u32[u + SU_SYMBOL_SEQ] = entry.u32[EntryU32.symbolSeq];
    this.u32[u + SU_DEFINED] = entry.u32[EntryU32.defined];
    this.#ready(u);
    this.u32[u + SU_QUOTE_S] = entry.u32[EntryU32.quoteS];
    this.u32[u + SU_QUOTE_NS] = entry.u32[EntryU32.quoteNs];
    this.u32[u + SU_TRADE_S] = entry.u32[EntryU32.tradeS];
    this.u32[u + SU_TRADE_NS] = entry.u32[EntryU32.tradeNs];
    if (torn) this.touch(id);
  }

  /** Seq of a symbol's last tick. */
  seqOf(id: number): number {
    return this.f64[id * STATE_F64 + S_SEQ];
  }

  #ready(u: number): void {
    this.u32[u + SU_READY] = this.u32[u + SU_DEFINED] === this.u32[u + SU_VERSION] ? 1 : 0;
  }

  touch(id: number): void {
    if (this.u32[id * STATE_U32 + SU_CHANGED] !== 0) return;
    this.u32[id * STATE_U32 + SU_CHANGED] = 1;
    this.#changed[this.#counts[Count.changed]++] = id;
  }

  /** Takes over half-quotes that a committed batch left, as absolute values. */
  applyPending(words: Float64Array, from: number, count: number): void {
    for (let i = 0; i < count; i++) {
      const at = from + i * PENDING_WORDS;
      const d = words[at] * STATE_F64;
      this.f64[d + S_BID] = words[at + 1];
      this.f64[d + S_ASK] = words[at + 2];
      this.f64[d + S_BID_SIZE] = words[at + 3];
      this.f64[d + S_ASK_SIZE] = words[at + 4];
      this.f64[d + S_PENDING] = words[at + 5];
      this.touch(words[at]);
    }
  }

  /** Writes every changed symbol into the table; `since` is the seq that the table had, `ring` holds what came after. */
  project(table: LastValueTable, since: number, ring: Records, mask: number): void {
    const changed = this.#changed;
    const count = this.#counts[Count.changed];
    for (let i = 0; i < count; i++) this.#projectOne(changed[i], table, since, ring, mask);
    this.#counts[Count.changed] = 0;
  }

  #projectOne(id: number, table: LastValueTable, since: number, ring: Records, mask: number): void {
    const { f64: f, u32: u } = this;
    const { f64: tf, u32: tu } = table;
    const from = (id & ID_BITS) * STATE_F64;
    const fromU = (id & ID_BITS) * STATE_U32;
    const to = (id & ID_BITS) * ENTRY_F64;
    const toU = (id & ID_BITS) * ENTRY_U32;
    u[fromU + SU_CHANGED] = 0;
    table.begin(id);
    tu[toU + EntryU32.defined] = u[fromU + SU_DEFINED];
    tu[toU + EntryU32.symbolSeq] = u[fromU + SU_SYMBOL_SEQ];
    tu[toU + EntryU32.seen] = 1;
    tf[to + EntryF64.seq] = f[from + S_SEQ];
    tu[toU + EntryU32.quoteS] = u[fromU + SU_QUOTE_S];
    tu[toU + EntryU32.quoteNs] = u[fromU + SU_QUOTE_NS];
    tu[toU + EntryU32.tradeS] = u[fromU + SU_TRADE_S];
    tu[toU + EntryU32.tradeNs] = u[fromU + SU_TRADE_NS];
    const quoteSeq = f[from + S_QUOTE_SEQ];
    if (quoteSeq > since) {
      tf[to + EntryF64.quoteSeq] = quoteSeq;
      table.writeRecord(id, Slot.quote, ring, quoteSeq & mask);
    }
    const tradeSeq = f[from + S_TRADE_SEQ];
    if (tradeSeq > since) {
      tf[to + EntryF64.tradeSeq] = tradeSeq;
      table.writeRecord(id, Slot.trade, ring, tradeSeq & mask);
    }
    const statusSeq = f[from + S_STATUS_SEQ];
    if (statusSeq > since) {
      tf[to + EntryF64.statusSeq] = statusSeq;
      table.writeRecord(id, Slot.status, ring, statusSeq & mask);
    }
    failpoint();
    tf[to + EntryF64.bid] = f[from + S_BID];
    tf[to + EntryF64.ask] = f[from + S_ASK];
    tf[to + EntryF64.bidSize] = f[from + S_BID_SIZE];
    tf[to + EntryF64.askSize] = f[from + S_ASK_SIZE];
    tf[to + EntryF64.deviation] = f[from + S_DEVIATION];
    tf[to + EntryF64.pending] = f[from + S_PENDING];
    table.end(id);
  }
}
