/**
 * Imports in the catalog. An import is a closed epoch of its own, named by the hash of its content, with a segment for each
 * UTC day of tsEvent. Its epoch number comes from its hash, in a range apart from the epochs of engines. So an import is
 * built before it is listed, and engine epochs stay consecutive.
 */
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { TickwireError } from '../../core/errors.js';
import { widenTimes } from '../format/block-summary.js';
import { isSpaceShort } from '../lmdb/disk-reserve.js';
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
 * Moves staged segments to the other segments and lists them with their epoch, all or none. The registry's bytes that they
 * need must be in the catalog already.
 * @param staging the folder with the segments
 * @throws TickwireError unsupported when the import exists already, or an import with the left-out ticks is gone;
 * data_folder_unusable when the disk is nearly full; data_folder_locked when an import to replace is being read
 */
export async function adoptImport(store: LogStore, staging: string, staged: StagedImport): Promise<void> {
  const { catalog, dataFolder } = store;
  const { record } = staged;
  // When space is short, only one writer of the catalog may reserve space; beside the log stage this is a second one.
  if (isSpaceShort(logFolder(dataFolder), [])) {
    throw new TickwireError(
      'data_folder_unusable',
      `The disk of ${dataFolder} is nearly full: nothing was imported. Free some space, then import again.`,
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
    listedFolder: freshFolderName(dataFolder, `${segment.folder}.i${record.hash.slice(0, 12)}`),
  }));
  // Until the segments are listed, their folders count as doomed: the next start removes them if this process dies now.
  const doomed = named.map(({ listedFolder }) => listedFolder);
  await commitPuts(catalog.root, segmentPuts(catalog, [], [], doomed));
  await flush(catalog.root);
  mkdirSync(segmentsFolder(dataFolder), { recursive: true });
  for (const { folder, listedFolder } of named) {
    renameSync(path.join(staging, folder), path.join(segmentsFolder(dataFolder), listedFolder));
  }
  const first = store.segments().reduce((max, { number }) => Math.max(max, number), IMPORTS_FROM) + 1;
  const segments = named.map(
    ({ listedFolder, startsAt, range }, i): SegmentRecord => ({
      number: first + i,
      folder: listedFolder,
      startsAt,
      closedAt: record.importedAt,
      ranges: [range],
      bytes: bytesOfSegment(dataFolder, listedFolder),
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

function freshFolderName(dataFolder: string, base: string): string {
  const taken = existsSync(segmentsFolder(dataFolder))
    ? new Set(readdirSync(segmentsFolder(dataFolder)))
    : new Set();
  let name = base;
  for (let n = 2; taken.has(name); n++) name = `${base}.${n}`;
  return name;
}
