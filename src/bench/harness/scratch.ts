/** Folders that a scenario makes and removes again, also when a signal ends the process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders = new Set<string>();
let isWatching = false;

/** @param base absent: the system's temporary folder */
export function makeScratch(base = tmpdir()): string {
  const folder = mkdtempSync(join(base, 'tickwire-bench-'));
  if (!isWatching) watch();
  isWatching = true;
  folders.add(folder);
  return folder;
}

/** A signal would end the process without a word to it: it is made an exit. */
function watch(): void {
  process.on('exit', () => folders.forEach(removeScratch));
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}

export function removeScratch(folder: string): void {
  folders.delete(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}
