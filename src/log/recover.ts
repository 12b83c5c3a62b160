/** Opening of the log by the host thread, before any stage starts. */
import { randomBytes } from 'node:crypto';
import { messageOf, TickwireError } from '../errors.js';
import type { SourcePosition } from '../pipeline/memory.js';
import type { LastValueTable } from '../pipeline/table.js';
import { checkBlock } from './block.js';
import { RowCodec } from './codec.js';
import { lockFolder } from './lock.js';
import { commitPuts, LogState, type Put } from './state.js';
import {
  EPOCH,
  type EpochRecord,
  flush,
  keyBefore,
  LOG_ID,
  type LogStore,
  openStore,
  readEpochs,
  readRegistry,
  type SyncMode,
} from './store.js';

const LOG_ID_BYTES = 8;

export interface OpenLogOptions {
  /** Shards of the epoch that begins. */
  shards: number;
  /** As the log stage's: all threads share the environment that is opened here. */
  sync?: SyncMode;
  /** Told, in a sentence, of everything damaged that was dropped or passed over. */
  warn?: (message: string) => void;
}

export interface OpenedLog {
  /** The data folder. */
  readonly folder: string;
  /** 16 hex digits. */
  readonly logId: string;
  readonly epoch: number;
  readonly registryBytes: Uint8Array;
  readonly positions: SourcePosition[];
  /** Damaged blocks that were dropped from the end of the newest epoch. */
  readonly droppedBlocks: number;
  /** Writes the last values that the log knows into an empty table; returns how many symbols. */
  restoreInto(table: LastValueTable): number;
  /** To be called once all stages have stopped: lets go of the environment and of the folder. */
  close(): Promise<void>;
}

/**
 * Opens the log, closes the record of the epoch that was, and raises the epoch durably. Keep the result open
 * while the engine runs: it holds the folder's lock and the environment that all threads share.
 * @throws TickwireError data_folder_locked, data_folder_unusable, log_corrupt
 */
export async function openLog(dataFolder: string, options: OpenLogOptions): Promise<OpenedLog> {
  const unlock = lockFolder(dataFolder);
  let store: LogStore | undefined;
  try {
    store = openStore(dataFolder, { sync: options.sync ?? 'every-commit' });
    return await begin(dataFolder, store, options, unlock);
  } catch (error) {
    await store?.root.close();
    unlock();
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
  unlock: () => void,
): Promise<OpenedLog> {
  const warn = options.warn ?? (() => {});
  const puts: Put[] = [];
  const put = (key: Put['key'], value: unknown) => puts.push({ database: 'meta', key, value, isNew: false });
  const logId = (store.meta.get(LOG_ID) as string | undefined) ?? randomBytes(LOG_ID_BYTES).toString('hex');
  put(LOG_ID, logId);
  const newest = readEpochs(store).at(-1);
  let droppedBlocks = 0;
  if (newest !== undefined) {
    const ends = await verifyEnds(store, newest, warn);
    droppedBlocks = ends.dropped;
    put([EPOCH, newest.epoch], { ...newest, last: ends.last });
  }
  const registryBytes = readRegistry(store);
  const state = new LogState();
  state.restore(store, new RowCodec(), warn);
  // The last blocks were verified above, so nothing has to be held back.
  state.settle();
  state.covered.fill(0);
  state.touchAll();
  const epoch = (newest?.epoch ?? 0) + 1;
  const record: EpochRecord = { epoch, startedAt: Date.now(), shards: options.shards };
  put([EPOCH, epoch], record);
  puts.push(...state.checkpoint(epoch));
  await commitPuts(store, puts);
  await flush(store);
  return {
    folder,
    logId,
    epoch,
    registryBytes,
    positions: state.positions(),
    droppedBlocks,
    restoreInto: (table) => state.projection.copyInto(table),
    close: async () => {
      await store.root.close();
      unlock();
    },
  };
}

/** Each shard's last seq, once blocks that are damaged were taken from its end. */
async function verifyEnds(
  store: LogStore,
  newest: EpochRecord,
  warn: (message: string) => void,
): Promise<{ last: number[]; dropped: number }> {
  const last: number[] = [];
  let dropped = 0;
  for (let shard = 0; shard < newest.shards; shard++) {
    last[shard] = 0;
    for (;;) {
      const key = keyBefore(store, newest.epoch, shard, Number.MAX_SAFE_INTEGER);
      if (key === undefined) break;
      const header = checkBlock(store.blocks.get(key)!);
      if (header !== undefined) {
        last[shard] = header.lastSeq;
        break;
      }
      await store.blocks.remove(key);
      dropped++;
      warn(
        `The last block of epoch ${newest.epoch}, shard ${shard} was damaged and is dropped; ` +
          'sources that can resend its ticks will.',
      );
    }
  }
  return { last, dropped };
}
