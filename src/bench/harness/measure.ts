/** What the scenarios measure processes by. */

import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Anonymous and whole resident memory of this process, in bytes. */
export function memoryBytes(): { rssAnon: number; rss: number; rssShmem: number } {
  const status = readFileSync('/proc/self/status', 'utf8');
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { rssAnon: field('RssAnon'), rss: field('VmRSS'), rssShmem: field('RssShmem') };
}

/** CPU time of this process since `since`, all threads, in nanoseconds. */
export function cpuNs(since?: NodeJS.CpuUsage): number {
  const usage = process.cpuUsage(since);
  return (usage.user + usage.system) * 1000;
}

/** Clock ticks of /proc/stat per second, as Linux has them on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/**
 * CPU time of the whole machine since it started, in nanoseconds: what processes used, and what its host
 * withheld; not what the kernel spent on interrupts, which belongs to no process.
 */
export function machineCpuNs(): number {
  const [, user, nice, system, , , , , steal] = readFileSync('/proc/stat', 'utf8')
    .split(/\s+/, 9)
    .map(Number);
  return ((user + nice + system + steal) / TICKS_PER_SECOND) * 1e9;
}

/** The machine that figures come from; they mean nothing without it. */
export function machine(): { cpu: string; cores: number; node: string } {
  const all = cpus();
  return { cpu: all[0]?.model ?? 'unknown', cores: all.length, node: process.version };
}

/** A figure over several runs. */
export interface Spread {
  median: number;
  min: number;
  max: number;
  /** In the order in which they were run. */
  runs: number[];
}

export function spread(runs: number[]): Spread {
  return { median: median(runs), min: Math.min(...runs), max: Math.max(...runs), runs };
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const mid = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[mid] : (sorted[mid - 1] + sorted[mid]) / 2;
}

/**
 * Waits until `holds`, looking every few milliseconds.
 * @returns false when it did not within `timeoutMs`
 */
export async function until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > end) return false;
    await sleep(2);
  }
  return true;
}
