/**
 * Repairs an LMDB file after its process or its machine went down, before lmdb opens the file.
 *
 * lmdb shows a commit before the commit is flushed, and notes separately which commit was flushed last. It opens a file
 * for writing in one of two ways. After a machine crash it goes back to the flushed commit of the note. Otherwise it
 * continues from the newest commit as if that were flushed, and leaves the note as it is. A later power cut would then
 * go back behind commits that the log counts as kept, to pages that were overwritten meanwhile. When lmdb opens a file
 * for reading or without syncing, it ignores the note. It may then use a commit whose pages never reached the disk.
 */
import { closeSync, existsSync, fsyncSync, openSync } from 'node:fs';
import path from 'node:path';
import { bootId, newestMeta, readFlushed, writeFlushed, writeMetas } from './lmdb-file.js';

/**
 * Repairs the file of an environment. No other process and no other thread may have the environment open.
 * @param folder the folder of an environment that is not damaged; a folder without a file is left unchanged
 */
export function repairAfterCrash(folder: string): void {
  const file = path.join(folder, 'data.mdb');
  if (!existsSync(file)) return;
  const fd = openSync(file, 'r+');
  try {
    // The last writer may have left the flushing to the operating system.
    fsyncSync(fd);
    const newest = newestMeta(fd);
    if (newest === undefined || !newest.isAhead) return;
    const flushed = readFlushed(fd, newest.pageBytes);
    if (flushed !== undefined && flushed.txn >= newest.txn) return;
    if (newest.boot !== 0n && newest.boot === bootId()) writeFlushed(fd, newest);
    else if (flushed !== undefined) writeMetas(fd, flushed);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
