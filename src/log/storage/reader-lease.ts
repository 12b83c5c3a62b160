/**
 * Leases of readers: a file for each reader in `<data folder>/log/readers` names the segments that retention must keep. The
 * reader has the kernel's lock on its file. A file without a lock has no effect and is removed.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, fchmodSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { codeOf } from '../../core/errors.js';
import { openLocked, tryLock, writeText } from '../lmdb/file-lock.js';
import { logFolder } from './catalog.js';
import { makeFolders } from './folder-lock.js';
import { describe, type LockHolder, myself, parseLockHolder, readText } from './lock-holder.js';

interface LeaseFile extends LockHolder {
  /** Numbers of segments. */
  segments: number[];
}

interface LockedFile {
  file: string;
  fd: number;
}

const TRIES = 5;
/** Retention may run as another user, who must be able to read a lease. */
const FILE_MODE = 0o644;
/** Error codes of a user who may not write there. */
const FORBIDDEN = ['EACCES', 'EPERM', 'EROFS'];

function readersFolder(dataFolder: string): string {
  return path.join(logFolder(dataFolder), 'readers');
}

export class Lease {
  private constructor(
    readonly folder: string,
    private held: LockedFile,
  ) {}

  /** Takes a lease on segments by number; undefined when this user may not write to the data folder. */
  static take(dataFolder: string, segments: number[]): Lease | undefined {
    const folder = readersFolder(dataFolder);
    try {
      makeFolders(folder);
      return new Lease(folder, write(folder, segments));
    } catch (error) {
      if (FORBIDDEN.includes(codeOf(error) ?? '')) return undefined;
      throw error;
    }
  }

  /** Changes the lease to these segments. The new file exists before the old one is removed. */
  hold(segments: number[]): void {
    const before = this.held;
    this.held = write(this.folder, segments);
    remove(before);
  }

  release(): void {
    remove(this.held);
  }
}

function remove({ file, fd }: LockedFile): void {
  rmSync(file, { force: true });
  closeSync(fd);
}

/** Writes a lease: its file gets its name only when it is complete and locked. */
function write(folder: string, segments: number[]): LockedFile {
  for (let tries = 1; ; tries++) {
    const file = path.join(folder, `${randomUUID()}.json`);
    const fresh = `${file}.new`;
    // Retention may lock the file for a moment, or remove it, before it is locked here.
    const fd = openLocked(fresh, 'wx+');
    try {
      if (fd !== undefined) {
        fchmodSync(fd, FILE_MODE);
        writeText(fd, JSON.stringify({ ...myself(), segments } satisfies LeaseFile));
        renameSync(fresh, file);
        return { file, fd };
      }
    } catch (error) {
      closeSync(fd!);
      if (tries === TRIES || codeOf(error) !== 'ENOENT') throw error;
    }
    if (tries === TRIES) throw new Error(`Others keep removing new files in ${folder}.`);
  }
}

/** The segments with a lease of a live reader: number → reader, as text. */
export function heldSegments(dataFolder: string): Map<number, string> {
  const held = new Map<number, string>();
  const folder = readersFolder(dataFolder);
  for (const name of namesIn(folder)) {
    const file = path.join(folder, name);
    if (!isHeld(file)) {
      removeLeft(file);
      continue;
    }
    const lease = parseLockHolder(readText(file)) as LeaseFile | undefined;
    for (const number of lease?.segments ?? []) held.set(number, describe(lease));
  }
  return held;
}

/**
 * Whether a process has a file locked. A file gets its lock before its name, so a file without a lock is abandoned. A file
 * that this user may not read counts as locked.
 */
function isHeld(file: string): boolean {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (code === 'ENOENT') return false;
    if (FORBIDDEN.includes(code)) return true;
    throw error;
  }
  try {
    return !tryLock(fd, true);
  } finally {
    closeSync(fd);
  }
}

/** Removes an abandoned file, if this user may remove it. */
function removeLeft(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch (error) {
    if (!FORBIDDEN.includes(codeOf(error) ?? '')) throw error;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
