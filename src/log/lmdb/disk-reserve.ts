/**
 * Room on the disk for what lmdb is about to write. On a full disk lmdb's own writing must not fail: it then writes
 * its message past the end of a buffer, which may end the process; and a hole in its mapped lock file that cannot
 * be filled ends it for sure. So where space is short, it is taken up beforehand by writes of ours, which may fail.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { codeOf, messageOf } from '../../core/errors.js';
import { LOG_RESERVE_BELOW_BYTES } from '../../core/limits.js';
import { PAGE_HEADER_BYTES, readMetas } from './lmdb-file.js';

const DATA_FILE = 'data.mdb';
const LOCK_FILE = 'lock.mdb';
const SCRATCH_FILE = 'room.tmp';
/** Whole pages of lmdb's lock file with its usual number of readers. */
const LOCK_BYTES = 12_288;
const PAGE_BYTES = 4096;
/** Larger values get pages of their own. */
const INLINE_BYTES_MAX = 2_000;
/** The paths of all trees, and the list of free pages, which lmdb may write anew. */
const PAGES_PER_COMMIT = 128;
const ZEROS = new Uint8Array(256 * 1024);

/** The disk has no room for a commit; nothing of it was written. */
export class NoRoom extends Error {}

/**
 * Bytes by which a commit may make a file grow, at most.
 * @param valueBytes sizes of the values that it puts
 * @param treePages pages of all trees, without those of large values
 */
function commitBytesMax(valueBytes: readonly number[], treePages: number): number {
  let pages = PAGES_PER_COMMIT;
  let inlineBytes = 0;
  for (const bytes of valueBytes) {
    if (bytes <= INLINE_BYTES_MAX) inlineBytes += bytes;
    else pages += Math.ceil((bytes + PAGE_HEADER_BYTES) / PAGE_BYTES);
  }
  // A put changes a page and may split it; but no more pages change than there are, and split pages are half full.
  pages += Math.min(2 * valueBytes.length, treePages + Math.ceil((4 * inlineBytes) / PAGE_BYTES));
  return pages * PAGE_BYTES;
}

/**
 * Whether the disk is so full that a commit must take up its room before lmdb writes it.
 * @param folder of the environment
 */
export function isRoomShort(folder: string, valueBytes: readonly number[]): boolean {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize - commitBytesMax(valueBytes, Number.POSITIVE_INFINITY) < LOG_RESERVE_BELOW_BYTES;
}

/**
 * Takes up room for a commit: fills the file with zeros from its end to where the commit may reach. To be called by
 * an environment's only writer, while no transaction is under way.
 * @param treePages pages of the trees that it goes to
 * @throws NoRoom
 */
export function takeRoom(folder: string, valueBytes: readonly number[], treePages: number): void {
  const bytes = commitBytesMax(valueBytes, treePages);
  const fd = openSync(path.join(folder, DATA_FILE), 'r+');
  try {
    const used = Math.max(
      ...readMetas(fd).map((m) => (m === undefined ? 0 : (m.lastPage + 1) * m.pageBytes)),
    );
    let size = fstatSync(fd).size;
    while (size < used + bytes) {
      size += writeSync(fd, ZEROS, 0, Math.min(ZEROS.length, used + bytes - size), size);
    }
  } catch (error) {
    throw noRoom(folder, bytes, error);
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes a folder ready for lmdb to make an environment in it: lmdb does not survive that it fails for want of room.
 * @throws NoRoom
 */
export function prepareFolder(folder: string): void {
  if (existsSync(path.join(folder, DATA_FILE))) return;
  const scratch = path.join(folder, SCRATCH_FILE);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(scratch, new Uint8Array(PAGES_PER_COMMIT * PAGE_BYTES));
    // lmdb would make it with holes. What stands in it is lmdb's to overwrite.
    writeFileSync(path.join(folder, LOCK_FILE), new Uint8Array(LOCK_BYTES));
  } catch (error) {
    rmSync(path.join(folder, LOCK_FILE), { force: true });
    throw noRoom(folder, PAGES_PER_COMMIT * PAGE_BYTES, error);
  } finally {
    rmSync(scratch, { force: true });
  }
}

function noRoom(folder: string, bytes: number, error: unknown): NoRoom {
  const why = codeOf(error) === 'ENOSPC' ? 'the disk is full' : messageOf(error);
  return new NoRoom(`there is no room for ${Math.ceil(bytes / 1024)} KiB in ${folder}: ${why}`);
}
