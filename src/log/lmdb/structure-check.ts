/**
 * Checks LMDB's own structure with plain reads, before lmdb maps a file. A file that was cut off, or is damaged in its trees
 * or its lists of free pages, may make lmdb end the process. Values are not checked here: they have checksums of their own.
 */
import { closeSync, existsSync, fstatSync, openSync } from 'node:fs';
import path from 'node:path';
import { TickwireError } from '../../core/errors.js';
import { LOG_CHECKED_PAGES } from '../../core/limits.js';
import { bootId, METAS, type Meta, newestMeta, readFlushed, readMetas } from './lmdb-file.js';
import { Damage, Walk } from './page-walk.js';

/** The most repeated checks of a file that changes meanwhile. */
const TRIES = 10;

/**
 * Checks an environment's file.
 * @param folder the folder of the environment
 * @param forWriting whether the file will be opened for writing: then all pages of the trees are checked
 * @returns the damage, as half a sentence; undefined for a file without damage, or when there is no file
 */
export function damageOf(folder: string, forWriting: boolean): string | undefined {
  const file = path.join(folder, 'data.mdb');
  if (!existsSync(file)) return undefined;
  const fd = openSync(file, 'r');
  try {
    for (let tries = 0; ; tries++) {
      const { size } = fstatSync(fd);
      // lmdb creates an empty file and then fills it. An empty file that is opened for reading ends the process.
      if (size === 0) return forWriting ? undefined : 'it is empty';
      const meta = newestMeta(fd);
      try {
        check(fd, size, meta, forWriting);
        return undefined;
      } catch (error) {
        if (!(error instanceof Damage)) throw error;
        // A writer may have reused pages that belong to the txn of this check.
        const isStill = meta === undefined || newestMeta(fd)?.txn === meta.txn;
        if (isStill) return error.message;
        if (tries === TRIES) return undefined;
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** The last flushed txn, when the machine went down before the newest txn was flushed; else undefined. */
function flushedBefore(fd: number, newest: Meta): Meta | undefined {
  const flushed = readFlushed(fd, newest.pageBytes);
  const isOfThisBoot = newest.boot !== 0n && newest.boot === bootId();
  if (flushed !== undefined && flushed.txn > newest.txn) {
    throw new Damage(`transaction ${flushed.txn} was flushed, and the newest is ${newest.txn}`);
  }
  if (newest.isAhead && !isOfThisBoot && flushed !== undefined && flushed.txn < newest.txn) return flushed;
  // The metas take turns, if both txns were flushed or are still in memory.
  const [even, odd] = readMetas(fd).map((m) => m!.txn);
  const isInTurn = even % 2 === 0 && (odd % 2 === 1 || odd === 0) && Math.abs(even - odd) <= 1;
  if (!isInTurn && (isOfThisBoot || flushed?.txn === newest.txn)) {
    throw new Damage(`its first two pages are of transactions ${even} and ${odd}`);
  }
  return undefined;
}

/** Checks the txn that lmdb opens: for writing after a machine crash the last flushed one, else the newest. */
function check(fd: number, size: number, newest: Meta | undefined, forWriting: boolean): void {
  if (newest === undefined) throw new Damage('its first two pages are not those of a log');
  const flushed = flushedBefore(fd, newest);
  if (flushed === undefined || forWriting) {
    checkTrees(fd, size, flushed ?? newest, forWriting ? Number.POSITIVE_INFINITY : LOG_CHECKED_PAGES);
    return;
  }
  try {
    checkTrees(fd, size, newest, Number.POSITIVE_INFINITY);
  } catch (error) {
    if (!(error instanceof Damage)) throw error;
    throw new Damage(
      `${error.message}, as the machine went down while it was written. ` +
        'An engine that is started on it goes back to what was flushed',
    );
  }
}

function checkTrees(fd: number, size: number, meta: Meta, pagesMax: number): void {
  const { pageBytes, lastPage } = meta;
  if (!(lastPage >= METAS - 1) || (lastPage + 1) * pageBytes > size) {
    throw new Damage(`it has ${size} bytes of at least ${(lastPage + 1) * pageBytes}: its end is missing`);
  }
  new Walk(fd, meta, pagesMax).all();
}

/**
 * Keeps lmdb away from a file that may end the process.
 * @throws TickwireError log_corrupt
 */
export function assertWhole(folder: string, forWriting: boolean): void {
  const damage = damageOf(folder, forWriting);
  if (damage === undefined) return;
  throw new TickwireError(
    'log_corrupt',
    `The file ${path.join(folder, 'data.mdb')} of the tick log is damaged: ${damage}. ` +
      'Restore it from a copy, or save what can be read with "ticks log recover".',
  );
}
