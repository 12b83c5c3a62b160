/**
 * Imports in the catalog. An import is a closed epoch of its own, named by the hash of its content, with a
 * segment a UTC day of tsEvent. Its epoch is numbered apart from those of engines, by its hash: so it can be
 * built before it is listed, and live epochs go on one after the other.
 */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { TickwireError } from '../../core/errors.js';
import { widenTimes } from '../format/extent.js';
import { isRoomShort } from '../lmdb/disk-reserve.js';
import { commitPuts, flush, type Put } from '../lmdb/transaction.js';
import { removalOf } from '../maintain/import-removal.js';
import { type Catalog, type EpochRecord, epochPut, logFolder, readEpochs, segmentPuts } from './catalog.js';
import type { LogStore } from './log-store.js';
import {
  bytesOfSegment,
  IMPORTS_FROM,
  type SegmentRange,
  type SegmentRecord,
  segmentsFolder,
} from './segments.js';

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

/** Segments that were built in a staging folder. */
export interface StagedImport {
  record: ImportRecord;
  segments: { folder: string; startsAt: number; range: SegmentRange }[];
  /** Epochs of imports that are removed when this one is listed. */
  replaces: number[];
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

/**
 * Moves staged segments to the others and lists them with their epoch, all or none. The registry's bytes that
 * they need are in the catalog by then.
 * @param staging where the segments lie
 * @throws TickwireError unsupported where the import is there already or ticks that it leaves out are there no more,
 * data_folder_unusable where the disk is nearly full, data_folder_locked where one that is to be replaced is being read
 */
export async function adoptImport(store: LogStore, staging: string, staged: StagedImport): Promise<void> {
  const { catalog, dataFolder } = store;
  const { record } = staged;
  // Where room is short it must be taken up by the catalog's only writer; beside the log stage this is a second one.
  if (isRoomShort(logFolder(dataFolder), [])) {
    throw new TickwireError(
      'data_folder_unusable',
      `The disk of ${dataFolder} is nearly full: nothing was imported. Make room, then import again.`,
    );
  }
  store.refresh();
  const removal = removalOf(store, staged.replaces);
  if (readEpochs(catalog).some((known) => known.epoch === record.epoch && !isGone(known))) {
    throw new TickwireError('unsupported', 'The same content was imported meanwhile: nothing was changed.');
  }
  const listed = new Set(readImports(catalog).map(({ hash }) => hash));
  if (record.without?.some((hash) => !listed.has(hash)) === true) {
    throw new TickwireError(
      'unsupported',
      'An import that has some of these ticks was taken out meanwhile: nothing was changed. Import again.',
    );
  }
  const named = staged.segments.map((segment) => ({
    ...segment,
    place: freshPlace(dataFolder, `${segment.folder}.i${record.hash.slice(0, 12)}`),
  }));
  // Until they are listed they are to go: a process that dies now leaves nothing behind.
  const doomed = named.map(({ place }) => place);
  await commitPuts(catalog.root, segmentPuts(catalog, [], [], doomed));
  await flush(catalog.root);
  mkdirSync(segmentsFolder(dataFolder), { recursive: true });
  for (const { folder, place } of named) {
    renameSync(path.join(staging, folder), path.join(segmentsFolder(dataFolder), place));
  }
  const first = store.segments().reduce((max, { number }) => Math.max(max, number), IMPORTS_FROM) + 1;
  const segments = named.map(
    ({ place, startsAt, range }, i): SegmentRecord => ({
      number: first + i,
      folder: place,
      startsAt,
      closedAt: record.importedAt,
      ranges: [range],
      bytes: bytesOfSegment(dataFolder, place),
    }),
  );
  const epoch: EpochRecord = {
    epoch: record.epoch,
    startedAt: record.importedAt,
    shards: 1,
    last: [record.ticks],
    import: record.hash,
  };
  await commitPuts(catalog.root, [
    ...removal.puts,
    ...segmentPuts(catalog, segments),
    epochPut(catalog, epoch),
    importPut(catalog, record),
  ]);
  await flush(catalog.root);
  store.refresh();
  await removal.removeFiles();
}

function freshPlace(dataFolder: string, base: string): string {
  const taken = existsSync(segmentsFolder(dataFolder))
    ? new Set(readdirSync(segmentsFolder(dataFolder)))
    : new Set();
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base}.${n}`;
  return name;
}
