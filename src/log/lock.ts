/**
 * One engine a data folder. The lock is a file that names the holder's process and when that process
 * started, so that a killed engine's lock is told from a living one's although its pid may be taken again.
 */
import { existsSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf, messageOf, TickwireError } from '../errors.js';
import { isAlive, myself, parseHolder, readText } from './holder.js';

const LOCK_FILE = 'engine.lock';
const TRIES = 5;
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
    writeFileSync(mine, JSON.stringify(myself()));
    for (let tries = 0; tries < TRIES; tries++) {
      if (place(mine, file)) return () => rmSync(file, { force: true });
      const text = readText(file);
      const holder = parseHolder(text);
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
