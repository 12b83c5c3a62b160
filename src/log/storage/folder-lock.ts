/**
 * One engine a data folder. Its lock is the kernel's, on `engine.lock`; what stands in that file is for people only.
 * The log's own file is locked besides: whoever removes or replaces `engine.lock` does not let a second engine in.
 */
import { closeSync, constants, existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { codeOf, messageOf, TickwireError } from '../../core/errors.js';
import { isAt, openLocked, writeText } from '../lmdb/file-lock.js';
import { describe, myself, parseHolder, readText } from './lock-holder.js';

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
   * Makes the folder where it is missing, and takes its lock.
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
      if (fd === undefined) throw this.#refusal(describe(parseHolder(readText(this.#file))));
      // Whoever had it may have removed it just before it let go.
      if (isAt(fd, this.#file)) {
        this.#lock = fd;
        tellHolder(fd);
        return;
      }
      closeSync(fd);
    }
    throw this.#refusal('several processes in turn');
  }

  /**
   * Locks the log's file too. To be called again once the log was made.
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
    // The log's lock goes first: whoever gets `engine.lock` afterwards must not find the log locked.
    if (this.#logLock !== undefined) closeSync(this.#logLock);
    if (this.#lock !== undefined) {
      if (isAt(this.#lock, this.#file)) rmSync(this.#file, { force: true });
      closeSync(this.#lock);
    }
    this.#lock = undefined;
    this.#logLock = undefined;
  }
}

/** Where the disk is full the file stays empty: the lock holds all the same. */
function tellHolder(fd: number): void {
  try {
    writeText(fd, JSON.stringify(myself()));
  } catch (error) {
    if (!['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '')) throw error;
  }
}

/**
 * Makes a folder and those above it. (mkdir's own `recursive` never returns where a file system refuses folders, and
 * gives ENOENT on one that may only be read.)
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
