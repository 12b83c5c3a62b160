/** Recompresses all closed segments now, under the folder's lock. An engine does the same in the background. */
import { rmSync } from 'node:fs';
import type { Compression } from '../format/compress.js';
import { commitPuts, flush } from '../lmdb/transaction.js';
import { segmentPuts } from '../storage/catalog.js';
import { FolderLock } from '../storage/folder-lock.js';
import { type LogStore, openStore } from '../storage/log-store.js';
import type { SegmentRecord } from '../storage/segment-record.js';
import { nextFolder, segmentPath } from '../storage/segments.js';
import recompressSegment, { isDue, Stopped, swapPuts } from './recompress.js';

export interface Compacted {
  folder: string;
  bytesBefore: number;
  bytes: number;
}

/**
 * @param turn asked before each segment and within it, with how many are left; true: stop
 * @throws TickwireError data_folder_locked while an engine runs; Error when a segment does not read back as it was
 */
export async function compactLog(
  dataFolder: string,
  compression: Compression,
  turn: (left: number) => boolean,
): Promise<Compacted[]> {
  const lock = FolderLock.take(dataFolder);
  try {
    const store = openStore(dataFolder, { sync: 'every-commit', isAlone: true });
    try {
      const due = store.segments().filter((r) => isDue(r, compression));
      const done: Compacted[] = [];
      for (const [i, record] of due.entries()) {
        if (turn(due.length - i)) break;
        const compacted = await rewrite(store, record, compression, () => turn(due.length - i));
        if (compacted === undefined) break;
        done.push(compacted);
      }
      return done;
    } finally {
      await store.close();
    }
  } finally {
    lock.release();
  }
}

/** Undefined when it was stopped: then the segment is as it was. */
async function rewrite(
  store: LogStore,
  record: SegmentRecord,
  compression: Compression,
  isStopped: () => boolean,
): Promise<Compacted | undefined> {
  const { catalog, dataFolder } = store;
  const folder = nextFolder(dataFolder, record.folder);
  // Until the segment is listed, its folder counts as doomed: the next start removes it if this process dies now.
  await commitPuts(catalog.root, segmentPuts(catalog, [], [], [folder]));
  const job = { dataFolder, number: record.number, folder, compression, share: 1 };
  const made = await recompressSegment(job, isStopped).catch((error: unknown) => {
    rmSync(segmentPath(dataFolder, folder), { recursive: true, force: true });
    if (error instanceof Stopped) return undefined;
    throw error;
  });
  if (made === undefined) return undefined;
  await commitPuts(catalog.root, swapPuts(catalog, record, made));
  await flush(catalog.root);
  store.refresh();
  rmSync(segmentPath(dataFolder, record.folder), { recursive: true, force: true });
  return { folder, bytesBefore: record.bytes ?? 0, bytes: made.bytes };
}
