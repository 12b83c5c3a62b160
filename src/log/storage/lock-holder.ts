/** Who holds a file of the data folder, for messages only: what holds is the lock on it. */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface Holder {
  pid: number;
  host: string;
  /** Of process numbers, as the system names it: those of two containers may be the same. */
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

function spaceOfNumbers(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** This process. */
export function myself(): Holder {
  return { pid: process.pid, host: hostname(), space: spaceOfNumbers() };
}

/** What a file says of its holder; undefined for anything else. */
export function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder;
    const isOne =
      Number.isInteger(holder.pid) && typeof holder.host === 'string' && typeof holder.space === 'string';
    return isOne ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** A holder in a sentence. */
export function describe(holder: Holder | undefined): string {
  if (holder === undefined) return 'another process';
  const { host, space } = myself();
  if (holder.host === host && holder.space === space) return `process ${holder.pid}`;
  return `process ${holder.pid} of another container or host (${holder.host})`;
}
