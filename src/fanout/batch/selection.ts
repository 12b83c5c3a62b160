/**
 * What a group wants of a source, and how it gets into a body: out of an encoded stretch of a ring, out of a ring
 * itself, or out of a page of the log. Rings and pages are looked through by their tags, and of the records only those
 * that are wanted are read.
 */

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
import { type BroadcastReader, TAG_KIND_SHIFT, TAG_SYMBOL } from '../../pipeline/memory/broadcast-ring.js';
import type { Body, TickEncoder } from '../../wire/body.js';
import type { Mode } from '../../wire/ticks.js';
import { LogPage } from './catch-up-pages.js';
import type { QuoteCache } from './quote-cache.js';
import { CHUNK_TICKS, CHUNK_WORDS, type RingChunk, type RingChunks, withinChunk } from './ring-chunk.js';
import type { ShardView } from './shard-view.js';
import type { SymbolFilter } from './symbol-filter.js';

/** Records of the ring that one body may look at: a bound for subscriptions that want few of them. */
const SCAN_MAX = 65_536;
/** Looking up a symbol in a stretch costs about as much as looking at so many of its records. */
const RECORDS_PER_LOOKUP = 3;
/** What reading answers when the ring passed the reader: nothing of the body is to be used. */
export const OVERTAKEN = -1;
export const QUOTE_BIT = 1 << Kind.quote;
const ALL_KINDS = (1 << Kind.quote) | (1 << Kind.trade) | (1 << Kind.status) | (1 << Kind.gap);

/** What a lane reads: the rings of a shard, or a page of the log. */
export type Source = ShardView | LogPage;

/** What is looked through by its tags. */
type Tagged = Pick<BroadcastReader, 'tags' | 'mask' | 'records'>;

/** What all groups of one encoding share of a shard. */
export interface Shared {
  ring: RingChunks;
  critical: RingChunks;
  quotes: QuoteCache;
}

/** Records that are wanted of a stretch, as bits and as indices. For one reading at a time. */
const marks = new Int32Array(CHUNK_WORDS);
const picks = new Uint32Array(CHUNK_TICKS);
/** What was read ahead of its use: kept, so that reading it is no dead code. */
const touched = new Uint32Array(1);

/** Sets the bits of the records of a symbol from index `from` up to `end`. */
function mark(stretch: RingChunk, symbol: number, from: number, end: number): void {
  const { before } = stretch;
  for (let next = stretch.lasts[symbol]; next > from; next = before[next - 1]) {
    if (next <= end) marks[(next - 1) >>> 5] |= 1 << ((next - 1) & 31);
  }
}

export class Selection {
  /** Whether ticks come from the critical ring: only trades, status and gaps are wanted of the stream. */
  readonly critical: boolean;
  /** Whether it is every record that it meets. */
  readonly #isAll: boolean;
  /** Kinds that come from the stream; in `latest` quotes come from the mirror instead. */
  readonly #kinds: number;

  constructor(
    readonly encoder: TickEncoder,
    readonly watch: SymbolFilter,
    mode: Mode,
    kindsMask: number,
    /** By shard. */
    readonly shared: readonly Shared[],
  ) {
    this.#kinds = mode === 'latest' ? kindsMask & ~QUOTE_BIT : kindsMask;
    this.critical = (this.#kinds & QUOTE_BIT) === 0;
    const kinds = this.critical ? ALL_KINDS & ~QUOTE_BIT : ALL_KINDS;
    this.#isAll = watch.isAll && (this.#kinds & kinds) === kinds;
  }

  /**
   * Appends what is wanted of the ticks after `from` (a seq; in the critical ring a position) up to seq `limit` to a
   * body, until that has more than `full` bytes.
   * @returns where to go on, or OVERTAKEN
   */
  read(body: Body, source: Source, from: number, limit: number, full: number): number {
    if (source instanceof LogPage) return this.#readPage(body, source, from, limit, full);
    return this.#readShard(body, source, from, limit, full);
  }

  #readShard(body: Body, view: ShardView, from: number, limit: number, full: number): number {
    const head = this.critical ? view.criticalHead : Math.min(limit, view.head);
    const stretches = this.#chunks(view);
    const stretch = stretches.after(from, head, body.epoch, this.watch.registry.seen, this.#isAll);
    if (stretch !== null) return this.#copyChunk(body, stretch, from, limit, full);
    return this.critical
      ? this.#readCritical(body, view, from, limit, full)
      : this.#readRing(body, view, from, limit, full);
  }

  #chunks(view: ShardView): RingChunks {
    const { critical, ring } = this.shared[view.index];
    return this.critical ? critical : ring;
  }

  #copyChunk(body: Body, stretch: RingChunk, from: number, limit: number, full: number): number {
    const { seqs, begins, ends } = stretch;
    const i = from - stretch.from;
    let end = stretch.count;
    // Only a lane that is held back from the head has a limit within the stretch.
    while (end > i && seqs[end - 1] > limit) end--;
    if (i === end) return from;
    if (this.#isAll && ends[end - 1] - begins[i] <= full) {
      body.adopt(stretch.body);
      body.at = begins[i];
      body.bytes = ends[end - 1] - body.at;
      body.count = end - i;
      return stretch.from + end;
    }
    const isShort = this.watch.lists[body.shard].length * RECORDS_PER_LOOKUP < end - i;
    const count = isShort ? this.#pickMarked(body.shard, stretch, i, end) : this.#pick(stretch, i, end);
    const taken = this.encoder.copy(body, stretch, picks, count, full);
    return stretch.from + (taken < count ? picks[taken] : end);
  }

  /** Picks the wanted records from index `from` up to `end`, in order; returns how many there are. */
  #pick({ symbols, kinds }: RingChunk, from: number, end: number): number {
    const kindsMask = this.#kinds;
    const { bits } = this.watch;
    let count = 0;
    for (let i = from; i < end; i++) {
      if (bits[symbols[i]] === 1 && ((kindsMask >>> kinds[i]) & 1) === 1) picks[count++] = i;
    }
    return count;
  }

  /** The same, by looking up each watched symbol in the stretch rather than each record of it among those. */
  #pickMarked(shard: number, stretch: RingChunk, from: number, end: number): number {
    const kindsMask = this.#kinds;
    const { kinds } = stretch;
    const list = this.watch.lists[shard];
    marks.fill(0);
    for (let k = 0; k < list.length; k++) mark(stretch, list[k], from, end);
    mark(stretch, ENGINE_SYMBOL, from, end);
    let count = 0;
    for (let w = from >>> 5; w <= (end - 1) >>> 5; w++) {
      for (let bits = marks[w]; bits !== 0; bits &= bits - 1) {
        const i = w * 32 + 31 - Math.clz32(bits & -bits);
        if (((kindsMask >>> kinds[i]) & 1) === 1) picks[count++] = i;
      }
    }
    return count;
  }

  #readRing(body: Body, view: ShardView, from: number, limit: number, full: number): number {
    const { ring } = view;
    const stretches = this.#chunks(view);
    const end = Math.min(limit, from + SCAN_MAX);
    let seq = from;
    while (seq < end && body.bytes <= full) {
      const piece = Math.min(end - seq, CHUNK_TICKS - withinChunk(seq));
      const count = this.#pickLabels(ring, seq + 1, piece);
      const before = body.count;
      const taken = this.#putPicks(body, ring, seq + 1, count, full);
      stretches.recordUse(seq, body.count - before);
      seq += taken < count ? picks[taken - 1] + 1 : piece;
    }
    return ring.oldest() > from + 1 ? OVERTAKEN : seq;
  }

  /** Picks the wanted of `length` records from seq (of a page: index) `first` on, as distances from it. Without a branch, which would mispredict. */
  #pickLabels({ tags, mask, records }: Tagged, first: number, length: number): number {
    const kindsMask = this.#kinds;
    const { bits } = this.watch;
    const { u32 } = records;
    const picked = picks;
    const start = first & mask;
    let count = 0;
    let i = 0;
    // Four at a time: what the compiler checks of the arrays it checks once a turn, which saves a third of the time.
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
      const label = tags[(start + i) & mask];
      picked[count] = i;
      count += bits[label & TAG_SYMBOL] & (kindsMask >>> (label >>> TAG_KIND_SHIFT));
    }
    // Their cache lines lie far apart: asked for one after the other by `put`, each would be waited for.
    let words = 0;
    for (let k = 0; k < count; k++) words ^= u32[((start + picked[k]) & mask & SLOT_BITS) * RECORD_U32];
    touched[0] = words;
    return count;
  }

  /** Appends the first `count` picks from seq `first` on, until the body is full; returns how many. */
  #putPicks(body: Body, ring: BroadcastReader, first: number, count: number, full: number): number {
    const { records } = ring;
    let k = 0;
    while (k < count && body.bytes <= full) {
      const seq = first + picks[k++];
      this.encoder.put(body, records, ring.slot(seq), seq);
    }
    return k;
  }

  #readCritical(body: Body, view: ShardView, from: number, limit: number, full: number): number {
    const { critical, criticalHead } = view;
    const { records } = critical;
    const { bits } = this.watch;
    const stretches = this.#chunks(view);
    let at = from;
    while (at < criticalHead && body.bytes <= full) {
      const seq = view.criticalSeq(at + 1);
      if (seq > limit) break;
      const slot = critical.slot(++at);
      const symbol = records.u32[slot * RECORD_U32 + U32_SYMBOL];
      if (bits[symbol] !== 1) continue;
      if (!this.#wants(records.u16[slot * RECORD_U16 + U16_KIND_FLAGS] & KIND_MASK)) continue;
      this.encoder.put(body, records, slot, seq);
      stretches.recordUse(at - 1, 1);
    }
    return critical.oldest() > from + 1 ? OVERTAKEN : at;
  }

  /** The caller sees to it that the page holds everything up to `limit`, gaps left out. */
  #readPage(body: Body, page: LogPage, from: number, limit: number, full: number): number {
    const { records, seqs } = page;
    const end = page.indexAfter(limit);
    for (let first = page.indexAfter(from); first < end; first += CHUNK_TICKS) {
      const count = this.#pickLabels(page, first, Math.min(end - first, CHUNK_TICKS));
      for (let k = 0; k < count; k++) {
        const i = first + picks[k];
        if (body.bytes > full) return seqs[i] - 1;
        this.encoder.put(body, records, i, seqs[i]);
      }
    }
    return limit;
  }

  #wants(kind: number): boolean {
    return ((this.#kinds >>> kind) & 1) === 1;
  }
}
