/**
 * Sends the quotes of a `latest` subscription, and the snapshot at the start in either mode. The symbols of the filter
 * are divided into chunks, each of which fits into a frame. For a chunk the reader remembers one number: the last flush
 * in which the chunk was sent.
 */
import { FRAME_BYTES_MAX } from '../../core/limits.js';
import { Payload } from '../../wire/payload.js';
import type { EarlierCursor } from '../batch/carried-over.js';
import type { Frame } from '../batch/frame.js';
import { QUOTE_BIT } from '../batch/selection.js';
import type { ShardView } from '../batch/shard-view.js';
import type { SharedView } from '../batch/shared-view.js';
import type { SubscriptionGroup } from '../batch/subscription-group.js';

/** `flushNo` of a chunk before its first flush: all state is sent, as a snapshot. */
export const FROM_NOTHING = -1;
/** `flushNo` of a chunk before its first flush, when it resumes at a cursor: only newer quotes are sent. */
export const FROM_CURSOR = -2;
/** Bytes of a frame that stay free for trades once the frame has a chunk of quotes. */
const TRADES_BYTES = FRAME_BYTES_MAX / 4;

interface Chunk {
  /** The last flush in which the chunk was sent, or FROM_NOTHING, or FROM_CURSOR. */
  flushNo: number;
  /** T (`applied` of the shard) of that flush. */
  applied: number;
}

export class SnapshotReader {
  #chunks: Chunk[][];
  readonly #startSeqs: Float64Array;
  /** Chunks that have never been sent. */
  #pending = 0;
  /** The shard that is served first. It rotates, so that no shard starves when a frame cannot take all. */
  #first = 0;
  /** By shard: the chunk that is served first. It rotates for the same reason. */
  readonly #firsts: number[];
  #dueAtMs = 0;
  /** Whether a flush has begun. Symbols that are added before it belong to the start. */
  #isBegun = false;
  readonly #own = new Payload();

  /**
   * @param start FROM_NOTHING, FROM_CURSOR, or the flush in which every chunk was sent
   * @param seqs by shard: for FROM_NOTHING the seq as of which the state is sent; for FROM_CURSOR, newer quotes are sent
   * @param earlier for FROM_CURSOR: the cursor, if it is of an earlier epoch
   */
  constructor(
    readonly shared: SharedView,
    readonly group: SubscriptionGroup,
    readonly intervalMs: number,
    readonly start: number,
    seqs: ArrayLike<number>,
    readonly earlier?: EarlierCursor,
  ) {
    // A copy: the stream reader changes its own seqs.
    this.#startSeqs = Float64Array.from(seqs);
    this.#chunks = shared.shards.map(() => []);
    this.#firsts = shared.shards.map(() => 0);
    for (const view of shared.shards) this.#addChunks(view);
  }

  /**
   * Whether quotes that change after the state are sent from here. Otherwise the stream has them, or they are not wanted: a
   * state that takes several flushes must not send them.
   */
  get hasUpdates(): boolean {
    return this.group.mode === 'latest' && (this.group.kindsMask & QUOTE_BIT) !== 0;
  }

  /** Whether the state at the start has been sent. */
  get started(): boolean {
    return this.#isBegun && this.#pending === 0;
  }

  /** Adds chunks for symbols that were added to the filter. */
  #addChunks(view: ShardView): void {
    const chunks = this.#chunks[view.index];
    const count = this.group.chunks(view.index);
    // A chunk that is added after the start has only symbols that no flush has sent before.
    const isLate = this.started;
    const flushNo = isLate ? 0 : this.start;
    // Such symbols have no tick before the flush that the others stand at.
    const applied = isLate ? Math.min(view.applied, this.applied(view.index)) : this.#startSeqs[view.index];
    while (chunks.length < count) {
      chunks.push({ flushNo, applied });
      if (flushNo < 0) this.#pending++;
    }
  }

  /** The seq up to which all quotes of a shard have been sent or conflated. */
  applied(shard: number): number {
    let least = Number.POSITIVE_INFINITY;
    for (const chunk of this.#chunks[shard]) least = Math.min(least, chunk.applied);
    return least;
  }

  /** Whether every change up to the start of the current flush has been sent. */
  get isCaughtUp(): boolean {
    const { flushNo } = this.shared;
    return (
      this.started &&
      this.intervalMs === 0 &&
      this.#chunks.every((chunks) => chunks.every((chunk) => chunk.flushNo === flushNo))
    );
  }

  /** A reader for another subscription that has been sent the same. The state at the start must have been sent. */
  copy(): SnapshotReader {
    const { shared, group, intervalMs } = this;
    const snapshot = new SnapshotReader(shared, group, intervalMs, shared.flushNo, this.#startSeqs);
    snapshot.#isBegun = true;
    snapshot.#chunks = this.#chunks.map((chunks) => chunks.map((chunk) => ({ ...chunk })));
    return snapshot;
  }

  /** Adds what fits to the frame. False when there was more. */
  flush(frame: Frame): boolean {
    const { shared } = this;
    if (this.started && this.intervalMs > 0 && shared.nowMs < this.#dueAtMs && !shared.draining) {
      if (this.#changed()) shared.dueAtMs = Math.min(shared.dueAtMs, this.#dueAtMs);
      return true;
    }
    for (const view of shared.shards) this.#addChunks(view);
    this.#isBegun = true;
    const before = frame.ticks;
    let all = true;
    const shards = shared.shards.length;
    const first = this.#first;
    for (let n = 0; n < shards; n++) {
      const s = (first + n) % shards;
      if (this.#flushShard(frame, shared.shards[s])) continue;
      // The first chunk must go first: if smaller chunks overtook it, the window would never have room for it.
      if (frame.ticks === 0) return false;
      if (all) this.#first = (s + 1) % shards;
      all = false;
    }
    if (frame.ticks > before && this.intervalMs > 0) {
      // Aligned to multiples of the interval, so that equal subscriptions send in the same flush and share payloads.
      this.#dueAtMs = (Math.floor(shared.nowMs / this.intervalMs) + 1) * this.intervalMs;
    }
    return all;
  }

  #changed(): boolean {
    return this.#chunks.some((chunks, s) =>
      chunks.some((chunk) => chunk.flushNo < this.shared.mirror.changes[s].flushNo),
    );
  }

  #flushShard(frame: Frame, view: ShardView): boolean {
    const { shared, group } = this;
    const chunks = this.#chunks[view.index];
    const count = chunks.length;
    const first = this.#firsts[view.index];
    for (let n = 0; n < count; n++) {
      const k = (first + n) % count;
      const chunk = chunks[k];
      if (
        chunk.flushNo >= 0 &&
        (!this.hasUpdates || chunk.flushNo >= shared.mirror.changes[view.index].flushNo)
      ) {
        this.#reach(chunk, view, k);
        continue;
      }
      if (chunk.flushNo < 0 && this.#torn(view, k)) return true;
      const payload = this.#payloadOf(view, k, chunk);
      const isTooMuch = frame.ticks > 0 && frame.left - payload.bytes < TRADES_BYTES;
      if (isTooMuch || !frame.fits(group.encoder, payload)) {
        this.#firsts[view.index] = k;
        return false;
      }
      if (chunk.flushNo < 0) this.#pending--;
      this.#reach(chunk, view, k);
      if (payload.count > 0) frame.add(payload);
    }
    return true;
  }

  #payloadOf(view: ShardView, k: number, chunk: Chunk): Payload {
    const { shared, group } = this;
    const { mirror, nowMs, epoch } = shared;
    const startSeq = this.#startSeqs[view.index];
    if (chunk.flushNo === FROM_NOTHING) return group.statePayload(mirror, view, k, startSeq, epoch);
    if (chunk.flushNo !== FROM_CURSOR)
      return group.chunkPayload(mirror, view, k, chunk.flushNo, nowMs, epoch);
    group.resumePayload(this.#own, mirror, view, k, startSeq, epoch, this.earlier);
    return this.#own;
  }

  /**
   * The chunk has what the mirror has, which is everything up to T. But an entry that was being written during the copy is
   * missing: its quote may be older than T, so the cursor waits for it.
   */
  #reach(chunk: Chunk, view: ShardView, k: number): void {
    chunk.flushNo = this.shared.flushNo;
    if (!this.#torn(view, k)) chunk.applied = view.applied;
  }

  /** Whether some symbol of chunk `k` may be older than T, because its entry was being written when the mirror copied it. */
  #torn(view: ShardView, k: number): boolean {
    const { torn } = this.shared.mirror;
    if (torn.size === 0) return false;
    const { chunk, filter } = this.group;
    const list = filter.lists[view.index];
    const end = Math.min(list.length, (k + 1) * chunk);
    for (let i = k * chunk; i < end; i++) if (torn.has(list[i])) return true;
    return false;
  }
}
