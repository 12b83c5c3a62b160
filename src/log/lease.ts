/**
 * What readers hold: a file a reader in `<data folder>/log/readers`, which names its process and the segments
 * that retention is to leave alone. The files of processes that are gone count for nothing, and are removed.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf } from '../errors.js';
import { logFolder } from './catalog.js';
import { type Holder, isAlive, myself, parseHolder, readText } from './holder.js';

interface LeaseFile extends Holder {
  /** Numbers of segments. */
  segments: number[];
}

function readersFolder(dataFolder: string): string {
  return path.join(logFolder(dataFolder), 'readers');
}

let leases = 0;

export class Lease {
  readonly #file: string;

  private constructor(folder: string) {
    // The thread's own count and a random part: threads of a process share its folder.
    const name = `${process.pid}-${++leases}-${Math.random().toString(36).slice(2)}.json`;
    this.#file = path.join(folder, name);
  }

  /** Holds segments by their numbers; undefined where this user may not write to the data folder. */
  static take(dataFolder: string, segments: number[]): Lease | undefined {
    const folder = readersFolder(dataFolder);
    try {
      mkdirSync(folder, { recursive: true });
      const lease = new Lease(folder);
      lease.hold(segments);
      return lease;
    } catch (error) {
      if (['EACCES', 'EPERM', 'EROFS'].includes(codeOf(error) ?? '')) return undefined;
      throw error;
    }
  }

  /** Holds these, and no others. */
  hold(segments: number[]): void {
    const text = JSON.stringify({ ...myself(), segments } satisfies LeaseFile);
    writeFileSync(`${this.#file}.new`, text);
    renameSync(`${this.#file}.new`, this.#file);
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }
}

/** The segments that living processes hold: number → pid. */
export function heldSegments(dataFolder: string): Map<number, number> {
  const held = new Map<number, number>();
  const folder = readersFolder(dataFolder);
  for (const name of namesIn(folder)) {
    const file = path.join(folder, name);
    const lease = parseHolder(readText(file)) as LeaseFile | undefined;
    if (lease === undefined || !isAlive(lease)) {
      // Half written ones are told by their name: their process may be about to rename them.
      if (!name.endsWith('.new')) rmSync(file, { force: true });
      continue;
    }
    for (const number of lease.segments) held.set(number, lease.pid);
  }
  return held;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}
