/**
 * Reserves disk space for the next commit. lmdb must not meet a full disk: it writes its error message past the end of a
 * buffer, which may end the process, and a hole in its mapped lock file that cannot be filled always ends the process.
 * So when space is short, writes of our own take up the space first. These writes may fail safely.
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
/** A larger value is stored in its own pages. */
const INLINE_BYTES_MAX = 2_000;
/** Pages that lmdb may rewrite in every commit: the paths of all trees, and the list of free pages. */
const PAGES_PER_COMMIT = 128;
const ZEROS = new Uint8Array(256 * 1024);

/** The disk has no space for a commit. Nothing of the commit was written. */
export class DiskFull extends Error {}

/**
 * The most bytes by which a commit may make a file grow.
 * @param valueBytes sizes of the values in the commit
 * @param treePages pages of all trees, without those of large values
 */
function commitBytesMax(valueBytes: readonly number[], treePages: number): number {
  let pages = PAGES_PER_COMMIT;
  let inlineBytes = 0;
  for (const bytes of valueBytes) {
    if (bytes <= INLINE_BYTES_MAX) inlineBytes += bytes;
    else pages += Math.ceil((bytes + PAGE_HEADER_BYTES) / PAGE_BYTES);
  }
  // A put changes a page and may split that page. No more pages change than exist, and split pages are half full.
  pages += Math.min(2 * valueBytes.length, treePages + Math.ceil((4 * inlineBytes) / PAGE_BYTES));
  return pages * PAGE_BYTES;
}

/**
 * Whether the disk is so full that a commit must reserve its space before lmdb writes it.
 * @param folder the folder of the environment
 */
export function isSpaceShort(folder: string, valueBytes: readonly number[]): boolean {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize - commitBytesMax(valueBytes, Number.POSITIVE_INFINITY) < LOG_RESERVE_BELOW_BYTES;
}

/**
 * Reserves space for a commit: fills the file with zeros from its end to the highest end of the commit. Only the one
 * writer of an environment may call this, while no transaction is under way.
 * @param treePages pages of the trees that the commit changes
 * @throws DiskFull
 */
export function reserveSpace(folder: string, valueBytes: readonly number[], treePages: number): void {
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
    throw diskFull(folder, bytes, error);
  } finally {
    closeSync(fd);
  }
}

/**
 * Prepares a folder in which lmdb will create an environment: lmdb does not survive a full disk while it creates one.
 * @throws DiskFull
 */
export function prepareFolder(folder: string): void {
  if (existsSync(path.join(folder, DATA_FILE))) return;
  const scratch = path.join(folder, SCRATCH_FILE);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(scratch, new Uint8Array(PAGES_PER_COMMIT * PAGE_BYTES));
    // lmdb would create the lock file with holes. lmdb overwrites its content.
    writeFileSync(path.join(folder, LOCK_FILE), new Uint8Array(LOCK_BYTES));
  } catch (error) {
    rmSync(path.join(folder, LOCK_FILE), { force: true });
    throw diskFull(folder, PAGES_PER_COMMIT * PAGE_BYTES, error);
  } finally {
    rmSync(scratch, { force: true });
  }
}

function diskFull(folder: string, bytes: number, error: unknown): DiskFull {
  const why = codeOf(error) === 'ENOSPC' ? 'the disk is full' : messageOf(error);
  return new DiskFull(`there is no room for ${Math.ceil(bytes / 1024)} KiB in ${folder}: ${why}`);
}
