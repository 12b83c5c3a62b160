/**
 * What readers hold: a file a reader in `<data folder>/log/readers`, which names the segments that retention is to
 * leave alone. The reader has the kernel's lock on its file. Files without a lock count for nothing, and are removed.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, fchmodSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { codeOf } from '../../core/errors.js';
import { openLocked, tryLock, writeText } from '../lmdb/file-lock.js';
import { logFolder } from './catalog.js';
import { makeFolders } from './folder-lock.js';
import { describe, type Holder, myself, parseHolder, readText } from './lock-holder.js';

interface LeaseFile extends Holder {
  /** Numbers of segments. */
  segments: number[];
}

interface LockedFile {
  file: string;
  fd: number;
}

const TRIES = 5;
/** Who looks for leases may be another user. */
const FILE_MODE = 0o644;
/** What says that this user may not write there. */
const FORBIDDEN = ['EACCES', 'EPERM', 'EROFS'];

function readersFolder(dataFolder: string): string {
  return path.join(logFolder(dataFolder), 'readers');
}

export class Lease {
  private constructor(
    readonly folder: string,
    private held: LockedFile,
  ) {}

  /** Holds segments by their numbers; undefined where this user may not write to the data folder. */
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

  /** Holds these, and no others. The new file is there before the old one goes. */
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

/** A file appears under its name locked and whole. */
function write(folder: string, segments: number[]): LockedFile {
  for (let tries = 1; ; tries++) {
    const file = path.join(folder, `${randomUUID()}.json`);
    const fresh = `${file}.new`;
    // Whoever looks for leases may have it locked for a moment, or have removed it, before it is locked here.
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

/** The segments that living readers hold: number → who, in words. */
export function heldSegments(dataFolder: string): Map<number, string> {
  const held = new Map<number, string>();
  const folder = readersFolder(dataFolder);
  for (const name of namesIn(folder)) {
    const file = path.join(folder, name);
    if (!isHeld(file)) {
      removeLeft(file);
      continue;
    }
    const lease = parseHolder(readText(file)) as LeaseFile | undefined;
    for (const number of lease?.segments ?? []) held.set(number, describe(lease));
  }
  return held;
}

/**
 * Whether somebody has a file locked. A file gets its lock before its name, so without one nobody will take it.
 * A file that this user may not read tells nothing, and is left alone.
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

/** What another user left stays where this one may not remove it. */
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
