/**
 * A subscription group: all subscriptions with the same symbols, kinds, mode and encoding. They share encoded payloads:
 * at the head of the stream all of them need the same bytes in the same flush.
 */
import { Slot } from '../../pipeline/memory/last-value-table.js';
import { Payload, type TickEncoder } from '../../wire/payload.js';
import type { Mode } from '../../wire/ticks.js';
import { type EarlierCursor, isCarriedAfter } from './carried-over.js';
import type { EncodeArena } from './encode-arena.js';
import { type LastValueMirror, MIRROR_SLOTS } from './last-value-mirror.js';
import { putQuote, quoteBase } from './quote-cache.js';
import { Selection, type Shared, type Source } from './selection.js';
import type { ShardView } from './shard-view.js';
import type { SymbolFilter } from './symbol-filter.js';

/** Bytes of a shared payload: small enough for most send windows, large enough to be worth sharing. */
export const SHARED_BYTES = 64 * 1024;
/** Bytes of the largest batch of quotes or of a snapshot. */
const CHUNK_BYTES = 160 * 1024;
/** Shared payloads of one shard that are kept during a flush. */
const SHARED_PAYLOADS = 32;

/** A payload of the ticks after `from` up to seq `limit`. `next` is `from` of the next payload, or OVERTAKEN. */
export class StreamPayload extends Payload {
  generation = -1;
  source: Source | null = null;
  from = 0;
  limit = 0;
  next = 0;
}

/** The state of a chunk as a snapshot. It is the same as of every seq from `lowest` up to, and without, `beyond`. */
class StatePayload extends Payload {
  generation = -1;
  lowest = 0;
  beyond = 0;
}

/** Ids of the symbols whose quotes a chunk needs. Reused by every chunk. */
let changed = new Uint32Array(1024);

export class SubscriptionGroup {
  users = 0;
  /** Symbols of the filter in one chunk of quotes. A snapshot of a chunk has up to three records per symbol. */
  readonly chunk: number;
  /** Whether its stream readers read the critical rings. */
  readonly critical: boolean;
  readonly #selection: Selection;
  readonly #payloads: StreamPayload[][];
  readonly #chunks: StreamPayload[][];
  readonly #states: StatePayload[][];

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
   * The payload of the ticks after `from` up to seq `limit`, encoded once per flush for all subscriptions of the group.
   * @param from a seq; in the critical ring a position
   */
  sharedPayload(source: Source, shard: number, from: number, limit: number, epoch: number): StreamPayload {
    // An earlier epoch may have had more shards.
    const payloads = (this.#payloads[shard] ??= []);
    for (const known of payloads) {
      const isValid = known.generation === this.arena.generation && known.epoch === epoch;
      if (isValid && known.from === from && known.limit === limit && known.source === source) return known;
    }
    let payload = payloads.find((known) => known.generation !== this.arena.generation);
    if (payload === undefined) {
      if (payloads.length >= SHARED_PAYLOADS) payload = payloads[0];
      else payloads.push((payload = new StreamPayload()));
    }
    this.fill(payload, source, shard, from, limit, epoch, SHARED_BYTES);
    if (payload.at === this.arena.at) this.arena.keep(payload);
    payload.generation = this.arena.generation;
    return payload;
  }

  /**
   * As `sharedPayload`, but into a payload of the caller, of at most `bytes`. The payload must be delivered before the
   * next one is made. All of them use the same memory, which stays in the processor's cache.
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

  /** The quotes of chunk `k` of the filter's symbols that changed after flush `from`. */
  chunkPayload(
    mirror: LastValueMirror,
    view: ShardView,
    k: number,
    from: number,
    nowMs: number,
    epoch: number,
  ): Payload {
    const payloads = this.#chunks[view.index];
    const payload = (payloads[k] ??= new StreamPayload());
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
   * The state of chunk `k` as a snapshot: the records that a stream reader does not send, because it reads the ticks
   * after seq `at`. In mode `latest` no stream reader sends quotes, so the snapshot has the newest quotes.
   */
  statePayload(mirror: LastValueMirror, view: ShardView, k: number, at: number, epoch: number): Payload {
    const payloads = this.#states[view.index];
    const payload = (payloads[k] ??= new StatePayload());
    if (payload.generation === this.arena.generation && payload.lowest <= at && at < payload.beyond)
      return payload;
    this.#beginChunk(payload, view, epoch, true);
    payload.lowest = 0;
    payload.beyond = Number.POSITIVE_INFINITY;
    const list = this.filter.lists[view.index];
    const end = Math.min(list.length, (k + 1) * this.chunk);
    for (let i = k * this.chunk; i < end; i++) this.#putState(payload, mirror, list[i], at);
    this.#keep(payload);
    return payload;
  }

  /** Keeps a payload for the other subscriptions. Without others, the next payload reuses the memory, which is cached. */
  #keep(payload: StreamPayload | StatePayload): void {
    if (this.users === 1) return;
    this.arena.keep(payload);
    payload.generation = this.arena.generation;
  }

  /** Collects the ids in `list[first..end)` of the filter whose quote changed after flush `from`; returns how many. */
  #pickChanged(mirror: LastValueMirror, view: ShardView, first: number, end: number, from: number): number {
    if (changed.length < end - first) changed = new Uint32Array(end - first);
    const changes = mirror.changes[view.index];
    let count = 0;
    if (from === view.flushNo - 1 && changes.count < end - first && this.filter.isLong(view.index)) {
      const { listIndex } = this.filter;
      for (let i = 0; i < changes.count; i++) {
        const at = listIndex[changes.ids[i]];
        if (at > first && at <= end) changed[count++] = changes.ids[i];
      }
    } else {
      const list = this.filter.lists[view.index];
      for (let i = first; i < end; i++) if (mirror.changedAt[list[i]] > from) changed[count++] = list[i];
    }
    return count;
  }

  /**
   * The quotes of chunk `k` that are newer than `seq`, for a `latest` subscription that resumes. A subscription that
   * resumes from an earlier epoch also gets the carried-over quotes that are newer than its cursor. A carried-over quote
   * has no seq in this epoch.
   */
  resumePayload(
    payload: Payload,
    mirror: LastValueMirror,
    view: ShardView,
    k: number,
    seq: number,
    epoch: number,
    earlier: EarlierCursor | undefined,
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

  #putState(payload: StatePayload, mirror: LastValueMirror, id: number, at: number): void {
    for (let slot = 0; slot < MIRROR_SLOTS; slot++) {
      const i = id * MIRROR_SLOTS + slot;
      const seq = mirror.seqs[i];
      if (((this.kindsMask >>> slot) & 1) === 0 || Number.isNaN(seq)) continue;
      const isInStream = slot !== Slot.quote || this.mode === 'every';
      if (isInStream && seq > at) {
        payload.beyond = Math.min(payload.beyond, seq);
        continue;
      }
      if (isInStream) payload.lowest = Math.max(payload.lowest, seq);
      this.encoder.put(payload, mirror.records, i, seq);
    }
  }
}
