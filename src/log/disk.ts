/** Whether the log may write: the free space of its disk, and what lmdb says of a commit that failed. */
import { statfsSync } from 'node:fs';
import { messageOf } from '../errors.js';

const CHECK_MS = 1_000;
const MEBIBYTE = 1024 * 1024;

export class FreeSpace {
  #checkedAt = Number.NEGATIVE_INFINITY;
  #trouble = '';

  constructor(
    readonly folder: string,
    readonly floorBytes: number,
  ) {}

  /** What is wrong, as a sentence, or nothing; looks at the disk about once a second. */
  trouble(nowMs: number): string {
    if (nowMs - this.#checkedAt < CHECK_MS) return this.#trouble;
    this.#checkedAt = nowMs;
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
  return (error as { commitError?: unknown }).commitError !== undefined;
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
