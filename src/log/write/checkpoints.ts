/** Writes checkpoints of the log's state from time to time, never before all covered blocks are on the disk. */
import { LOG_CHECKPOINT_BLOCKS, LOG_CHECKPOINT_MS } from '../../core/limits.js';
import { unlessCommitFailed } from '../lmdb/free-space.js';
import { flush, type Put } from '../lmdb/transaction.js';
import type { Committer } from './committer.js';
import type { LogState } from './log-state.js';

export class Checkpoints {
  /** Whether one is being written. */
  isWriting = false;
  /** Whether a checkpoint exists that is neither written nor discarded. */
  #isUnderWay = false;
  /** The checkpoint that waits until its commit is on the disk. */
  #waiting: { puts: readonly Put[]; commit: number } | undefined;
  #blocks = 0;
  #madeAt = performance.now();

  /** @param onFault gets faults that a restart of the stage may cure */
  constructor(
    readonly state: LogState,
    readonly committer: Committer,
    readonly epoch: number,
    readonly onFault: (error: unknown) => void,
  ) {}

  /** The checkpoint for a commit of so many blocks, over all blocks up to this commit; empty when none is due. */
  make(now: number, blocks: number): Put[] {
    this.#blocks += blocks;
    const isDue = this.#blocks >= LOG_CHECKPOINT_BLOCKS || now - this.#madeAt >= LOG_CHECKPOINT_MS;
    if (!isDue || this.#isUnderWay) return [];
    const puts = this.#puts();
    this.#isUnderWay = puts.length > 0;
    this.#blocks = 0;
    this.#madeAt = now;
    return puts;
  }

  #puts(): Put[] {
    return this.state.checkpoint(this.committer.store.catalog, this.epoch);
  }

  /** The commit of the checkpoint failed for good: the next checkpoint has everything. */
  giveUp(puts: readonly Put[]): void {
    if (puts.length === 0) return;
    this.#isUnderWay = false;
    this.state.touchAll();
  }

  /** The commit of the checkpoint is visible. */
  visible(puts: readonly Put[], commit: number): void {
    if (puts.length > 0) this.#waiting = { puts, commit };
  }

  /** All commits up to that number are on the disk. */
  durable(commit: number): void {
    const waiting = this.#waiting;
    if (waiting === undefined || waiting.commit > commit) return;
    this.#waiting = undefined;
    this.isWriting = true;
    this.committer
      .commitCheckpoint(waiting.puts)
      .catch((error: unknown) => {
        unlessCommitFailed(error);
        this.state.touchAll();
      })
      .then(() => {
        this.isWriting = false;
        this.#isUnderWay = false;
      })
      .catch(this.onFault);
  }

  /** Writes the last checkpoint; all blocks are on the disk already. */
  async finish(): Promise<void> {
    // A waiting checkpoint is older than the puts that are added here.
    const puts = [...(this.#waiting?.puts ?? []), ...this.#puts()];
    try {
      await this.committer.commitCheckpoint(puts);
      await flush(this.committer.store.catalog.root);
    } catch (error) {
      // The checkpoint saves the next start a replay. Without it nothing is lost.
      unlessCommitFailed(error);
    }
  }
}
