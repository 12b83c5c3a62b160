/**
 * Whether the log may write: the free space of its disk, and what is said of a commit that failed. The disk is
 * looked at again before half the floor is spent; where there is no floor, `disk-reserve.ts` meets the end of the disk.
 */
import { statfsSync } from 'node:fs';
import { messageOf } from '../../core/errors.js';
import { NoRoom } from './disk-reserve.js';

const CHECK_MS = 1_000;
const MEBIBYTE = 1024 * 1024;

export class FreeSpace {
  #checkedAt = Number.NEGATIVE_INFINITY;
  #trouble = '';
  #spentBytes = 0;

  constructor(
    readonly folder: string,
    readonly floorBytes: number,
  ) {}

  /** Counts what was handed to lmdb since the last look. */
  spend(bytes: number): void {
    this.#spentBytes += bytes;
  }

  /** What is wrong, as a sentence, or nothing; looks at the disk about once a second. */
  trouble(nowMs: number): string {
    if (nowMs - this.#checkedAt < CHECK_MS && this.#spentBytes < this.floorBytes / 2) return this.#trouble;
    this.#checkedAt = nowMs;
    this.#spentBytes = 0;
    const { bavail, bsize } = statfsSync(this.folder);
    const free = bavail * bsize;
    this.#trouble =
      free >= this.floorBytes
        ? ''
        : `The disk of ${this.folder} has ${Math.floor(free / MEBIBYTE)} MiB left, less than the ` +
          `${Math.ceil(this.floorBytes / MEBIBYTE)} MiB that the log leaves free.`;
    return this.#trouble;
  }
}

/** Whether a rejected put says that its whole transaction failed, rather than that it was wrong itself. */
export function isCommitFailure(error: unknown): boolean {
  return error instanceof NoRoom || (error as { commitError?: unknown }).commitError !== undefined;
}

/** Passes over a commit that failed, and throws everything else again. */
export function unlessCommitFailed(error: unknown): void {
  if (!isCommitFailure(error)) throw error;
}

/** The cause of a failed commit: lmdb rejects each put alike and tells why beside it, a moment later. */
export async function commitTrouble(error: unknown): Promise<string> {
  const cause = (error as { commitError?: Promise<unknown> }).commitError;
  if (cause === undefined) return messageOf(error);
  const told = cause.then(
    () => messageOf(error),
    (reason: unknown) => messageOf(reason),
  );
  const patience = new Promise<string>((resolve) => setTimeout(() => resolve(messageOf(error)), CHECK_MS));
  return Promise.race([told, patience]);
}
