/**
 * Selects the ticks that a group wants from a source and encodes them into a payload. The source is an encoded chunk of a
 * ring, the ring itself, or a page of the log. In a ring or a page the tags are scanned first, and only the wanted
 * records are read.
 */

import { TAG_KIND_SHIFT } from '../../core/record-layout.js';
import {
  ENGINE_SYMBOL,
  KIND_MASK,
  Kind,
  RECORD_U16,
  RECORD_U32,
  SLOT_BITS,
  U16_KIND_FLAGS,
  U32_SYMBOL,
} from '../../core/tick.js';
import { type BroadcastReader, TAG_SYMBOL } from '../../pipeline/memory/broadcast-ring.js';
import type { Payload, TickEncoder } from '../../wire/payload.js';
import type { Mode } from '../../wire/ticks.js';
import { LogPage } from './catch-up-pages.js';
import type { QuoteCache } from './quote-cache.js';
import { CHUNK_TICKS, CHUNK_WORDS, type RingChunk, type RingChunks, withinChunk } from './ring-chunk.js';
import type { ShardView } from './shard-view.js';
import type { SymbolFilter } from './symbol-filter.js';

/** Records of the ring that one payload may scan: bounds the work for subscriptions that want few of the records. */
const SCAN_MAX = 65_536;
/** To look up one symbol in a chunk costs about as much as to check this many records. */
const RECORDS_PER_LOOKUP = 3;
/** Returned when the ring has overtaken the reader: the payload must not be used. */
export const OVERTAKEN = -1;
export const QUOTE_BIT = 1 << Kind.quote;
const ALL_KINDS = (1 << Kind.quote) | (1 << Kind.trade) | (1 << Kind.status) | (1 << Kind.gap);

/** What a stream reader reads: the rings of a shard, or a page of the log. */
export type Source = ShardView | LogPage;

/** A ring or a page, whose tags can be scanned. */
type Tagged = Pick<BroadcastReader, 'tags' | 'mask' | 'records'>;

/** The encoded ticks of one shard that all groups of one encoding share. */
export interface Shared {
  ring: RingChunks;
  critical: RingChunks;
  quotes: QuoteCache;
}

/** The wanted records of a chunk, as bits and as indices. Reused by every read. */
const marks = new Int32Array(CHUNK_WORDS);
const picks = new Uint32Array(CHUNK_TICKS);
/** Result of prefetching: stored, so that the compiler cannot remove the reads. */
const touched = new Uint32Array(1);

/** Sets the bits of the symbol's records at indices from `from` up to, and without, `end`. */
function mark(chunk: RingChunk, symbol: number, from: number, end: number): void {
  const { before } = chunk;
  for (let next = chunk.lasts[symbol]; next > from; next = before[next - 1]) {
    if (next <= end) marks[(next - 1) >>> 5] |= 1 << ((next - 1) & 31);
  }
}

export class Selection {
  /** Whether ticks come from the critical ring, because no quotes are wanted from the stream. */
  readonly critical: boolean;
  /** Whether every record of the ring is wanted. */
  readonly #isAll: boolean;
  /** Bit `1 << kind` for each kind that comes from the stream. In mode `latest` quotes come from the mirror instead. */
  readonly #kinds: number;

  constructor(
    readonly encoder: TickEncoder,
    readonly filter: SymbolFilter,
    mode: Mode,
    kindsMask: number,
    /** By shard. */
    readonly shared: readonly Shared[],
  ) {
    this.#kinds = mode === 'latest' ? kindsMask & ~QUOTE_BIT : kindsMask;
    this.critical = (this.#kinds & QUOTE_BIT) === 0;
    const kinds = this.critical ? ALL_KINDS & ~QUOTE_BIT : ALL_KINDS;
    this.#isAll = filter.isAll && (this.#kinds & kinds) === kinds;
  }

  /**
   * Appends the wanted ticks after `from` up to seq `limit` to a payload, until the payload has more than `full` bytes.
   * @param from a seq; in the critical ring a position
   * @param limit a seq, inclusive
   * @returns `from` of the next read, or OVERTAKEN
   */
  read(payload: Payload, source: Source, from: number, limit: number, full: number): number {
    if (source instanceof LogPage) return this.#readPage(payload, source, from, limit, full);
    return this.#readShard(payload, source, from, limit, full);
  }

  #readShard(payload: Payload, view: ShardView, from: number, limit: number, full: number): number {
    const head = this.critical ? view.criticalHead : Math.min(limit, view.head);
    const chunks = this.#chunks(view);
    const chunk = chunks.after(from, head, payload.epoch, this.filter.registry.seen, this.#isAll);
    if (chunk !== null) return this.#copyChunk(payload, chunk, from, limit, full);
    return this.critical
      ? this.#readCritical(payload, view, from, limit, full)
      : this.#readRing(payload, view, from, limit, full);
  }

  #chunks(view: ShardView): RingChunks {
    const { critical, ring } = this.shared[view.index];
    return this.critical ? critical : ring;
  }

  #copyChunk(payload: Payload, chunk: RingChunk, from: number, limit: number, full: number): number {
    const { seqs, begins, ends } = chunk;
    const i = from - chunk.from;
    let end = chunk.count;
    // The limit lies within the chunk only for paced readers and for readers of durable ticks.
    while (end > i && seqs[end - 1] > limit) end--;
    if (i === end) return from;
    if (this.#isAll && ends[end - 1] - begins[i] <= full) {
      payload.adopt(chunk.payload);
      payload.at = begins[i];
      payload.bytes = ends[end - 1] - payload.at;
      payload.count = end - i;
      return chunk.from + end;
    }
    const isShort = this.filter.lists[payload.shard].length * RECORDS_PER_LOOKUP < end - i;
    const count = isShort ? this.#pickMarked(payload.shard, chunk, i, end) : this.#pick(chunk, i, end);
    const taken = this.encoder.copy(payload, chunk, picks, count, full);
    return chunk.from + (taken < count ? picks[taken] : end);
  }

  /** Picks the wanted records from index `from` up to `end`, in order; returns how many there are. */
  #pick({ symbols, kinds }: RingChunk, from: number, end: number): number {
    const kindsMask = this.#kinds;
    const { bits } = this.filter;
    let count = 0;
    for (let i = from; i < end; i++) {
      if (bits[symbols[i]] === 1 && ((kindsMask >>> kinds[i]) & 1) === 1) picks[count++] = i;
    }
    return count;
  }

  /** As `#pick`, but looks up each symbol of the filter in the chunk: quicker where the filter has few symbols. */
  #pickMarked(shard: number, chunk: RingChunk, from: number, end: number): number {
    const kindsMask = this.#kinds;
    const { kinds } = chunk;
    const list = this.filter.lists[shard];
    marks.fill(0);
    for (let k = 0; k < list.length; k++) mark(chunk, list[k], from, end);
    mark(chunk, ENGINE_SYMBOL, from, end);
    let count = 0;
    for (let w = from >>> 5; w <= (end - 1) >>> 5; w++) {
      for (let bits = marks[w]; bits !== 0; bits &= bits - 1) {
        const i = w * 32 + 31 - Math.clz32(bits & -bits);
        if (((kindsMask >>> kinds[i]) & 1) === 1) picks[count++] = i;
      }
    }
    return count;
  }

  #readRing(payload: Payload, view: ShardView, from: number, limit: number, full: number): number {
    const { ring } = view;
    const chunks = this.#chunks(view);
    const end = Math.min(limit, from + SCAN_MAX);
    let seq = from;
    while (seq < end && payload.bytes <= full) {
      const piece = Math.min(end - seq, CHUNK_TICKS - withinChunk(seq));
      const count = this.#pickTags(ring, seq + 1, piece);
      const before = payload.count;
      const taken = this.#putPicks(payload, ring, seq + 1, count, full);
      chunks.recordUse(seq, payload.count - before);
      seq += taken < count ? picks[taken - 1] + 1 : piece;
    }
    return ring.oldest() > from + 1 ? OVERTAKEN : seq;
  }

  /**
   * Picks the wanted records among `length` records from `first` on, without branches, which would be mispredicted. The
   * picks are offsets from `first`.
   * @param first a seq; in a page an index
   * @returns the number of picks
   */
  #pickTags({ tags, mask, records }: Tagged, first: number, length: number): number {
    const kindsMask = this.#kinds;
    const { bits } = this.filter;
    const { u32 } = records;
    const picked = picks;
    const start = first & mask;
    let count = 0;
    let i = 0;
    // Unrolled by four: the compiler then checks the arrays once per iteration, which saves a third of the time.
    for (; i + 4 <= length; i += 4) {
      const a = tags[(start + i) & mask];
      const b = tags[(start + i + 1) & mask];
      const c = tags[(start + i + 2) & mask];
      const d = tags[(start + i + 3) & mask];
      picked[count] = i;
      count += bits[a & TAG_SYMBOL] & (kindsMask >>> (a >>> TAG_KIND_SHIFT));
      picked[count] = i + 1;
      count += bits[b & TAG_SYMBOL] & (kindsMask >>> (b >>> TAG_KIND_SHIFT));
      picked[count] = i + 2;
      count += bits[c & TAG_SYMBOL] & (kindsMask >>> (c >>> TAG_KIND_SHIFT));
      picked[count] = i + 3;
      count += bits[d & TAG_SYMBOL] & (kindsMask >>> (d >>> TAG_KIND_SHIFT));
    }
    for (; i < length; i++) {
      const tag = tags[(start + i) & mask];
      picked[count] = i;
      count += bits[tag & TAG_SYMBOL] & (kindsMask >>> (tag >>> TAG_KIND_SHIFT));
    }
    // Prefetch: the cache lines of the records are far apart, and `put` would wait for each one in turn.
    let words = 0;
    for (let k = 0; k < count; k++) words ^= u32[((start + picked[k]) & mask & SLOT_BITS) * RECORD_U32];
    touched[0] = words;
    return count;
  }

  /** Appends the first `count` picks, which are offsets from seq `first`, until the payload is full; returns how many. */
  #putPicks(payload: Payload, ring: BroadcastReader, first: number, count: number, full: number): number {
    const { records } = ring;
    let k = 0;
    while (k < count && payload.bytes <= full) {
      const seq = first + picks[k++];
      this.encoder.put(payload, records, ring.slot(seq), seq);
    }
    return k;
  }

  #readCritical(payload: Payload, view: ShardView, from: number, limit: number, full: number): number {
    const { critical, criticalHead } = view;
    const { records } = critical;
    const { bits } = this.filter;
    const chunks = this.#chunks(view);
    let at = from;
    while (at < criticalHead && payload.bytes <= full) {
      const seq = view.criticalSeq(at + 1);
      if (seq > limit) break;
      const slot = critical.slot(++at);
      const symbol = records.u32[slot * RECORD_U32 + U32_SYMBOL];
      if (bits[symbol] !== 1) continue;
      if (!this.#wants(records.u16[slot * RECORD_U16 + U16_KIND_FLAGS] & KIND_MASK)) continue;
      this.encoder.put(payload, records, slot, seq);
      chunks.recordUse(at - 1, 1);
    }
    return critical.oldest() > from + 1 ? OVERTAKEN : at;
  }

  /** The caller must make sure that the page holds every seq up to `limit` and that no gap lies in between. */
  #readPage(payload: Payload, page: LogPage, from: number, limit: number, full: number): number {
    const { records, seqs } = page;
    const end = page.indexAfter(limit);
    for (let first = page.indexAfter(from); first < end; first += CHUNK_TICKS) {
      const count = this.#pickTags(page, first, Math.min(end - first, CHUNK_TICKS));
      for (let k = 0; k < count; k++) {
        const i = first + picks[k];
        if (payload.bytes > full) return seqs[i] - 1;
        this.encoder.put(payload, records, i, seqs[i]);
      }
    }
    return limit;
  }

  #wants(kind: number): boolean {
    return ((this.#kinds >>> kind) & 1) === 1;
  }
}
