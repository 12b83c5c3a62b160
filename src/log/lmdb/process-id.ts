/**
 * LMDB identifies its readers by their process ids. Processes of two containers may have the same process id, and then
 * the second one cannot read: lmdb blocks its thread for ten seconds and throws an error without a reason.
 */
import { closeSync, existsSync, fstatSync, openSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { codeOf, TickwireError } from '../../core/errors.js';
import { LOCK_AT, tryLock } from './file-lock.js';

const LOCK_FILE = 'lock.mdb';
const DATA_FILE = 'data.mdb';
/** The open handles of this process, on systems that list them. */
const HANDLES = '/proc/self/fd';
/** A byte of the data file for each process id. The threads of one process take turns by locking it. */
const TURNS_AT = LOCK_AT + 1;
const TURN_MS = 10_000;
const LOOK_MS = 1;

/**
 * Opens an environment, in turns with the other threads of this process. Two threads must not check at the same time:
 * one would take lmdb's lock of the other for the lock of another process. The check would also end that lock: when a
 * process closes any handle of a file, the system drops the locks that lmdb has on the file.
 * @param open opens the environment and reads once: lmdb locks the byte of its process id at the first read
 * @throws TickwireError data_folder_locked, and the errors of `open`
 */
export function openInTurn<T>(folder: string, open: () => T): T {
  const turn = takeTurn(folder);
  try {
    if (turn !== undefined) assertOwnProcessId(folder);
    return open();
  } finally {
    if (turn !== undefined) closeSync(turn);
  }
}

/** The handle whose lock is the turn; undefined when no check is possible or needed. */
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
    `Another thread of process ${process.pid}, or a process of another container with this process id, has been opening ` +
      `${folder} for more than ${TURN_MS / 1_000} seconds. End it, or try again.`,
  );
}

/**
 * The thread that has the turn must call this before it opens the environment.
 * @throws TickwireError data_folder_locked when a process of another container with this process id has it open
 */
export function assertOwnProcessId(folder: string): void {
  const file = path.join(folder, LOCK_FILE);
  // Closing a handle of this file would end lmdb's locks of this process. If it is open here, the process id is ours.
  if (!existsSync(file) || isOpenHere(file)) return;
  const fd = openQuietly(file);
  if (fd === undefined) return;
  try {
    // lmdb's lock: a reader locks the byte at its process id.
    if (tryLock(fd, false, process.pid)) return;
  } finally {
    closeSync(fd);
  }
  throw new TickwireError(
    'data_folder_locked',
    `A process of another container with the same process id, ${process.pid}, has ${folder} open. ` +
      "Start this process in that container's process namespace, or under another id: sh -c 'COMMAND; exit $?'.",
  );
}

/** Undefined when this user may not write the file: lmdb reports this itself. */
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
      // The handle that was open to read the list itself.
      if (codeOf(error) === 'EBADF') return false;
      throw error;
    }
  });
}
