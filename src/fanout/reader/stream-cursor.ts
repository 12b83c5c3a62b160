/**
 * The cursor of a stream reader: an epoch and one seq per shard. A stream reader of the critical rings also has a
 * position in each critical ring.
 */

import type { EpochInfo } from '../../core/log-port.js';
import type { ShardView } from '../batch/shard-view.js';
import type { SharedView } from '../batch/shared-view.js';

const NO_EPOCHS: readonly EpochInfo[] = [];

export class StreamCursor {
  #positions: Float64Array;

  /**
   * @param critical whether the stream reader reads the critical rings
   * @param seqs by shard: the last seq seen
   * @param epochs every epoch that the log holds; needed only where `epoch` is an earlier one
   */
  constructor(
    readonly shared: SharedView,
    readonly critical: boolean,
    public epochs: readonly EpochInfo[],
    public epoch: number,
    public seqs: Float64Array,
  ) {
    this.#positions = new Float64Array(seqs.length).fill(-1);
  }

  /** Another cursor with the same values. This cursor must be in the present epoch. */
  copy(): StreamCursor {
    const cursor = new StreamCursor(this.shared, this.critical, [], this.epoch, this.seqs.slice());
    cursor.#positions.set(this.#positions);
    return cursor;
  }

  get isPresent(): boolean {
    return this.epoch === this.shared.epoch;
  }

  /** Seqs and shards of the cursor's epoch, where that is an earlier one. */
  get info(): EpochInfo | undefined {
    return this.epochs.find((e) => e.epoch === this.epoch);
  }

  /** Whether the rings hold the next tick of every shard. */
  get isInRings(): boolean {
    if (!this.isPresent) return false;
    return this.shared.shards.every((view, s) => this.seqs[s] >= view.head || this.inRing(view) >= 0);
  }

  /** The last position read: a seq, or a position of the critical ring. -1 when the ring no longer holds the next one. */
  inRing(view: ShardView): number {
    if (this.critical) return this.#inCritical(view);
    const seq = this.seqs[view.index];
    return view.ring.oldest() <= seq + 1 ? seq : -1;
  }

  /** -1 also when the critical ring cannot prove that it holds every tick after the seq. */
  #inCritical(view: ShardView): number {
    const s = view.index;
    const position = this.#positions[s];
    if (position < 0) return (this.#positions[s] = view.criticalAfter(this.seqs[s]));
    // An encoded chunk may outlive its records in the ring, so a reader of chunks can be behind the ring.
    return view.critical.oldest() <= position + 1 ? position : -1;
  }

  /** Moves to `next`, which a read of the ring up to seq `limit` returned. */
  advance(view: ShardView, next: number, limit: number): void {
    const s = view.index;
    if (!this.critical) {
      this.seqs[s] = next;
      return;
    }
    this.#positions[s] = next;
    const more = next < view.criticalHead && view.criticalSeq(next + 1) <= limit;
    this.seqs[s] = more ? Math.max(this.seqs[s], view.criticalSeq(next)) : limit;
  }

  /** Clears the position in the critical ring, because the ring has overtaken the reader. */
  leaveRing(shard: number): void {
    this.#positions[shard] = -1;
  }

  /** Sets the position in the critical ring, where `criticalAfter` cannot find it. */
  enterCritical(shard: number, position: number): void {
    this.#positions[shard] = position;
  }

  /** Moves to the next epoch once the cursor's epoch has been read to its end. */
  passEpochs(): void {
    while (!this.isPresent) {
      if (this.info?.lastSeq.some((last, s) => this.seqs[s] < last)) return;
      const next = this.epochs.find((e) => e.epoch > this.epoch && e.epoch < this.shared.epoch);
      this.epoch = next?.epoch ?? this.shared.epoch;
      this.seqs = new Float64Array(next?.shards ?? this.shared.shards.length);
      this.#positions = new Float64Array(this.seqs.length).fill(-1);
    }
    // Frees the list: there may be thousands of epochs, and a subscription may live long.
    this.epochs = NO_EPOCHS;
  }
}
