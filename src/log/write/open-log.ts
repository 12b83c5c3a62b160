/** The host thread opens the log here, before any stage starts. */
import { messageOf, TickwireError } from '../../core/errors.js';
import { LOG_SEGMENT_MS } from '../../core/limits.js';
import type { SourcePosition } from '../../pipeline/memory/engine-memory.js';
import type { LastValueTable } from '../../pipeline/memory/last-value-table.js';
import { checkBlockAt } from '../format/block.js';
import { BlockCodec } from '../format/block-codec.js';
import { BlockSummaryReader } from '../format/block-summary-reader.js';
import type { Compression } from '../format/compress.js';
import { parseKey } from '../format/keys.js';
import { removePagesFrom, ShardIndexWriter } from '../index/shard-index-writer.js';
import { commitPuts, flush, type Put } from '../lmdb/transaction.js';
import {
  type EpochRecord,
  epochPut,
  identityPuts,
  newLogId,
  readCheckpoint,
  readEpochs,
  readLogId,
  readRegistry,
  type SyncMode,
  segmentPuts,
} from '../storage/catalog.js';
import { FolderLock } from '../storage/folder-lock.js';
import {
  type BlockLocation,
  blockBefore,
  bytesAt,
  type LogStore,
  lastSeqAt,
  openStore,
  rangeOf,
  removedOf,
} from '../storage/log-store.js';
import { segmentName } from '../storage/segment-record.js';
import type { Segment } from '../storage/segments.js';
import { LogState } from './log-state.js';
import { beginSegments } from './segment-roll.js';

export interface OpenLogOptions {
  /** Shards of the epoch that begins. */
  shards: number;
  /** As for the log stage: all threads share the environment that is opened here. */
  sync?: SyncMode;
  /** Milliseconds of a segment. */
  segmentMs?: number;
  /** As for the log stage; default none. */
  compression?: Compression;
  /** The time by which segments are cut, UNIX milliseconds. */
  nowMs?: number;
  /** Gets a sentence for each damaged part that was dropped or skipped. */
  warn?: (message: string) => void;
}

export interface OpenedLog {
  /** The data folder. */
  readonly folder: string;
  /** 16 hex digits. */
  readonly logId: string;
  readonly epoch: number;
  /** The log with its catalog open for writing, for the thread that opened it. */
  readonly store: LogStore;
  readonly registryBytes: Uint8Array;
  readonly positions: SourcePosition[];
  /** Damaged blocks that were dropped from the end of the newest epoch. */
  readonly droppedBlocks: number;
  /** Writes the last values of the log into an empty table; returns the number of symbols. */
  restoreInto(table: LastValueTable): number;
  /** Closes the environment and releases the folder's lock. All stages must have stopped. */
  close(): Promise<void>;
}

/**
 * Opens the log, completes the record of the last epoch, and raises the epoch durably. The result must stay open while the
 * engine runs: it has the folder's lock and the environment that all threads share.
 * @throws TickwireError data_folder_locked, data_folder_unusable, log_corrupt
 */
export async function openLog(dataFolder: string, options: OpenLogOptions): Promise<OpenedLog> {
  const lock = FolderLock.take(dataFolder);
  let store: LogStore | undefined;
  try {
    store = openStore(dataFolder, { sync: options.sync ?? 'every-commit', isAlone: true });
    lock.coverLog();
    return await begin(dataFolder, store, options, lock);
  } catch (error) {
    await store?.close();
    lock.release();
    if (error instanceof TickwireError) throw error;
    throw new TickwireError(
      'data_folder_unusable',
      `The tick log in ${dataFolder} cannot be written: ${messageOf(error)}. Check the disk and its free space.`,
      { cause: error },
    );
  }
}

async function begin(
  folder: string,
  store: LogStore,
  options: OpenLogOptions,
  lock: FolderLock,
): Promise<OpenedLog> {
  const warn = options.warn ?? (() => {});
  const { catalog } = store;
  const logId = readLogId(catalog) || newLogId();
  const puts: Put[] = identityPuts(catalog, logId);
  const epochs = readEpochs(catalog);
  const newest = epochs.findLast((e) => e.import === undefined);
  const epoch = (newest?.epoch ?? 0) + 1;
  const sync = options.sync ?? 'every-commit';
  const segmentMs = options.segmentMs ?? LOG_SEGMENT_MS;
  const compression = options.compression ?? 'none';
  const rolling = { segmentMs, sync, compression };
  const current = await beginSegments(store, epoch, options.nowMs ?? Date.now(), rolling, warn);
  let droppedBlocks = 0;
  if (newest !== undefined) {
    const ends = await verifyEnds(store, current, newest, warn);
    droppedBlocks = ends.dropped;
    puts.push(epochPut(catalog, { ...newest, last: ends.last }));
    await indexEnds(current, newest);
    // The record of that epoch must not survive a power cut without its blocks.
    await flush(current.blocks);
  }
  const registryBytes = readRegistry(catalog);
  const state = new LogState();
  state.restore(store, new BlockCodec(), warn);
  // The last blocks were verified above, so no block has to stay pending.
  state.foldAll();
  state.covered.fill(0);
  state.touchAll();
  const record: EpochRecord = { epoch, startedAt: Date.now(), shards: options.shards };
  puts.push(epochPut(catalog, record), ...state.checkpoint(catalog, epoch));
  await commitPuts(catalog.root, puts);
  await flush(catalog.root);
  return {
    folder,
    logId,
    epoch,
    store,
    registryBytes,
    positions: state.positions(),
    droppedBlocks,
    restoreInto: (table) => state.projection.copyInto(table),
    close: async () => {
      await current.blocks.close();
      await store.close();
      lock.release();
    },
  };
}

/** Drops damaged blocks from the end of each shard. Returns each shard's last seq. */
async function verifyEnds(
  store: LogStore,
  current: Segment,
  newest: EpochRecord,
  warn: (message: string) => void,
): Promise<{ last: number[]; dropped: number }> {
  const checkpoint = readCheckpoint(store.catalog);
  const covered = checkpoint?.epoch === newest.epoch ? checkpoint.covered : undefined;
  const last: number[] = [];
  let dropped = 0;
  for (let shard = 0; shard < newest.shards; shard++) {
    last[shard] = removedOf(store, newest.epoch, shard);
    for (;;) {
      const place = blockBefore(store, newest.epoch, shard, Number.MAX_SAFE_INTEGER);
      if (place === undefined) break;
      const header = checkBlockAt(parseKey(place.key), bytesAt(place));
      if (header !== undefined) {
        last[shard] = header.lastSeq;
        break;
      }
      // No source resends a block that the checkpoint covers: the block stays, and reads as a gap.
      if (covered !== undefined && covered[shard] >= parseKey(place.key).firstSeq) {
        last[shard] = lastSeqAt(place);
        break;
      }
      await dropBlock(store, current, place);
      dropped++;
      warn(
        `The last block of epoch ${newest.epoch}, shard ${shard} was damaged and is dropped; ` +
          'sources that can resend its ticks will.',
      );
    }
    // The ticks that the checkpoint covers were acknowledged: no source resends them, so lost ones are a gap.
    const known = Math.max(covered?.[shard] ?? 0, lastOfDamaged(store, newest.epoch, shard));
    last[shard] = Math.max(last[shard], known);
  }
  for (const message of store.damaged.values()) warn(message);
  return { last, dropped };
}

/** Last seq of the damaged closed segments: their ticks had these seqs, and read as a gap. */
function lastOfDamaged(store: LogStore, epoch: number, shard: number): number {
  const damaged = store.segments().filter((record) => store.damaged.has(segmentName(record)));
  return Math.max(0, ...damaged.map((record) => rangeOf(record, epoch, shard)?.last ?? 0));
}

/** Writes the missing index pages of the last blocks of an epoch that was killed. */
async function indexEnds(current: Segment, { epoch, shards }: EpochRecord): Promise<void> {
  const puts: Put[] = [];
  const summaries = new BlockSummaryReader(new BlockCodec());
  for (let shard = 0; shard < shards; shard++) {
    const writer = new ShardIndexWriter(epoch, shard, summaries);
    const put = (key: Buffer, value: Uint8Array) => puts.push({ key, value, isNew: false });
    writer.restore(current, put);
    writer.finish(put);
  }
  if (puts.length > 0) await commitPuts(current.blocks, puts);
}

/** Takes a block away: from the segment that is held; from a closed one, by shortening what its record says. */
async function dropBlock(store: LogStore, current: Segment, { segment, key }: BlockLocation): Promise<void> {
  const { epoch, shard, firstSeq } = parseKey(key);
  if (segment.folder === current.folder) {
    await commitPuts(current.blocks, [{ key, value: undefined, isNew: false }]);
    await removePagesFrom(current, epoch, shard, firstSeq);
  } else {
    const record = store.segments().find((r) => r.folder === segment.folder)!;
    const ranges = record.ranges!.flatMap((r) => {
      if (r.epoch !== epoch || r.shard !== shard) return [r];
      return r.first < firstSeq ? [{ ...r, last: firstSeq - 1 }] : [];
    });
    await commitPuts(store.catalog.root, segmentPuts(store.catalog, [{ ...record, ranges }]));
  }
  store.refresh();
}
