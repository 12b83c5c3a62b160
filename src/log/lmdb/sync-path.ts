import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Flushes a file; of a folder, that its files are there. */
export function syncPath(file: string): void {
  const handle = openSync(file, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
