/**
 * Takes imports out of the log: they are listed no more, in one transaction, and their files go afterwards. What
 * dies in between leaves files that the next start of an engine removes.
 */
import { rm } from 'node:fs/promises';
import { TickwireError } from '../errors.js';
import { epochPut, logFolder, readEpoch, segmentPuts } from './catalog.js';
import { commitPuts, flush, type Put } from './commit.js';
import { heldSegments } from './lease.js';
import { isRoomShort } from './room.js';
import { segmentPath } from './segments.js';
import type { LogStore } from './store.js';

export interface Removal {
  /** What takes the imports out of the catalog. */
  puts: Put[];
  /** To be called once that is on the disk. */
  removeFiles(): Promise<void>;
}

/**
 * How imports are taken out. The store is to be fresh.
 * @param epochs of imports
 * @throws TickwireError data_folder_locked where a reader holds a segment of them
 */
export function removalOf(store: LogStore, epochs: readonly number[]): Removal {
  const { catalog, dataFolder } = store;
  const gone = new Set(epochs);
  const records = store.segments().filter((record) => record.ranges?.some(({ epoch }) => gone.has(epoch)));
  const held = heldSegments(dataFolder);
  const read = records.find(({ number }) => held.has(number));
  if (read !== undefined) {
    throw new TickwireError(
      'data_folder_locked',
      `Segment ${read.folder} of the import is read by ${held.get(read.number)}: nothing was changed. Wait for it or stop ` +
        'it, then try again.',
    );
  }
  if (epochs.length === 0) return { puts: [], removeFiles: async () => {} };
  const folders = records.map(({ folder }) => folder);
  const told = epochs
    .map((epoch) => readEpoch(catalog, epoch))
    .filter((record) => record !== undefined)
    .map((record) => epochPut(catalog, { ...record, removed: record.last ?? [] }));
  const numbers = records.map(({ number }) => number);
  return {
    puts: [...segmentPuts(catalog, [], numbers, folders), ...told],
    async removeFiles() {
      for (const folder of folders) {
        await rm(segmentPath(dataFolder, folder), { recursive: true, force: true });
      }
    },
  };
}

/**
 * Takes imports out of the log.
 * @param isAlone whether no other thread or process writes to the catalog
 * @throws TickwireError data_folder_locked as `removalOf`, data_folder_unusable where the disk is nearly full
 */
export async function removeImports(
  store: LogStore,
  epochs: readonly number[],
  isAlone: boolean,
): Promise<void> {
  const { catalog, dataFolder } = store;
  // Where room is short it must be taken up by the catalog's only writer.
  if (!isAlone && isRoomShort(logFolder(dataFolder), [])) {
    throw new TickwireError(
      'data_folder_unusable',
      `The disk of ${dataFolder} is nearly full: nothing was changed. Stop the engine, then try again.`,
    );
  }
  store.refresh();
  const { puts, removeFiles } = removalOf(store, epochs);
  await commitPuts(catalog.root, puts);
  await flush(catalog.root);
  store.refresh();
  await removeFiles();
}
