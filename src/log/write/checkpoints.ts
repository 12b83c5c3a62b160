/** Writes down now and then what the log adds up to: never before all that it covers is on the disk. */
import { LOG_CHECKPOINT_BLOCKS, LOG_CHECKPOINT_MS } from '../../core/limits.js';
import { unlessCommitFailed } from '../lmdb/free-space.js';
import { flush, type Put } from '../lmdb/transaction.js';
import type { Committer } from './committer.js';
import type { LogState } from './log-state.js';

export class Checkpoints {
  /** Whether one is being written. */
  isWriting = false;
  /** Whether one was made that is neither written nor given up. */
  #isUnderWay = false;
  /** The one that waits for a commit to be on the disk. */
  #waiting: { puts: readonly Put[]; commit: number } | undefined;
  #blocks = 0;
  #madeAt = performance.now();

  /** @param onFault told of what a fresh start of the stage may cure */
  constructor(
    readonly state: LogState,
    readonly committer: Committer,
    readonly epoch: number,
    readonly onFault: (error: unknown) => void,
  ) {}

  /** What a commit of so many blocks has to carry: a checkpoint of all that is in it and before, where one is due. */
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

  /** The commit that carried it failed for good: the next one tells it all. */
  giveUp(puts: readonly Put[]): void {
    if (puts.length === 0) return;
    this.#isUnderWay = false;
    this.state.touchAll();
  }

  /** The commit that carried it is visible. */
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

  /** Writes the last one; everything is on the disk. */
  async finish(): Promise<void> {
    // The one that waited, if there is one, knows less than what is added.
    const puts = [...(this.#waiting?.puts ?? []), ...this.#puts()];
    try {
      await this.committer.commitCheckpoint(puts);
      await flush(this.committer.store.catalog.root);
    } catch (error) {
      // It spares the next opening a replay; without it nothing is lost.
      unlessCommitFailed(error);
    }
  }
}
