/**
 * A group: all subscriptions with the same symbols, kinds, mode and encoding. They share encoded bodies: at
 * the head of the stream every one of them needs the same bytes in the same flush.
 */
import { type BroadcastReader, LABEL_KIND_SHIFT, LABEL_SYMBOL } from '../pipeline/broadcast.js';
import { Slot } from '../pipeline/table.js';
import {
  ENGINE_SYMBOL,
  KIND_MASK,
  Kind,
  RECORD_U16,
  RECORD_U32,
  SLOT_BITS,
  U16_KIND_FLAGS,
  U32_SYMBOL,
} from '../tick.js';
import { Body, type TickEncoder } from '../wire/body.js';
import type { Mode } from '../wire/ticks.js';
import type { Arena } from './arena.js';
import type { Convoy } from './convoy.js';
import { LogPage } from './log-pages.js';
import { MIRROR_SLOTS, type Mirror } from './mirror.js';
import { putQuote, type QuoteCache, quoteBase } from './quote-cache.js';
import type { ShardView } from './shard-view.js';
import { STRETCH_TICKS, STRETCH_WORDS, type Stretch, type Stretches } from './stretch.js';
import type { Watch } from './watch.js';

/** Bytes of a body that subscribers share: small enough to fit into most windows, large enough to be worth it. */
export const SHARED_BYTES = 64 * 1024;
/** Bytes of the longest batch of quotes, or of a snapshot. */
const CHUNK_BYTES = 160 * 1024;
/** Records of the ring that one body may look at: a bound for subscriptions that want few of them. */
const SCAN_MAX = 65_536;
/** Looking up a symbol in a stretch costs about as much as looking at so many of its records. */
const RECORDS_PER_LOOKUP = 3;
/** Bodies of one shard that are remembered within a flush. */
const SHARED_BODIES = 32;
/** Where a chunk stands before its first flush: all state is sent, as a snapshot. */
export const FROM_NOTHING = -1;
/** What `readRing` answers when the ring passed the reader: nothing of the body is to be used. */
export const OVERTAKEN = -1;
export const QUOTE_BIT = 1 << Kind.quote;
const ALL_KINDS = (1 << Kind.quote) | (1 << Kind.trade) | (1 << Kind.status) | (1 << Kind.gap);

/** What a lane reads: the rings of a shard, or a page of the log. */
export type Source = ShardView | LogPage;

/** A body of ticks and the place that it ends at. */
export class LaneBody extends Body {
  generation = -1;
  source: Source | null = null;
  from = 0;
  limit = 0;
  next = 0;
}

/** What all groups of one encoding share of a shard. */
export interface Shared {
  ring: Stretches;
  critical: Stretches;
  quotes: QuoteCache;
}

/** Seqs that a snapshot has already covered, by symbol. */
export type SkipMap = Map<number, number>;

/** Records that a group wants of a stretch, as bits and as indices; symbols that it wants of a run. For one reading at a time. */
const marks = new Int32Array(STRETCH_WORDS);
let picks = new Uint32Array(STRETCH_TICKS);
/** What was read ahead of its use: kept, so that reading it is no dead code. */
const touched = new Uint32Array(1);

/** Sets the bits of the records of a symbol from index `from` up to `end`. */
function mark(stretch: Stretch, symbol: number, from: number, end: number): void {
  const { before } = stretch;
  for (let next = stretch.lasts[symbol]; next > from; next = before[next - 1]) {
    if (next <= end) marks[(next - 1) >>> 5] |= 1 << ((next - 1) & 31);
  }
}

export class Group {
  users = 0;
  /** Watched symbols that one batch of quotes covers; its snapshot has three records of each. */
  readonly chunk: number;
  /** Whether ticks come from the critical ring: only trades, status and gaps are wanted of the stream. */
  readonly critical: boolean;
  /** Whether the lane delivers every record that it meets. */
  readonly isAll: boolean;
  /** Kinds that the lane delivers; in `latest` quotes come from the mirror instead. */
  readonly laneMask: number;
  readonly convoys = new Set<Convoy>();
  readonly #bodies: LaneBody[][];
  readonly #chunks: LaneBody[][];

  constructor(
    readonly key: string,
    readonly encoder: TickEncoder,
    readonly watch: Watch,
    readonly mode: Mode,
    readonly kindsMask: number,
    readonly arena: Arena,
    /** By shard. */
    readonly shared: readonly Shared[],
  ) {
    this.laneMask = mode === 'latest' ? kindsMask & ~QUOTE_BIT : kindsMask;
    this.critical = (this.laneMask & QUOTE_BIT) === 0;
    const kinds = this.critical ? ALL_KINDS & ~QUOTE_BIT : ALL_KINDS;
    this.isAll = watch.isAll && (this.laneMask & kinds) === kinds;
    this.chunk = Math.floor(CHUNK_BYTES / (MIRROR_SLOTS * encoder.tickBytesMax));
    this.#bodies = watch.lists.map(() => []);
    this.#chunks = watch.lists.map(() => []);
  }

  /**
   * The body of the ticks after `from` (a seq; in the critical ring a position) up to seq `limit`, shared if
   * some other subscription asked for it in this flush. `next` of it is where to go on.
   */
  sharedBody(source: Source, shard: number, from: number, limit: number, epoch: number): LaneBody {
    // An epoch that is over may have had more shards.
    const bodies = (this.#bodies[shard] ??= []);
    for (const body of bodies) {
      const isAlive = body.generation === this.arena.generation;
      if (isAlive && body.from === from && body.limit === limit && body.source === source) return body;
    }
    let body = bodies.find((b) => b.generation !== this.arena.generation);
    if (body === undefined) {
      if (bodies.length >= SHARED_BODIES) body = bodies[0];
      else bodies.push((body = new LaneBody()));
    }
    this.fill(body, source, shard, from, limit, epoch, SHARED_BYTES, null);
    if (body.at === this.arena.at) this.arena.keep(body);
    body.generation = this.arena.generation;
    return body;
  }

  /**
   * As `sharedBody`, into a body of the caller's, of at most `bytes`, without what `skip` covers. It has to be
   * delivered before the next one is made: one memory for all of them stays in the processor's cache.
   */
  fill(
    body: LaneBody,
    source: Source,
    shard: number,
    from: number,
    limit: number,
    epoch: number,
    bytes: number,
    skip: SkipMap | null,
  ): void {
    body.begin(this.arena.reserve(bytes), shard, epoch, false);
    body.source = source;
    body.from = from;
    body.limit = limit;
    const full = bytes - this.encoder.tickBytesMax;
    if (source instanceof LogPage) body.next = this.#readPage(body, source, from, limit, full, skip);
    else body.next = this.#readShard(body, source, from, limit, full, skip);
  }

  #readShard(
    body: Body,
    view: ShardView,
    from: number,
    limit: number,
    full: number,
    skip: SkipMap | null,
  ): number {
    const { critical, ring } = this.shared[view.index];
    if (skip === null) {
      const head = this.critical ? view.criticalHead : Math.min(limit, view.head);
      const stretches = this.critical ? critical : ring;
      const stretch = stretches.after(from, head, body.epoch, this.watch.registry.seen);
      if (stretch !== null) return this.#copyStretch(body, stretch, from, limit, full);
    }
    return this.critical
      ? this.#readCritical(body, view, from, limit, full, skip)
      : this.#readRing(body, view, from, limit, full, skip);
  }

  #copyStretch(body: Body, stretch: Stretch, from: number, limit: number, full: number): number {
    const { seqs, begins, ends } = stretch;
    const i = from - stretch.from;
    let end = stretch.count;
    // Only a lane that is held back from the head has a limit within the stretch.
    while (end > i && seqs[end - 1] > limit) end--;
    if (i === end) return from;
    if (this.isAll && ends[end - 1] - begins[i] <= full) {
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
  #pick({ symbols, kinds }: Stretch, from: number, end: number): number {
    const { laneMask } = this;
    const { bits } = this.watch;
    let count = 0;
    for (let i = from; i < end; i++) {
      if (bits[symbols[i]] === 1 && ((laneMask >>> kinds[i]) & 1) === 1) picks[count++] = i;
    }
    return count;
  }

  /** The same, by looking up each watched symbol in the stretch rather than each record of it among those. */
  #pickMarked(shard: number, stretch: Stretch, from: number, end: number): number {
    const { laneMask } = this;
    const { kinds } = stretch;
    const list = this.watch.lists[shard];
    marks.fill(0);
    for (let k = 0; k < list.length; k++) mark(stretch, list[k], from, end);
    mark(stretch, ENGINE_SYMBOL, from, end);
    let count = 0;
    for (let w = from >>> 5; w <= (end - 1) >>> 5; w++) {
      for (let bits = marks[w]; bits !== 0; bits &= bits - 1) {
        const i = w * 32 + 31 - Math.clz32(bits & -bits);
        if (((laneMask >>> kinds[i]) & 1) === 1) picks[count++] = i;
      }
    }
    return count;
  }

  #readRing(body: Body, view: ShardView, from: number, limit: number, full: number, skip: SkipMap | null) {
    const { ring } = view;
    const end = Math.min(limit, from + SCAN_MAX);
    let seq = from;
    while (seq < end && body.bytes <= full) {
      const piece = Math.min(end - seq, STRETCH_TICKS);
      const count = this.#pickLabels(ring, seq + 1, piece);
      const taken = this.#putPicks(body, ring, seq + 1, count, full, skip);
      seq += taken < count ? picks[taken - 1] + 1 : piece;
    }
    return ring.oldest() > from + 1 ? OVERTAKEN : seq;
  }

  /** Picks the wanted of `length` records from seq `first` on, as distances from it. Without a branch, which would mispredict. */
  #pickLabels({ labels, mask, records }: BroadcastReader, first: number, length: number): number {
    const { laneMask } = this;
    const { bits } = this.watch;
    const { u32 } = records;
    const picked = picks;
    const start = first & mask;
    let count = 0;
    for (let i = 0; i < length; i++) {
      const label = labels[(start + i) & mask];
      picked[count] = i;
      count += bits[label & LABEL_SYMBOL] & (laneMask >>> (label >>> LABEL_KIND_SHIFT));
    }
    // Their cache lines lie far apart: asked for one after the other by `put`, each would be waited for.
    let words = 0;
    for (let k = 0; k < count; k++) words ^= u32[((start + picked[k]) & mask & SLOT_BITS) * RECORD_U32];
    touched[0] = words;
    return count;
  }

  /** Appends the first `count` picks from seq `first` on, until the body is full; returns how many. */
  #putPicks(
    body: Body,
    ring: BroadcastReader,
    first: number,
    count: number,
    full: number,
    skip: SkipMap | null,
  ) {
    const { labels, records } = ring;
    let k = 0;
    while (k < count && body.bytes <= full) {
      const seq = first + picks[k++];
      const slot = ring.slot(seq);
      if (skip !== null && seq <= (skip.get(labels[slot] & LABEL_SYMBOL) ?? 0)) continue;
      this.encoder.put(body, records, slot, seq);
    }
    return k;
  }

  #readCritical(
    body: Body,
    view: ShardView,
    from: number,
    limit: number,
    full: number,
    skip: SkipMap | null,
  ): number {
    const { critical, criticalHead } = view;
    const { records } = critical;
    const { bits } = this.watch;
    let at = from;
    while (at < criticalHead && body.bytes <= full) {
      const seq = view.criticalSeq(at + 1);
      if (seq > limit) break;
      const slot = critical.slot(++at);
      const symbol = records.u32[slot * RECORD_U32 + U32_SYMBOL];
      if (bits[symbol] !== 1) continue;
      if (!this.wants(records.u16[slot * RECORD_U16 + U16_KIND_FLAGS] & KIND_MASK)) continue;
      if (skip !== null && seq <= (skip.get(symbol) ?? 0)) continue;
      this.encoder.put(body, records, slot, seq);
    }
    return critical.oldest() > from + 1 ? OVERTAKEN : at;
  }

  /** The caller sees to it that the page holds everything up to `limit`, gaps left out. */
  #readPage(
    body: Body,
    page: LogPage,
    from: number,
    limit: number,
    full: number,
    skip: SkipMap | null,
  ): number {
    const { records, seqs, count } = page;
    const { bits } = this.watch;
    for (let i = page.indexAfter(from); i < count && seqs[i] <= limit; i++) {
      if (body.bytes > full) return seqs[i] - 1;
      const symbol = records.u32[i * RECORD_U32 + U32_SYMBOL];
      if (bits[symbol] !== 1) continue;
      if (!this.wants(records.u16[i * RECORD_U16 + U16_KIND_FLAGS] & KIND_MASK)) continue;
      if (skip !== null && seqs[i] <= (skip.get(symbol) ?? 0)) continue;
      this.encoder.put(body, records, i, seqs[i]);
    }
    return limit;
  }

  wants(kind: number): boolean {
    return ((this.laneMask >>> kind) & 1) === 1;
  }

  chunks(shard: number): number {
    return Math.ceil(this.watch.lists[shard].length / this.chunk);
  }

  /**
   * The state of one chunk of the watched symbols: of those whose quote changed after flush `from`, or of
   * all of them, with trade and status, as a snapshot.
   */
  chunkBody(mirror: Mirror, view: ShardView, k: number, from: number, nowMs: number, epoch: number): Body {
    const bodies = this.#chunks[view.index];
    const body = (bodies[k] ??= new LaneBody());
    if (body.generation === this.arena.generation && body.from === from) return body;
    this.#beginChunk(body, view, epoch, from === FROM_NOTHING);
    body.from = from;
    const list = this.watch.lists[view.index];
    const first = k * this.chunk;
    const end = Math.min(list.length, first + this.chunk);
    if (from === FROM_NOTHING) {
      for (let i = first; i < end; i++) this.#putState(body, mirror, list[i]);
    } else {
      const count = this.#pickChanged(mirror, view, first, end, from);
      this.shared[view.index].quotes.copyInto(body, picks, count, nowMs, epoch);
    }
    // What nobody shares is delivered at once: one memory for all of it stays in the processor's cache.
    if (this.users === 1) return body;
    this.arena.keep(body);
    body.generation = this.arena.generation;
    return body;
  }

  /** Picks those of the watched symbols from the first up to the end whose quote changed after flush `from`. */
  #pickChanged(mirror: Mirror, view: ShardView, first: number, end: number, from: number): number {
    if (picks.length < end - first) picks = new Uint32Array(end - first);
    const changes = mirror.changes[view.index];
    let count = 0;
    if (from === view.flushNo - 1 && changes.count < end - first) {
      const { place } = this.watch;
      for (let i = 0; i < changes.count; i++) {
        const at = place[changes.ids[i]];
        if (at > first && at <= end) picks[count++] = changes.ids[i];
      }
    } else {
      const list = this.watch.lists[view.index];
      for (let i = first; i < end; i++) if (mirror.changedAt[list[i]] > from) picks[count++] = list[i];
    }
    return count;
  }

  /** The quotes of one chunk that are newer than `seq`: how a `latest` subscription resumes. */
  resumeBody(body: Body, mirror: Mirror, view: ShardView, k: number, seq: number, epoch: number): void {
    this.#beginChunk(body, view, epoch, false);
    const list = this.watch.lists[view.index];
    const end = Math.min(list.length, (k + 1) * this.chunk);
    for (let i = k * this.chunk; i < end; i++) {
      if (mirror.seqs[list[i] * MIRROR_SLOTS + Slot.quote] > seq)
        putQuote(this.encoder, body, mirror, list[i]);
    }
    this.arena.keep(body);
  }

  #beginChunk(body: Body, view: ShardView, epoch: number, snapshot: boolean): void {
    const symbols = Math.min(this.chunk, this.watch.lists[view.index].length);
    const bytes = symbols * MIRROR_SLOTS * this.encoder.tickBytesMax;
    body.begin(this.arena.reserve(bytes), view.index, epoch, snapshot, quoteBase(view));
  }

  #putState(body: Body, mirror: Mirror, id: number): void {
    for (let slot = 0; slot < MIRROR_SLOTS; slot++) {
      const at = id * MIRROR_SLOTS + slot;
      const wanted = ((this.kindsMask >>> slot) & 1) === 1;
      if (wanted && !Number.isNaN(mirror.seqs[at]))
        this.encoder.put(body, mirror.records, at, mirror.seqs[at]);
    }
  }
}
