/** Divides files among jobs: a job has a fixed cost, and so has a file. */
import { availableParallelism } from 'node:os';
import type { FileToRead } from './read.js';

/** The most files that one job identifies or reads. */
const FILES_TOGETHER = 256;
/** About so many bytes of files are read by one job, unless one file has more. */
const BYTES_TOGETHER = 4 * 1024 * 1024;
/** Large imports have at least so many parts for each thread. */
const PARTS = 4;
const BYTES_APART = 64 * 1024;

/** Lists of files, one for each identifying job. */
export function lotsOf(paths: readonly string[]): string[][] {
  const lots = Math.ceil(paths.length / FILES_TOGETHER);
  return Array.from({ length: lots }, (_, n) => paths.slice(n * FILES_TOGETHER, (n + 1) * FILES_TOGETHER));
}

/** The files in their order, in parts that are large enough for a job each. */
export function partsOf(files: readonly (FileToRead & { bytes: number })[]): FileToRead[][] {
  const all = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const share = all / (PARTS * availableParallelism());
  const most = Math.min(BYTES_TOGETHER, Math.max(BYTES_APART, share));
  const parts: FileToRead[][] = [];
  let room = 0;
  for (const { path: file, identity, bytes } of files) {
    if (room < bytes || parts[parts.length - 1].length === FILES_TOGETHER) {
      parts.push([]);
      room = most;
    }
    parts[parts.length - 1].push({ path: file, identity });
    room -= bytes;
  }
  return parts;
}
