/**
 * Makes a file of lmdb's whole after its process or its machine went down, before lmdb opens it.
 *
 * lmdb tells of a commit before it is flushed, and notes separately how far the file is. When it opens a file
 * for writing it goes back to that note if the machine went down, and otherwise goes on from the newest commit
 * as if it were flushed, leaving the note as old as it is: a power cut would then go back behind commits that
 * the log counts as kept, to pages that were written over since. When it opens a file for reading, or without
 * syncing, it does not look at the note at all, and takes a commit whose pages never reached the disk.
 */
import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import path from 'node:path';
import { bootNumber, newestMeta, readFlushed, writeFlushed, writeMetas } from './lmdb-file.js';

/**
 * For who alone has the environment, none of its threads excepted.
 * @param folder of an environment that is not damaged; one without a file is left alone
 */
export function settle(folder: string): void {
  const file = path.join(folder, 'data.mdb');
  if (!existsSync(file)) return;
  const fd = openSync(file, 'r+');
  try {
    // Whoever wrote it last may have left the flushing to the system.
    fsyncSync(fd);
    const newest = newestMeta(fd);
    if (newest === undefined || !newest.isAhead) return;
    const flushed = readFlushed(fd, newest.pageBytes);
    if (flushed !== undefined && flushed.txn >= newest.txn) return;
    if (newest.boot !== 0n && newest.boot === bootNumber()) writeFlushed(fd, newest);
    else if (flushed !== undefined) writeMetas(fd, flushed);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
