/**
 * The quotes of a `latest` subscription, and the snapshot of either mode. The watched symbols go in chunks,
 * each of which fits into a frame; of a chunk, what was sent is one number: the flush that it was sent in.
 */
import { FRAME_BYTES_MAX } from '../../core/limits.js';
import { Payload } from '../../wire/payload.js';
import type { EarlierCursor } from '../batch/carried-over.js';
import type { Frame } from '../batch/frame.js';
import type { ShardView } from '../batch/shard-view.js';
import type { SharedView } from '../batch/shared-view.js';
import type { SubscriptionGroup } from '../batch/subscription-group.js';

/** Where a chunk stands before its first flush: all state is sent, as a snapshot. */
export const FROM_NOTHING = -1;
/** Where a chunk stands that resumes at a cursor: quotes newer than that are sent. */
export const FROM_CURSOR = -2;
/** Bytes of a frame that quotes leave to the trades once they have sent anything. */
const TRADES_BYTES = FRAME_BYTES_MAX / 4;

interface Chunk {
  /** The flush that it was sent in, or FROM_NOTHING, or FROM_CURSOR. */
  flushNo: number;
  /** T of that flush. */
  applied: number;
}

export class SnapshotReader {
  #chunks: Chunk[][];
  readonly #place: Float64Array;
  /** Chunks that have not been sent for the first time. */
  #pending = 0;
  /** The shard that goes first, and by shard the chunk that does: so each has its turn where a frame cannot take all. */
  #first = 0;
  readonly #firsts: number[];
  #dueAtMs = 0;
  /** Whether anything was flushed; until then symbols that join are a part of the start. */
  #isBegun = false;
  readonly #own = new Payload();

  /**
   * @param start FROM_NOTHING or FROM_CURSOR, or the flush that all was sent in
   * @param place by shard: the seq as of which the state is sent, or that quotes have to be newer than
   * @param earlier for FROM_CURSOR: where the cursor is of an earlier epoch
   */
  constructor(
    readonly shared: SharedView,
    readonly group: SubscriptionGroup,
    readonly intervalMs: number,
    readonly start: number,
    place: ArrayLike<number>,
    readonly earlier?: EarlierCursor,
  ) {
    // The stream reader moves on, the place does not.
    this.#place = Float64Array.from(place);
    this.#chunks = shared.shards.map(() => []);
    this.#firsts = shared.shards.map(() => 0);
    for (const view of shared.shards) this.#grow(view);
  }

  /** Whether the state at the start has been sent. */
  get started(): boolean {
    return this.#isBegun && this.#pending === 0;
  }

  /** Symbols may have joined. */
  #grow(view: ShardView): void {
    const chunks = this.#chunks[view.index];
    const count = this.group.chunks(view.index);
    // A chunk that comes into being after the start holds only symbols that never were in a flush before.
    const isLate = this.started;
    const flushNo = isLate ? 0 : this.start;
    const applied = isLate ? view.applied : this.#place[view.index];
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

  /** Whether it has sent every change that there was when the flush at hand began. */
  get isCaughtUp(): boolean {
    const { flushNo } = this.shared;
    return (
      this.started &&
      this.intervalMs === 0 &&
      this.#chunks.every((chunks) => chunks.every((chunk) => chunk.flushNo === flushNo))
    );
  }

  /** Others that have been sent the same; the state at the start has been. */
  copy(): SnapshotReader {
    const { shared, group, intervalMs } = this;
    const snapshot = new SnapshotReader(shared, group, intervalMs, shared.flushNo, this.#place);
    snapshot.#isBegun = true;
    snapshot.#chunks = this.#chunks.map((chunks) => chunks.map((chunk) => ({ ...chunk })));
    return snapshot;
  }

  /** Sends what fits into the frame. False when there was more than that. */
  flush(frame: Frame): boolean {
    const { shared } = this;
    if (this.started && this.intervalMs > 0 && shared.nowMs < this.#dueAtMs && !shared.draining) {
      if (this.#changed()) shared.dueAtMs = Math.min(shared.dueAtMs, this.#dueAtMs);
      return true;
    }
    for (const view of shared.shards) this.#grow(view);
    this.#isBegun = true;
    const before = frame.ticks;
    let all = true;
    const shards = shared.shards.length;
    const first = this.#first;
    for (let n = 0; n < shards; n++) {
      const s = (first + n) % shards;
      if (this.#flushShard(frame, shared.shards[s])) continue;
      // Nothing overtakes what is first in line: the room that it waits for would never come about.
      if (frame.ticks === 0) return false;
      if (all) this.#first = (s + 1) % shards;
      all = false;
    }
    if (frame.ticks > before && this.intervalMs > 0) {
      // Aligned, so that equal subscriptions send in the same flush and share what is encoded.
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
      if (chunk.flushNo >= 0 && chunk.flushNo >= shared.mirror.changes[view.index].flushNo) {
        chunk.flushNo = shared.flushNo;
        chunk.applied = view.applied;
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
      chunk.flushNo = shared.flushNo;
      chunk.applied = view.applied;
      if (payload.count > 0) frame.add(payload);
    }
    return true;
  }

  #payloadOf(view: ShardView, k: number, chunk: Chunk): Payload {
    const { shared, group } = this;
    const { mirror, nowMs, epoch } = shared;
    const place = this.#place[view.index];
    if (chunk.flushNo === FROM_NOTHING) return group.statePayload(mirror, view, k, place, epoch);
    if (chunk.flushNo !== FROM_CURSOR)
      return group.chunkPayload(mirror, view, k, chunk.flushNo, nowMs, epoch);
    group.resumePayload(this.#own, mirror, view, k, place, epoch, this.earlier);
    return this.#own;
  }

  #symbols(view: ShardView, k: number): number[] {
    const { chunk, filter } = this.group;
    return filter.lists[view.index].slice(k * chunk, (k + 1) * chunk);
  }

  /** Whether the entry of one of its symbols may be older than T, because its writer died inside it. */
  #torn(view: ShardView, k: number): boolean {
    const { torn } = this.shared.mirror;
    return torn.size > 0 && this.#symbols(view, k).some((id) => torn.has(id));
  }
}
