/**
 * LMDB knows its readers by their process numbers. Processes of two containers may have the same one, and the second
 * of them then cannot read: lmdb tries for ten seconds, with its thread blocked, and gives an error that says nothing.
 */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { codeOf, TickwireError } from '../errors.js';
import { tryLock } from './file-lock.js';

const LOCK_FILE = 'lock.mdb';
/** Handles of this process, where the system tells. */
const HANDLES = '/proc/self/fd';

/**
 * To be called before an environment is opened.
 * @throws TickwireError data_folder_locked where a process of another container has this one's number in it
 */
export function assertOwnNumber(folder: string): void {
  const file = path.join(folder, LOCK_FILE);
  // Closing a handle of this file would end the locks that lmdb has on it in this process; then the number is ours.
  if (!existsSync(HANDLES) || !existsSync(file) || isOpenHere(file)) return;
  const fd = openQuietly(file);
  if (fd === undefined) return;
  try {
    // Lmdb's lock: a reader has the byte at its process number.
    if (tryLock(fd, false, process.pid)) return;
  } finally {
    closeSync(fd);
  }
  throw new TickwireError(
    'data_folder_locked',
    `A process of another container has ${folder} open under this one's process number, ${process.pid}. ` +
      "Start this one in that container's process namespace, or under another number: sh -c 'COMMAND; exit $?'.",
  );
}

/** Undefined where this user may not write it: lmdb has its own answer to that. */
function openQuietly(file: string): number | undefined {
  try {
    return openSync(file, 'r+');
  } catch (error) {
    if (['EACCES', 'EPERM', 'EROFS', 'ENOENT'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

function isOpenHere(file: string): boolean {
  const { ino, dev } = statSync(file);
  return readdirSync(HANDLES).some((name) => {
    try {
      const handle = fstatSync(Number(name));
      return handle.ino === ino && handle.dev === dev;
    } catch (error) {
      // The handle by which the list was read.
      if (codeOf(error) === 'EBADF') return false;
      throw error;
    }
  });
}
