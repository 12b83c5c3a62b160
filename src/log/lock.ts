/**
 * One engine a data folder. The lock is a file that names the holder's process and when that process
 * started, so that a killed engine's lock is told from a living one's although its pid may be taken again.
 */
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf, messageOf, TickwireError } from '../errors.js';

const LOCK_FILE = 'engine.lock';
const TRIES = 5;
/** Field of `/proc/<pid>/stat` that tells the start, counted after the command's closing bracket. */
const START_FIELD = 19;

interface Holder {
  pid: number;
  /** Boot and start time of the process; empty where the system does not tell. */
  started: string;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What tells a process from a later one with its pid; empty when there is none or the system does not tell. */
function startOf(pid: number): string {
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields.length <= START_FIELD || fields[0] === 'Z') return '';
  return `${readText('/proc/sys/kernel/random/boot_id').trim()} ${fields[START_FIELD]}`;
}

function isAlive(holder: Holder): boolean {
  if (holder.started !== '') return startOf(holder.pid) === holder.started;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

function parse(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder;
    return Number.isInteger(holder.pid) && typeof holder.started === 'string' ? holder : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes the folder where it is missing, and takes its lock.
 * @returns what lets go of it
 * @throws TickwireError data_folder_locked, data_folder_unusable
 */
export function lockFolder(folder: string): () => void {
  const file = path.join(folder, LOCK_FILE);
  const mine = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    makeFolders(path.resolve(folder));
    writeFileSync(mine, JSON.stringify({ pid: process.pid, started: startOf(process.pid) } satisfies Holder));
    for (let tries = 0; tries < TRIES; tries++) {
      if (place(mine, file)) return () => rmSync(file, { force: true });
      const text = readText(file);
      const holder = parse(text);
      if (holder !== undefined && isAlive(holder)) {
        throw new TickwireError(
          'data_folder_locked',
          `The data folder ${folder} is in use by process ${holder.pid}. Stop it, or give this engine another folder.`,
        );
      }
      setAside(file, text, mine);
    }
    throw new TickwireError(
      'data_folder_locked',
      `Others keep taking the lock of the data folder ${folder}.`,
    );
  } catch (error) {
    if (error instanceof TickwireError) throw error;
    throw new TickwireError(
      'data_folder_unusable',
      `The data folder ${folder} cannot be written: ${messageOf(error)}. Check the path and its permissions.`,
      { cause: error },
    );
  } finally {
    removeQuietly(mine);
  }
}

/** Where the folder itself is at fault, there is nothing to remove, and the first error says more. */
function removeQuietly(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch {
    return;
  }
}

/** Makes a folder and those above it. (mkdir's own `recursive` never returns where a file system refuses folders.) */
function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(path.dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}

/** A link is made whole or not at all, so nobody reads a lock half written. */
function place(mine: string, file: string): boolean {
  try {
    linkSync(mine, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Takes a dead holder's lock away; what another engine placed meanwhile is put back. */
function setAside(file: string, stale: string, mine: string): void {
  const aside = `${mine}.stale`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  if (readText(aside) !== stale) place(aside, file);
  rmSync(aside, { force: true });
}
