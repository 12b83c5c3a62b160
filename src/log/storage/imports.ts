/**
 * Imports in the catalog. An import is a closed epoch of its own, named by the hash of its content, with a segment for each
 * UTC day of tsEvent. Its epoch number comes from its hash, in a range apart from the epochs of engines. So an import is
 * built before it is listed, and engine epochs stay consecutive.
 */
import { widenTimes } from '../format/block-summary.js';
import type { Put } from '../lmdb/transaction.js';
import { type Catalog, type EpochRecord, readEpochs } from './catalog.js';
import type { SegmentRecord } from './segment-record.js';
import { IMPORTS_FROM } from './segments.js';

const IMPORT = 'import';

/** What the catalog keeps of an import beside its epoch. */
export interface ImportRecord {
  epoch: number;
  hash: string;
  /** UNIX milliseconds. */
  importedAt: number;
  /** Identities of its files: none of them is imported twice. */
  files: string[];
  /** Hashes of imports that have some of its files' ticks: those were left out of it. */
  without?: string[];
  ticks: number;
}

/** Whether all of an import was removed: then it may be imported again. */
export function isGone({ last, removed }: EpochRecord): boolean {
  return last !== undefined && (removed?.[0] ?? 0) >= last[0];
}

/** All imports that have ticks left. */
export function readImports(catalog: Catalog): ImportRecord[] {
  const live = new Set(
    readEpochs(catalog)
      .filter((record) => !isGone(record))
      .map(({ epoch }) => epoch),
  );
  const range = { start: [IMPORT, 0] as [string, number], end: [IMPORT, 2 ** 32] as [string, number] };
  return Array.from(catalog.meta.getRange(range), ({ value }) => value as ImportRecord).filter(({ epoch }) =>
    live.has(epoch),
  );
}

/** The times of an import's ticks. */
export interface ImportSpan {
  epoch: number;
  /** Lowest and highest, see `TimeAt`; absent where the catalog does not tell. */
  times?: number[] | undefined;
}

/** Every import that has ticks left, as the list of segments tells without opening one. */
export function importSpans(segments: readonly SegmentRecord[]): ImportSpan[] {
  const spans = new Map<number, ImportSpan>();
  for (const { epoch, times } of segments.flatMap(({ ranges }) => ranges ?? [])) {
    if (epoch < IMPORTS_FROM) continue;
    const known = spans.get(epoch);
    spans.set(epoch, { epoch, times: known === undefined ? times : joined(known.times, times) });
  }
  return [...spans.values()];
}

function joined(a: number[] | undefined, b: number[] | undefined): number[] | undefined {
  if (a === undefined || b === undefined) return undefined;
  const times = Uint32Array.from(a);
  widenTimes(times, 0, Uint32Array.from(b), 0);
  return Array.from(times);
}

export function importPut(catalog: Catalog, record: ImportRecord): Put {
  return { database: catalog.meta, key: [IMPORT, record.epoch], value: record, isNew: false };
}

/** The number of an import's epoch: that of its hash, or the next that no other import has. */
export function epochOfImport(catalog: Catalog, hash: string): number {
  const taken = new Map(readEpochs(catalog).map((record) => [record.epoch, record.import]));
  let epoch = IMPORTS_FROM + (Number.parseInt(hash.slice(0, 8), 16) % IMPORTS_FROM);
  while (taken.has(epoch) && taken.get(epoch) !== hash) {
    epoch = epoch + 1 < 2 * IMPORTS_FROM ? epoch + 1 : IMPORTS_FROM;
  }
  return epoch;
}
