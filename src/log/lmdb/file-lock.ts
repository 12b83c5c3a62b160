/**
 * Locks that the kernel keeps. They belong to an open file, so they work across containers and mounts, and end with the
 * process, however the process ends. (Open file description locks: they survive when another handle of the file closes.)
 */
import { closeSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { codeOf, messageOf, TickwireError } from '../../core/errors.js';

type TryLock = (fd: number, offset: number, length: number, options?: { shared: boolean }) => boolean;

/** The locked byte is behind any content: on some systems nobody else can read a locked byte. */
export const LOCK_AT = 2 ** 40;

let binding: TryLock | undefined;

/** Loads the binding at its first use: code without locks must run where the binary does not load. */
function load(): TryLock {
  try {
    const { tryLock } = createRequire(import.meta.url)('fs-native-extensions') as { tryLock: TryLock };
    return tryLock;
  } catch (error) {
    throw new TickwireError(
      'unsupported',
      `The package fs-native-extensions, which locks files, does not load on this machine (${process.platform} ${process.arch}): ` +
        'use a Linux with glibc, macOS or Windows.',
      { cause: error },
    );
  }
}

/**
 * Locks a byte of an open file; returns false when another open file has locked the byte.
 * @param shared others may take a shared lock too; the file may be open for reading only
 * @throws TickwireError unsupported when the system has no such locks
 */
export function tryLock(fd: number, shared = false, at = LOCK_AT): boolean {
  binding ??= load();
  try {
    return binding(fd, at, 1, { shared });
  } catch (error) {
    if (codeOf(error) === 'EACCES') return false;
    throw new TickwireError(
      'unsupported',
      `The file system has no locks for the data folder (${messageOf(error)}): use a local disk.`,
      { cause: error },
    );
  }
}

/** Whether a path still names an open file: the file may have been removed or replaced. */
export function isAt(fd: number, file: string): boolean {
  const there = statSync(file, { throwIfNoEntry: false });
  const { ino, dev } = fstatSync(fd);
  return there !== undefined && there.ino === ino && there.dev === dev;
}

/**
 * Opens and locks a file; returns undefined while another open file has the lock.
 * @param flags as of `open`
 */
export function openLocked(file: string, flags: number | string): number | undefined {
  const fd = openSync(file, flags, 0o644);
  let isLocked = false;
  try {
    isLocked = tryLock(fd);
  } finally {
    if (!isLocked) closeSync(fd);
  }
  return isLocked ? fd : undefined;
}

/** Writes a file's text in place: a locked file must not be replaced by another one. */
export function writeText(fd: number, text: string): void {
  ftruncateSync(fd, 0);
  writeSync(fd, text, 0);
}
