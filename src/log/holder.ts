/** Who holds a file of the data folder: a process, told from a later one that was given its pid. */
import { readFileSync } from 'node:fs';
import { codeOf } from '../errors.js';

/** Field of `/proc/<pid>/stat` that tells the start, counted after the command's closing bracket. */
const START_FIELD = 19;

export interface Holder {
  pid: number;
  /** Boot and start time of the process; empty where the system does not tell. */
  started: string;
}

/** A file's text; empty when it cannot be read. */
export function readText(file: string): string {
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

export function isAlive(holder: Holder): boolean {
  if (holder.started !== '') return startOf(holder.pid) === holder.started;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

export function parseHolder(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder;
    return Number.isInteger(holder.pid) && typeof holder.started === 'string' ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** This process. */
export function myself(): Holder {
  return { pid: process.pid, started: startOf(process.pid) };
}
