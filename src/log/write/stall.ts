/** Whether the log can write just now, what is told of it, and how its ticks are left behind where it is to be shed. */
import type { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { LogWord } from '../../pipeline/memory/counters.js';
import { commitTrouble, FreeSpace } from '../lmdb/free-space.js';
import type { ShardTail } from './shard-tail.js';

const RETRY_MS = 1_000;

export interface StallOptions {
  onStall: 'block' | 'shed';
  /** Free bytes of the folder's disk below which nothing is written. */
  freeBytesFloor: number;
}

export class Stall {
  /** Whether nothing is to be written for now. */
  isOn = false;
  /** Whether it was told. */
  #isTold = false;
  /** Earliest time of the next try after a commit that failed. */
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

  /** Counts what is handed to lmdb. */
  spend(bytes: number): void {
    this.#space.spend(bytes);
  }

  /** Looks at the disk about once a second; after a commit that failed, not before the next try. */
  look(now: number): void {
    if (now < this.#retryAt) return;
    const trouble = this.#space.trouble(now);
    this.isOn = trouble !== '';
    if (this.isOn) this.#tell(trouble);
  }

  /** A commit failed for want of room. */
  async begin(error: unknown): Promise<void> {
    const trouble = await commitTrouble(error);
    this.#retryAt = performance.now() + RETRY_MS;
    this.isOn = true;
    this.#tell(`The log in ${this.folder} cannot be written: ${trouble}.`);
  }

  /** A commit succeeded. */
  end(): void {
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#setStalled(0);
    this.report('info', 'The log writes again.');
  }

  /** Says once, until a commit succeeds, that the log stands still. */
  #tell(trouble: string): void {
    if (this.#isTold) return;
    this.#isTold = true;
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

/** Lets the shards pass everything that is not in the log; nothing is under way. Returns how many ticks. */
export function leaveBehind(tails: readonly ShardTail[], cells: CommitCells): number {
  let left = 0;
  const next = cells.prime();
  for (const tail of tails) {
    const visible = next[LogWord.visible + tail.shard];
    const count = tail.head() - visible;
    tail.next = visible + count + 1;
    // From where LMDB ends: an entry of an earlier gap may have failed with its transaction.
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
 * Lets sources forget what was shed of a shard: nothing better becomes of it. Not before the ticks ahead of it are
 * durable, as a source is told of all of them by one number.
 */
export function finishShed(
  tail: Pick<ShardTail, 'shard' | 'gapFirst' | 'logged' | 'next'>,
  next: Float64Array,
): void {
  if (tail.gapFirst === 0 || next[LogWord.durable + tail.shard] < tail.logged) return;
  next[LogWord.settled + tail.shard] = tail.next - 1;
}
