/** The staging folder of an import. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { TickwireError } from '../core/errors.js';
import { FolderLock } from '../log/storage/folder-lock.js';
import { importsFolder } from './coordinator.js';

const TRIES = 3;

export interface Staging {
  folder: string;
  remove: () => void;
}

/** Creates a folder for this import; removes the folders of dead imports. */
export function makeStaging(data: string): Staging {
  const above = importsFolder(data);
  mkdirSync(above, { recursive: true });
  for (const name of readdirSync(above)) removeLeft(path.join(above, name));
  const { folder, lock } = lockStaging(above);
  mkdirSync(path.join(folder, 'runs'));
  mkdirSync(path.join(folder, 'segments'));
  return {
    folder,
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
      lock.release();
    },
  };
}

function removeLeft(staging: string): void {
  try {
    const lock = FolderLock.take(staging);
    try {
      rmSync(staging, { recursive: true, force: true });
    } finally {
      lock.release();
    }
  } catch (error) {
    const isHeld = error instanceof TickwireError && error.code === 'data_folder_locked';
    if (!isHeld && existsSync(staging)) throw error;
  }
}

function lockStaging(above: string): { folder: string; lock: FolderLock } {
  for (let tries = 1; ; tries++) {
    const folder = path.join(above, randomUUID());
    try {
      return { folder, lock: FolderLock.take(folder) };
    } catch (error) {
      // Another import may remove the folder in the moment before it is locked.
      if (tries === TRIES) throw error;
    }
  }
}
