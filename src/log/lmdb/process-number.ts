/**
 * LMDB knows its readers by their process numbers. Processes of two containers may have the same one, and the second
 * of them then cannot read: lmdb tries for ten seconds, with its thread blocked, and gives an error that says nothing.
 */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { codeOf, TickwireError } from '../../core/errors.js';
import { LOCK_AT, tryLock } from './file-lock.js';

const LOCK_FILE = 'lock.mdb';
const DATA_FILE = 'data.mdb';
/** Handles of this process, where the system tells. */
const HANDLES = '/proc/self/fd';
/** A byte of the data file for each process number. Threads of one process take their turns by it. */
const TURNS_AT = LOCK_AT + 1;
const TURN_MS = 10_000;
const LOOK_MS = 1;

/**
 * Opens an environment, in turns with the other threads of this process. Two threads must not meet here. The one that
 * looks would take lmdb's lock of the other one for that of another process. It would also end this lock: when a process
 * closes any handle of a file, the system drops the locks that lmdb has on the file.
 * @param open opens the environment, and reads in it: lmdb takes the lock by its number at the first reading
 * @throws TickwireError data_folder_locked, what `open` throws
 */
export function openAsOwn<T>(folder: string, open: () => T): T {
  const turn = takeTurn(folder);
  try {
    if (turn !== undefined) assertOwnNumber(folder);
    return open();
  } finally {
    if (turn !== undefined) closeSync(turn);
  }
}

/** The handle that has the turn; undefined where there is nothing to look for. */
function takeTurn(folder: string): number | undefined {
  const file = path.join(folder, DATA_FILE);
  if (!existsSync(HANDLES) || !existsSync(file)) return undefined;
  const fd = openQuietly(file);
  if (fd === undefined) return undefined;
  try {
    const until = performance.now() + TURN_MS;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    while (!tryLock(fd, false, TURNS_AT + process.pid)) {
      if (performance.now() > until) throw turnRefused(folder);
      Atomics.wait(pause, 0, 0, LOOK_MS);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function turnRefused(folder: string): TickwireError {
  return new TickwireError(
    'data_folder_locked',
    `Another thread of process ${process.pid}, or a process of another container with this number, has been opening ` +
      `${folder} for more than ${TURN_MS / 1_000} seconds. End it, or try again.`,
  );
}

/**
 * To be called by the thread that has the turn, before it opens the environment.
 * @throws TickwireError data_folder_locked where a process of another container has this one's number in it
 */
export function assertOwnNumber(folder: string): void {
  const file = path.join(folder, LOCK_FILE);
  // Closing a handle of this file would end the locks that lmdb has on it in this process; then the number is ours.
  if (!existsSync(file) || isOpenHere(file)) return;
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
