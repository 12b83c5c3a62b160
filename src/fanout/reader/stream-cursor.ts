/**
 * Where a stream reader stands: an epoch, one seq a shard, and for stream readers that read the critical rings a position in each of
 * those.
 */

import type { ShardView } from '../batch/shard-view.js';
import type { SharedView } from '../batch/shared-view.js';
import type { EpochInfo } from '../contract/ports.js';

const NO_EPOCHS: readonly EpochInfo[] = [];

export class StreamCursor {
  #positions: Float64Array;

  /**
   * @param critical whether the stream reader reads the critical rings
   * @param seqs by shard: the last seq seen
   * @param epochs every epoch that is held; needed only where `epoch` is not the present one
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

  /** Another one at its place in the present epoch. */
  copy(): StreamCursor {
    const cursor = new StreamCursor(this.shared, this.critical, [], this.epoch, this.seqs.slice());
    cursor.#positions.set(this.#positions);
    return cursor;
  }

  get isPresent(): boolean {
    return this.epoch === this.shared.epoch;
  }

  /** What is known of an epoch that is over. */
  get info(): EpochInfo | undefined {
    return this.epochs.find((e) => e.epoch === this.epoch);
  }

  /** Whether the rings hold what comes next. */
  get isInRings(): boolean {
    if (!this.isPresent) return false;
    return this.shared.shards.every((view, s) => this.seqs[s] >= view.head || this.inRing(view) >= 0);
  }

  /** Where it stands in the ring that it reads: a seq, or a position; -1 when that ring has passed it. */
  inRing(view: ShardView): number {
    if (this.critical) return this.#inCritical(view);
    const seq = this.seqs[view.index];
    return view.ring.oldest() <= seq + 1 ? seq : -1;
  }

  /** -1 also when that ring cannot tell. */
  #inCritical(view: ShardView): number {
    const s = view.index;
    const position = this.#positions[s];
    if (position < 0) return (this.#positions[s] = view.criticalAfter(this.seqs[s]));
    // Encoded chunks outlive the ring, which alone tells where the stream reader is once it has read one.
    return view.critical.oldest() <= position + 1 ? position : -1;
  }

  /** Goes on to where a reading of the ring up to seq `limit` has come. */
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

  /** Leaves the ring, which has passed it. */
  leaveRing(shard: number): void {
    this.#positions[shard] = -1;
  }

  /** Goes on in the critical ring from a position that the ring alone could not tell. */
  enterCritical(shard: number, position: number): void {
    this.#positions[shard] = position;
  }

  /** Moves on to the next epoch once all of the one at hand has been read. */
  passEpochs(): void {
    while (!this.isPresent) {
      if (this.info?.lastSeq.some((last, s) => this.seqs[s] < last)) return;
      const next = this.epochs.find((e) => e.epoch > this.epoch && e.epoch < this.shared.epoch);
      this.epoch = next?.epoch ?? this.shared.epoch;
      this.seqs = new Float64Array(next?.shards ?? this.shared.shards.length);
      this.#positions = new Float64Array(this.seqs.length).fill(-1);
    }
    // There may be thousands of them, and a subscription may live for long.
    this.epochs = NO_EPOCHS;
  }
}
