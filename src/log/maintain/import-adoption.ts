/** Puts an import that was built beside the log into it: its segments are moved to the others, then listed. */
import { mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';
import { TickwireError } from '../../core/errors.js';
import { isSpaceShort } from '../lmdb/disk-reserve.js';
import { commitPuts, flush } from '../lmdb/transaction.js';
import { type EpochRecord, epochPut, logFolder, readEpochs, segmentPuts } from '../storage/catalog.js';
import { type ImportRecord, importPut, isGone, readImports } from '../storage/imports.js';
import type { LogStore } from '../storage/log-store.js';
import type { SegmentRange, SegmentRecord } from '../storage/segment-record.js';
import { bytesOfSegment, IMPORTS_FROM, nextFolder, segmentsFolder } from '../storage/segments.js';
import { removalOf } from './import-removal.js';

/** Segments that were built in a staging folder. */
export interface StagedImport {
  record: ImportRecord;
  segments: { folder: string; startsAt: number; range: SegmentRange }[];
  /** Epochs of imports that are removed when this one is listed. */
  replaces: number[];
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
  if (isSpaceShort(logFolder(dataFolder), [])) {
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
    place: nextFolder(dataFolder, `${segment.folder}.i${record.hash.slice(0, 12)}`),
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
