/** Whether the log can write, its messages about a stall, and the shedding of ticks (`onStall: shed`). */
import type { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { LogWord } from '../../pipeline/memory/counters.js';
import { commitTrouble, FreeSpace } from '../lmdb/free-space.js';
import type { LogStageOptions } from './options.js';
import type { ShardTail } from './shard-tail.js';

const RETRY_MS = 1_000;

type StallOptions = Pick<LogStageOptions, 'onStall' | 'freeBytesFloor'>;

export class Stall {
  /** Whether the log must not write now. */
  isOn = false;
  /** Whether the stall was reported. */
  #isReported = false;
  /** Earliest time of the next attempt after a failed commit. */
  #retryAt = 0;
  readonly #space: FreeSpace;

  constructor(
    readonly folder: string,
    readonly options: StallOptions,
    readonly cells: CommitCells,
    readonly report: (level: 'info' | 'error', message: string) => void,
  ) {
    this.#space = new FreeSpace(folder, options.freeBytesFloor);
  }

  /** Counts bytes that are handed to lmdb. */
  spend(bytes: number): void {
    this.#space.spend(bytes);
  }

  /** Checks the disk about once a second; after a failed commit, not before the next attempt. */
  look(now: number): void {
    if (now < this.#retryAt) return;
    const trouble = this.#space.trouble(now);
    this.isOn = trouble !== '';
    if (this.isOn) this.#reportOnce(trouble);
  }

  /** A commit failed, as on a full disk. */
  async begin(error: unknown): Promise<void> {
    const trouble = await commitTrouble(error);
    this.#retryAt = performance.now() + RETRY_MS;
    this.isOn = true;
    this.#reportOnce(`The log in ${this.folder} cannot be written: ${trouble}.`);
  }

  /** A commit succeeded. */
  end(): void {
    if (!this.#isReported) return;
    this.#isReported = false;
    this.#setStalled(0);
    this.report('info', 'The log writes again.');
  }

  /** Reports the stall, once until a commit succeeds. */
  #reportOnce(trouble: string): void {
    if (this.#isReported) return;
    this.#isReported = true;
    this.#setStalled(1);
    const outcome =
      this.options.onStall === 'block'
        ? 'The log stands still, and so do the shards and feeds until there is room.'
        : 'Ticks go on without being logged until there is room; the log will show the gap.';
    this.report('error', `${trouble} ${outcome}`);
  }

  #setStalled(value: number): void {
    this.cells.prime()[LogWord.stalled] = value;
    this.cells.commit();
  }
}

/** Sheds all ticks that are not in the log, so that the shards can continue. No commit may be under way. Returns their number. */
export function leaveBehind(tails: readonly ShardTail[], cells: CommitCells): number {
  let left = 0;
  const next = cells.prime();
  for (const tail of tails) {
    const visible = next[LogWord.visible + tail.shard];
    const count = tail.head() - visible;
    tail.next = visible + count + 1;
    // From the last block in LMDB: the entry of an earlier gap may have failed with its transaction.
    if (tail.next - 1 > tail.logged) tail.gapFirst = tail.logged + 1;
    finishShed(tail, next);
    if (count === 0) continue;
    next[LogWord.visible + tail.shard] = visible + count;
    next[LogWord.shed + tail.shard] += count;
    tail.waitingSince = 0;
    left += count;
  }
  if (left > 0) cells.commit();
  return left;
}

/**
 * Acknowledges shed ticks of a shard to their sources: they will never be logged. This waits until all earlier ticks are
 * durable, because a source gets one number for all of them.
 */
export function finishShed(
  tail: Pick<ShardTail, 'shard' | 'gapFirst' | 'logged' | 'next'>,
  next: Float64Array,
): void {
  if (tail.gapFirst === 0 || next[LogWord.durable + tail.shard] < tail.logged) return;
  next[LogWord.settled + tail.shard] = tail.next - 1;
}
