/**
 * At most one engine uses a data folder. The kernel's lock on `engine.lock` holds this; the text in the file is only for
 * people. The log's own file is locked too: so removing or replacing `engine.lock` does not let a second engine in.
 */
import { closeSync, constants, existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { codeOf, messageOf, TickwireError } from '../../core/errors.js';
import { isAt, openLocked, writeText } from '../lmdb/file-lock.js';
import { describe, myself, parseLockHolder, readText } from './lock-holder.js';

const LOCK_FILE = 'engine.lock';
const LOG_FILE = path.join('log', 'data.mdb');
const TRIES = 5;

export class FolderLock {
  readonly #file: string;
  #lock: number | undefined;
  #logLock: number | undefined;

  private constructor(readonly folder: string) {
    this.#file = path.join(folder, LOCK_FILE);
  }

  /**
   * Creates the folder if it is missing, and takes its lock.
   * @throws TickwireError data_folder_locked, data_folder_unusable, unsupported
   */
  static take(folder: string): FolderLock {
    const lock = new FolderLock(folder);
    try {
      makeFolders(path.resolve(folder));
      lock.#take();
      lock.coverLog();
      return lock;
    } catch (error) {
      lock.release();
      if (error instanceof TickwireError) throw error;
      throw new TickwireError(
        'data_folder_unusable',
        `The data folder ${folder} cannot be written: ${messageOf(error)}. Check the path and its permissions.`,
        { cause: error },
      );
    }
  }

  #take(): void {
    for (let tries = 0; tries < TRIES; tries++) {
      const fd = openLocked(this.#file, constants.O_RDWR | constants.O_CREAT);
      if (fd === undefined) throw this.#refusal(describe(parseLockHolder(readText(this.#file))));
      // The process before may have removed the file just before it released the lock.
      if (isAt(fd, this.#file)) {
        this.#lock = fd;
        writeHolder(fd);
        return;
      }
      closeSync(fd);
    }
    throw this.#refusal('several processes in turn');
  }

  /**
   * Locks the log's file too. The caller must call this again once the log was created.
   * @throws TickwireError data_folder_locked
   */
  coverLog(): void {
    const file = path.join(this.folder, LOG_FILE);
    if (this.#logLock !== undefined || !existsSync(file)) return;
    this.#logLock = openLocked(file, 'r+');
    if (this.#logLock === undefined) throw this.#refusal('another process');
  }

  #refusal(holder: string): TickwireError {
    return new TickwireError(
      'data_folder_locked',
      `The data folder ${this.folder} is in use by ${holder}. Stop it, or give this engine another folder.`,
    );
  }

  release(): void {
    // The log's lock is released first: the next process with `engine.lock` must not find the log locked.
    if (this.#logLock !== undefined) closeSync(this.#logLock);
    if (this.#lock !== undefined) {
      if (isAt(this.#lock, this.#file)) rmSync(this.#file, { force: true });
      closeSync(this.#lock);
    }
    this.#lock = undefined;
    this.#logLock = undefined;
  }
}

/** On a full disk the file stays empty; the lock works without the text. */
function writeHolder(fd: number): void {
  try {
    writeText(fd, JSON.stringify(myself()));
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')) throw error;
  }
}

/**
 * Creates a folder and its parents. (mkdir's own `recursive` never returns when a file system refuses folders, and throws
 * ENOENT on a read-only one.)
 */
export function makeFolders(folder: string): void {
  if (existsSync(folder)) return;
  makeFolders(path.dirname(folder));
  try {
    mkdirSync(folder);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
}
