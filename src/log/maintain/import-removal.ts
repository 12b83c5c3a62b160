/**
 * Removes imports from the log: one transaction takes them off the list, then their files are removed. If the process dies
 * in between, the next start of an engine removes the files.
 */
import { rm } from 'node:fs/promises';
import { TickwireError } from '../../core/errors.js';
import { isSpaceShort } from '../lmdb/disk-reserve.js';
import { commitPuts, flush, type Put } from '../lmdb/transaction.js';
import { epochPut, logFolder, readEpoch, segmentPuts } from '../storage/catalog.js';
import type { LogStore } from '../storage/log-store.js';
import { heldSegments } from '../storage/reader-lease.js';
import type { SegmentRecord } from '../storage/segment-record.js';
import { segmentPath } from '../storage/segments.js';

export interface Removal {
  /** What takes the imports out of the catalog. */
  puts: Put[];
  /** What lists them again. */
  back: Put[];
  /** The segments that go. */
  records: SegmentRecord[];
  /** The caller must call this once the removal is on the disk. */
  removeFiles(): Promise<void>;
}

/**
 * The steps that remove imports. The store must be refreshed.
 * @param epochs of imports
 * @throws TickwireError data_folder_locked where a reader holds a segment of them
 */
export function removalOf(store: LogStore, epochs: readonly number[]): Removal {
  const { catalog, dataFolder } = store;
  const gone = new Set(epochs);
  const records = store.segments().filter((record) => record.ranges?.some(({ epoch }) => gone.has(epoch)));
  const refusal = refusalFor(dataFolder, records);
  if (refusal !== undefined) throw refusal;
  if (epochs.length === 0) return { puts: [], back: [], records, removeFiles: async () => {} };
  const folders = records.map(({ folder }) => folder);
  const before = epochs.map((epoch) => readEpoch(catalog, epoch)).filter((record) => record !== undefined);
  const told = before.map((record) => epochPut(catalog, { ...record, removed: record.last ?? [] }));
  const numbers = records.map(({ number }) => number);
  return {
    puts: [...segmentPuts(catalog, [], numbers, folders), ...told],
    back: [...segmentPuts(catalog, records), ...before.map((record) => epochPut(catalog, record))],
    records,
    async removeFiles() {
      for (const folder of folders) {
        await rm(segmentPath(dataFolder, folder), { recursive: true, force: true });
      }
    },
  };
}

/** Why segments cannot go now: a reader holds one of them. */
function refusalFor(dataFolder: string, records: readonly SegmentRecord[]): TickwireError | undefined {
  const held = heldSegments(dataFolder);
  const read = records.find(({ number }) => held.has(number));
  if (read === undefined) return undefined;
  return new TickwireError(
    'data_folder_locked',
    `Segment ${read.folder} of the import is read by ${held.get(read.number)}: nothing was changed. Wait for it or stop ` +
      'it, then try again.',
  );
}

/**
 * Removes imports from the log.
 * @param isAlone whether no other thread or process writes to the catalog
 * @throws TickwireError data_folder_locked as `removalOf`, data_folder_unusable where the disk is nearly full
 */
export async function removeImports(
  store: LogStore,
  epochs: readonly number[],
  isAlone: boolean,
): Promise<void> {
  const { catalog, dataFolder } = store;
  // When space is short, only one writer of the catalog may reserve space.
  if (!isAlone && isSpaceShort(logFolder(dataFolder), [])) {
    throw new TickwireError(
      'data_folder_unusable',
      `The disk of ${dataFolder} is nearly full: nothing was changed. Stop the engine, then try again.`,
    );
  }
  store.refresh();
  const { puts, back, records, removeFiles } = removalOf(store, epochs);
  await commitPuts(catalog.root, puts);
  await flush(catalog.root);
  store.refresh();
  // A reader that took its lease just before saw the segments still listed, and may rely on them.
  const refusal = refusalFor(dataFolder, records);
  if (refusal !== undefined) {
    await commitPuts(catalog.root, back);
    await flush(catalog.root);
    store.refresh();
    throw refusal;
  }
  await removeFiles();
}
