/**
 * Builds a new catalog for a log whose own catalog cannot be read, from the segments' files. The new catalog has a folder of
 * its own; the log is only read.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { codeOf, messageOf, TickwireError } from '../../core/errors.js';
import { commitPuts, type Put } from '../lmdb/transaction.js';
import {
  type Catalog,
  type EpochRecord,
  epochPut,
  identityPuts,
  newLogId,
  openCatalog,
  readCheckpoint,
  readEpochs,
  readLogId,
  segmentPuts,
} from '../storage/catalog.js';
import { readImports } from '../storage/imports.js';
import { LogStore, openStore } from '../storage/log-store.js';
import { blocksFound } from '../storage/salvage.js';
import type { SegmentRange } from '../storage/segment-record.js';
import { bytesOfSegment, IMPORTS_FROM, segmentPath, segmentsFolder } from '../storage/segments.js';

export interface StoreToRecover {
  store: LogStore;
  /** What could not be read of the catalog, in sentences. */
  troubles: string[];
  close(): Promise<void>;
}

/**
 * Opens a log for a recovery, with a new catalog if its own is damaged.
 * @throws TickwireError log_missing, unsupported, data_folder_unusable
 */
export async function openToRecover(dataFolder: string): Promise<StoreToRecover> {
  let store: LogStore | undefined;
  try {
    store = openStore(dataFolder, { readOnly: true });
    readLogId(store.catalog);
    readEpochs(store.catalog);
    readImports(store.catalog);
    readCheckpoint(store.catalog);
    const open = store;
    return { store: open, troubles: [], close: () => open.close() };
  } catch (error) {
    await store?.close();
    const isDamaged = ['log_corrupt', 'data_folder_unusable', 'log_missing'].includes(codeOf(error) ?? '');
    if (!isDamaged || !existsSync(segmentsFolder(dataFolder))) throw error;
    return await withoutCatalog(dataFolder, messageOf(error));
  }
}

async function withoutCatalog(dataFolder: string, why: string): Promise<StoreToRecover> {
  const scratch = mkdtempSync(path.join(tmpdir(), 'ticks-recover-'));
  const fresh = openCatalog(scratch);
  try {
    const kept = await keepRest(dataFolder, fresh);
    const segments = segmentsFound(dataFolder);
    if (segments.length === 0) {
      throw new TickwireError(
        'log_corrupt',
        `${why} No segment of ${dataFolder} has a block that can be read.`,
      );
    }
    const imports = segments.filter(({ ranges }) => ranges[0].epoch >= IMPORTS_FROM);
    const numbered = segments.map(({ folder, startsAt }, i) => {
      const isImport = imports.some((segment) => segment.folder === folder);
      return { number: isImport ? IMPORTS_FROM + 1 + i : i + 1, folder, startsAt, closedAt: startsAt };
    });
    await commitPuts(fresh.root, [
      ...identityPuts(fresh, kept.logId ?? newLogId()),
      ...segmentPuts(fresh, numbered),
      ...epochsOf(segments).map((epoch) => epochPut(fresh, epoch)),
    ]);
    const store = new LogStore(dataFolder, fresh);
    const lost = [
      kept.logId === undefined ? 'cursors (the log has a new id)' : '',
      kept.hasRegistry ? '' : 'names of symbols',
      'which imports there were (they may be imported again)',
      'what retention has removed',
    ];
    const told = `The catalog cannot be read (${why}) Segments and epochs are told by their files; lost are ${lost.filter((text) => text !== '').join(', ')}.`;
    const close = async (): Promise<void> => {
      await store.close();
      rmSync(scratch, { recursive: true, force: true });
    };
    return { store, troubles: [told], close };
  } catch (error) {
    await fresh.root.close();
    rmSync(scratch, { recursive: true, force: true });
    throw error;
  }
}

/** Takes over what the old catalog still tells beside its records; what it tells of symbols is checked when it is used. */
async function keepRest(
  dataFolder: string,
  fresh: Catalog,
): Promise<{ logId: string | undefined; hasRegistry: boolean }> {
  let old: Catalog;
  try {
    old = openCatalog(dataFolder, { readOnly: true });
  } catch {
    return { logId: undefined, hasRegistry: false };
  }
  const puts: Put[] = [];
  const trying = <Value>(read: () => Value): Value | undefined => {
    try {
      return read();
    } catch (error) {
      // A damaged record; what else is wrong ends the recovery.
      if (codeOf(error) !== 'log_corrupt') throw error;
      return undefined;
    }
  };
  try {
    for (const { key, value } of old.registry.getRange({ start: 0 })) {
      puts.push({ database: fresh.registry, key, value: Buffer.from(value), isNew: true });
    }
    await commitPuts(fresh.root, puts);
    const logId = trying(() => readLogId(old));
    return { logId: logId === '' ? undefined : logId, hasRegistry: puts.length > 0 };
  } finally {
    await old.root.close();
  }
}

interface FoundSegment {
  folder: string;
  /** UNIX milliseconds. */
  startsAt: number;
  ranges: SegmentRange[];
}

/** The segments with blocks in the order of their epochs and seqs; of several with the same, the smallest. */
function segmentsFound(dataFolder: string): FoundSegment[] {
  const byContent = new Map<string, FoundSegment>();
  for (const folder of readdirSync(segmentsFolder(dataFolder)).sort()) {
    const place = segmentPath(dataFolder, folder);
    if (!existsSync(path.join(place, 'data.mdb'))) continue;
    const ranges = rangesFound(place);
    if (ranges.length === 0) continue;
    const content = JSON.stringify(ranges);
    const known = byContent.get(content);
    const isSmaller = (other: FoundSegment) =>
      bytesOfSegment(dataFolder, folder) < bytesOfSegment(dataFolder, other.folder);
    // What recompression was about to replace, or had replaced, holds the same.
    if (known !== undefined && !isSmaller(known)) continue;
    byContent.set(content, { folder, startsAt: Math.floor(statSync(place).mtimeMs), ranges });
  }
  return [...byContent.values()].sort((a, b) => {
    const [x, y] = [a.ranges[0], b.ranges[0]];
    return x.epoch - y.epoch || x.first - y.first;
  });
}

function rangesFound(folder: string): SegmentRange[] {
  const ranges = new Map<string, SegmentRange>();
  for (const { header } of blocksFound(folder)) {
    const { epoch, shard, firstSeq, lastSeq } = header;
    const name = `${epoch}/${shard}`;
    const known = ranges.get(name) ?? { epoch, shard, first: firstSeq, last: lastSeq };
    const [first, last] = [Math.min(known.first, firstSeq), Math.max(known.last, lastSeq)];
    ranges.set(name, { epoch, shard, first, last });
  }
  return [...ranges.values()].sort((a, b) => a.epoch - b.epoch || a.shard - b.shard);
}

/** The epochs that blocks tell of; all of them are over. */
function epochsOf(segments: readonly FoundSegment[]): EpochRecord[] {
  const epochs = new Map<number, EpochRecord>();
  for (const { startsAt, ranges } of segments) {
    for (const { epoch, shard, last } of ranges) {
      const isImport = epoch >= IMPORTS_FROM;
      const record = epochs.get(epoch) ?? {
        epoch,
        startedAt: startsAt,
        shards: 0,
        last: [],
        ...(isImport ? { import: `recovered-${epoch}` } : {}),
      };
      record.shards = Math.max(record.shards, shard + 1);
      while (record.last!.length < record.shards) record.last!.push(0);
      record.last![shard] = Math.max(record.last![shard], last);
      epochs.set(epoch, record);
    }
  }
  return [...epochs.values()];
}
