/**
 * Whether the log may write: checks the free space of its disk, and words the cause of a failed commit. The disk is
 * checked again before half the floor is spent. Without a floor, `disk-reserve.ts` handles the full disk.
 */
import { statfsSync } from 'node:fs';
import { messageOf } from '../../core/errors.js';
import { DiskFull } from './disk-reserve.js';

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

  /** Counts bytes that were handed to lmdb since the last check. */
  spend(bytes: number): void {
    this.#spentBytes += bytes;
  }

  /** The problem, as a sentence, or an empty text. Checks the disk about once a second. */
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

/** Whether a put was rejected because its whole transaction failed, and not because the put itself was wrong. */
export function isCommitFailure(error: unknown): boolean {
  return error instanceof DiskFull || (error as { commitError?: unknown }).commitError !== undefined;
}

/** Ignores a failed commit, and throws every other error again. */
export function unlessCommitFailed(error: unknown): void {
  if (!isCommitFailure(error)) throw error;
}

/** The cause of a failed commit: lmdb rejects every put with the same error, and adds the cause a moment later. */
export async function commitTrouble(error: unknown): Promise<string> {
  const cause = (error as { commitError?: Promise<unknown> }).commitError;
  if (cause === undefined) return messageOf(error);
  const reason = cause.then(
    () => messageOf(error),
    (why: unknown) => messageOf(why),
  );
  const timeout = new Promise<string>((resolve) => setTimeout(() => resolve(messageOf(error)), CHECK_MS));
  return Promise.race([reason, timeout]);
}
