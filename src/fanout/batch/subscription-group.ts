/**
 * A group: all subscriptions with the same symbols, kinds, mode and encoding. They share encoded payloads: at
 * the head of the stream every one of them needs the same bytes in the same flush.
 */
import { Slot } from '../../pipeline/memory/last-value-table.js';
import { Payload, type TickEncoder } from '../../wire/payload.js';
import type { Mode } from '../../wire/ticks.js';
import { type EarlierPlace, isCarriedAfter } from './carried-over.js';
import type { EncodeArena } from './encode-arena.js';
import { type LastValueMirror, MIRROR_SLOTS } from './last-value-mirror.js';
import { putQuote, quoteBase } from './quote-cache.js';
import { Selection, type Shared, type Source } from './selection.js';
import type { ShardView } from './shard-view.js';
import type { SymbolFilter } from './symbol-filter.js';

/** Bytes of a payload that subscribers share: small enough to fit into most windows, large enough to be worth it. */
export const SHARED_BYTES = 64 * 1024;
/** Bytes of the longest batch of quotes, or of a snapshot. */
const CHUNK_BYTES = 160 * 1024;
/** Payloads of one shard that are remembered within a flush. */
const SHARED_PAYLOADS = 32;
/** A payload of ticks and the place that it ends at. */
export class StreamPayload extends Payload {
  generation = -1;
  source: Source | null = null;
  from = 0;
  limit = 0;
  next = 0;
}

/** The state of a chunk as of a place: `lowest` is the first seq as of which it is this, `beyond` the next as of which it is not. */
class StateBody extends Payload {
  generation = -1;
  lowest = 0;
  beyond = 0;
}

/** Symbols whose quotes a chunk needs: for one chunk at a time. */
let changed = new Uint32Array(1024);

export class SubscriptionGroup {
  users = 0;
  /** Watched symbols that one batch of quotes covers; its snapshot has three records of each. */
  readonly chunk: number;
  /** Whether its stream readers read the critical rings. */
  readonly critical: boolean;
  readonly #selection: Selection;
  readonly #payloads: StreamPayload[][];
  readonly #chunks: StreamPayload[][];
  readonly #states: StateBody[][];

  constructor(
    readonly key: string,
    readonly encoder: TickEncoder,
    readonly filter: SymbolFilter,
    readonly mode: Mode,
    readonly kindsMask: number,
    readonly arena: EncodeArena,
    /** By shard. */
    readonly shared: readonly Shared[],
  ) {
    this.#selection = new Selection(encoder, filter, mode, kindsMask, shared);
    this.critical = this.#selection.critical;
    this.chunk = Math.floor(CHUNK_BYTES / (MIRROR_SLOTS * encoder.tickBytesMax));
    this.#payloads = filter.lists.map(() => []);
    this.#chunks = filter.lists.map(() => []);
    this.#states = filter.lists.map(() => []);
  }

  /**
   * The payload of the ticks after `from` (a seq; in the critical ring a position) up to seq `limit`, shared if
   * some other subscription asked for it in this flush. `next` of it is where to go on.
   */
  sharedPayload(source: Source, shard: number, from: number, limit: number, epoch: number): StreamPayload {
    // An epoch that is over may have had more shards.
    const bodies = (this.#payloads[shard] ??= []);
    for (const payload of bodies) {
      const isAlive = payload.generation === this.arena.generation && payload.epoch === epoch;
      if (isAlive && payload.from === from && payload.limit === limit && payload.source === source)
        return payload;
    }
    let body = bodies.find((b) => b.generation !== this.arena.generation);
    if (body === undefined) {
      if (bodies.length >= SHARED_PAYLOADS) body = bodies[0];
      else bodies.push((body = new StreamPayload()));
    }
    this.fill(body, source, shard, from, limit, epoch, SHARED_BYTES);
    if (body.at === this.arena.at) this.arena.keep(body);
    body.generation = this.arena.generation;
    return body;
  }

  /**
   * As `sharedBody`, into a payload of the caller's, of at most `bytes`. It has to be delivered before the next one is
   * made: one memory for all of them stays in the processor's cache.
   */
  fill(
    payload: StreamPayload,
    source: Source,
    shard: number,
    from: number,
    limit: number,
    epoch: number,
    bytes: number,
  ): void {
    payload.begin(this.arena.reserve(bytes), shard, epoch, false);
    payload.source = source;
    payload.from = from;
    payload.limit = limit;
    const full = bytes - this.encoder.tickBytesMax;
    payload.next = this.#selection.read(payload, source, from, limit, full);
  }

  chunks(shard: number): number {
    return Math.ceil(this.filter.lists[shard].length / this.chunk);
  }

  /** The quotes of one chunk of the watched symbols that changed after flush `from`. */
  chunkPayload(
    mirror: LastValueMirror,
    view: ShardView,
    k: number,
    from: number,
    nowMs: number,
    epoch: number,
  ): Payload {
    const bodies = this.#chunks[view.index];
    const payload = (bodies[k] ??= new StreamPayload());
    if (payload.generation === this.arena.generation && payload.from === from) return payload;
    this.#beginChunk(payload, view, epoch, false);
    payload.from = from;
    const first = k * this.chunk;
    const end = Math.min(this.filter.lists[view.index].length, first + this.chunk);
    const count = this.#pickChanged(mirror, view, first, end, from);
    this.shared[view.index].quotes.copyInto(payload, changed, count, nowMs, epoch);
    this.#keep(payload);
    return payload;
  }

  /**
   * The state of one chunk as a snapshot: what its stream readers do not send of it, since they go on after seq `at`. Quotes of
   * mode `latest` are in no stream reader, and are the newest there are.
   */
  stateBody(mirror: LastValueMirror, view: ShardView, k: number, at: number, epoch: number): Payload {
    const bodies = this.#states[view.index];
    const body = (bodies[k] ??= new StateBody());
    if (body.generation === this.arena.generation && body.lowest <= at && at < body.beyond) return body;
    this.#beginChunk(body, view, epoch, true);
    body.lowest = 0;
    body.beyond = Number.POSITIVE_INFINITY;
    const list = this.filter.lists[view.index];
    const end = Math.min(list.length, (k + 1) * this.chunk);
    for (let i = k * this.chunk; i < end; i++) this.#putState(body, mirror, list[i], at);
    this.#keep(body);
    return body;
  }

  /** What nobody shares is delivered at once: one memory for all of it stays in the processor's cache. */
  #keep(body: StreamPayload | StateBody): void {
    if (this.users === 1) return;
    this.arena.keep(body);
    body.generation = this.arena.generation;
  }

  /** Picks those of the watched symbols from the first up to the end whose quote changed after flush `from`. */
  #pickChanged(mirror: LastValueMirror, view: ShardView, first: number, end: number, from: number): number {
    if (changed.length < end - first) changed = new Uint32Array(end - first);
    const changes = mirror.changes[view.index];
    let count = 0;
    if (from === view.flushNo - 1 && changes.count < end - first && this.filter.isLong(view.index)) {
      const { place } = this.filter;
      for (let i = 0; i < changes.count; i++) {
        const at = place[changes.ids[i]];
        if (at > first && at <= end) changed[count++] = changes.ids[i];
      }
    } else {
      const list = this.filter.lists[view.index];
      for (let i = first; i < end; i++) if (mirror.changedAt[list[i]] > from) changed[count++] = list[i];
    }
    return count;
  }

  /**
   * The quotes of one chunk that are newer than `seq`: how a `latest` subscription resumes. From an earlier epoch it
   * does so with the state, as far as that is news: quotes that were carried over have no seq in this one.
   */
  resumePayload(
    payload: Payload,
    mirror: LastValueMirror,
    view: ShardView,
    k: number,
    seq: number,
    epoch: number,
    earlier: EarlierPlace | undefined,
  ): void {
    this.#beginChunk(payload, view, epoch, earlier !== undefined);
    const list = this.filter.lists[view.index];
    const end = Math.min(list.length, (k + 1) * this.chunk);
    for (let i = k * this.chunk; i < end; i++) {
      const id = list[i];
      const quote = mirror.seqs[id * MIRROR_SLOTS + Slot.quote];
      const isCarried = earlier !== undefined && quote === 0 && isCarriedAfter(mirror, id, earlier);
      if (quote > seq || isCarried) putQuote(this.encoder, payload, mirror, id);
    }
    this.arena.keep(payload);
  }

  #beginChunk(payload: Payload, view: ShardView, epoch: number, snapshot: boolean): void {
    const symbols = Math.min(this.chunk, this.filter.lists[view.index].length);
    const bytes = symbols * MIRROR_SLOTS * this.encoder.tickBytesMax;
    payload.begin(this.arena.reserve(bytes), view.index, epoch, snapshot, quoteBase(view));
  }

  #putState(body: StateBody, mirror: LastValueMirror, id: number, at: number): void {
    for (let slot = 0; slot < MIRROR_SLOTS; slot++) {
      const i = id * MIRROR_SLOTS + slot;
      const seq = mirror.seqs[i];
      if (((this.kindsMask >>> slot) & 1) === 0 || Number.isNaN(seq)) continue;
      const isInStream = slot !== Slot.quote || this.mode === 'every';
      if (isInStream && seq > at) {
        body.beyond = Math.min(body.beyond, seq);
        continue;
      }
      if (isInStream) body.lowest = Math.max(body.lowest, seq);
      this.encoder.put(body, mirror.records, i, seq);
    }
  }
}
