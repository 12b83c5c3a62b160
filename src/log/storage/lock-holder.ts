/** The lock holder of a file in the data folder, by its process id. For messages only: the kernel's lock decides. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface LockHolder {
  pid: number;
  host: string;
  /** The namespace of the process id: processes of two containers may have the same process id. */
  space: string;
}

/** A file's text; empty when it cannot be read. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function processIdNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** This process. */
export function myself(): LockHolder {
  return { pid: process.pid, host: hostname(), space: processIdNamespace() };
}

/** The lock holder that a file names; undefined for any other text. */
export function parseLockHolder(text: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(text) as LockHolder;
    const isOne =
      Number.isInteger(holder.pid) && typeof holder.host === 'string' && typeof holder.space === 'string';
    return isOne ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** A lock holder, as part of a sentence. */
export function describe(holder: LockHolder | undefined): string {
  if (holder === undefined) return 'another process';
  const { host, space } = myself();
  if (holder.host === host && holder.space === space) return `process ${holder.pid}`;
  return `process ${holder.pid} of another container or host (${holder.host})`;
}
