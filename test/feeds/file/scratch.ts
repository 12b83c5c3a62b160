/** Small files for the tests of readers: written to a folder that tap removes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  openTickFile,
  type TickBatch,
  type TickFile,
  type TickFileOptions,
} from '../../../src/feeds/file/index.js';

export const EXPORT_HEADER = '<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>';

export function write(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** An export with `rows` quotes, one a second from 2024-06-19 06:00:00, the bid rising by a point. */
export function exportOf(rows: number): string {
  const lines = [EXPORT_HEADER];
  for (let i = 0; i < rows; i++) {
    const time = new Date(1_718_776_800_000 + i * 1000).toISOString().slice(11, 23);
    lines.push(`2024.06.19\t${time}\t${(1.1 + i / 1e5).toFixed(5)}\t1.50000\t\t\t6`);
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** One entry as an object, for comparisons. */
export interface Entry {
  raw: string;
  kind: number;
  flags: number;
  ms: number;
  bid: number;
  ask: number;
  price: number;
  size: number;
}

export function entryOf(file: TickFile, batch: TickBatch, i: number): Entry {
  return {
    raw: file.symbols[batch.symbol[i]]?.raw ?? '',
    kind: batch.kind[i],
    flags: batch.flags[i],
    ms: batch.eventS[i] * 1000 + batch.eventNs[i] / 1e6,
    bid: batch.bid[i],
    ask: batch.ask[i],
    price: batch.price[i],
    size: batch.size[i],
  };
}

export interface ReadBack {
  entries: Entry[];
  digits: number[];
  badRecords: number;
  warnings: string[];
}

/** Reads a whole file. */
export async function readAll(path: string, options: TickFileOptions = {}): Promise<ReadBack> {
  const warnings: string[] = [];
  const file = await openTickFile(path, { ...options, warn: (_, message) => warnings.push(message) });
  const entries: Entry[] = [];
  for await (const batch of file.batches) {
    for (let i = 0; i < batch.length; i++) entries.push(entryOf(file, batch, i));
  }
  return { entries, digits: file.symbols.map((s) => s.digits), badRecords: file.badRecords, warnings };
}
