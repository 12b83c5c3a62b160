/** Damages a file of a log in one of the ways that disks and people do; seeded. */
import { closeSync, openSync, readdirSync, readSync, statSync, truncateSync, writeSync } from 'node:fs';
import path from 'node:path';
import { Random } from '../random.js';

const PAGE_BYTES = 4096;
/** Where a page of lmdb says which transaction it is of. */
const TXN_AT = 8;
const TXN_BYTES = 8;

/** The data files of a log: the catalog's first. */
function files(dataFolder: string): string[] {
  const log = path.join(dataFolder, 'log');
  const segments = path.join(log, 'segments');
  return [
    path.join(log, 'data.mdb'),
    ...readdirSync(segments)
      .sort()
      .map((name) => path.join(segments, name, 'data.mdb')),
  ];
}

function change(file: string, at: number, bytes: number, turn: (byte: number) => number): void {
  const fd = openSync(file, 'r+');
  const buffer = Buffer.alloc(bytes);
  const got = readSync(fd, buffer, 0, bytes, at);
  for (let i = 0; i < got; i++) buffer[i] = turn(buffer[i]);
  writeSync(fd, buffer, 0, got, at);
  closeSync(fd);
}

/** @returns what was done, as text */
export function damage(dataFolder: string, seed: number): string {
  const random = new Random(seed * 2_654_435_761);
  const all = files(dataFolder);
  // The catalog is small beside the segments, and damaged no less here.
  const file = random.chance(3) ? all[0] : random.pick(all);
  const name = path.relative(dataFolder, file);
  const { size } = statSync(file);
  const kind = random.below(8);
  if (kind === 0) {
    const length = random.below(size);
    truncateSync(file, length);
    return `${name} cut to ${length} of ${size}`;
  }
  const page = random.below(Math.ceil(size / PAGE_BYTES));
  if (kind === 1) {
    change(file, page * PAGE_BYTES, PAGE_BYTES, () => 0);
    return `${name}: page ${page} zeroed`;
  }
  // Metas, and the beginnings of pages, are where it hurts; above all which transaction a page is of.
  const start = kind === 2 ? random.below(2) * PAGE_BYTES : page * PAGE_BYTES;
  const within = kind === 3 ? TXN_AT + random.below(TXN_BYTES) : random.below(kind < 5 ? 200 : PAGE_BYTES);
  const at = start + within;
  const bit = 1 << random.below(8);
  change(file, at, 1, (byte) => byte ^ bit);
  return `${name}: bit ${bit} of byte ${at} turned`;
}
