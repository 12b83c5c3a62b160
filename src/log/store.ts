/**
 * The LMDB environment of a data folder, in `<data folder>/log`.
 *
 * | database | key | value |
 * |---|---|---|
 * | blocks | `keys.ts` | a block, see `block.ts` |
 * | meta | text, or ["epoch", number] | JSON: logId, epoch records, what the checkpoint covers |
 * | registry | u32 offset | sealed: the registry's bytes from there on |
 * | positions | u32 sourceId | sealed: f64 × BUCKETS, of what the checkpoint covers |
 * | checkpoint | u32 symbolId | sealed: a table entry, of what the checkpoint covers |
 *
 * A sealed value is `u32 crc32 │ u32 0 │ bytes`.
 *
 * All threads of a process share one environment, and its flags are those of whoever opened it first: so
 * `openLog` opens it for writing and keeps it open while the engine runs, and readers join it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { type Database, open, type RootDatabase } from 'lmdb';
import { TickwireError } from '../errors.js';
import { blockKey, parseKey } from './keys.js';

/**
 * When a commit survives a power cut.
 * - `every-commit`: each commit is flushed, and a tick is visible once it is. After a power cut the log is whole.
 * - `interval`: commits are visible at once and flushed every second. A power cut may cost that second and,
 *   as nothing orders the pages between flushes, damage the log.
 * - `os`: flushed only when the engine stops; durable then means "handed to the operating system". Same risk.
 * A killed process loses nothing visible in any of them.
 */
export type SyncMode = 'every-commit' | 'interval' | 'os';

export interface EpochRecord {
  epoch: number;
  /** UNIX milliseconds. */
  startedAt: number;
  shards: number;
  /** Each shard's last seq, once the epoch is over. */
  last?: number[];
}

/** What the checkpoint covers: the seq of each shard of an epoch up to which entries and positions tell all. */
export interface CheckpointRecord {
  epoch: number;
  covered: number[];
}

export interface LogStore {
  readonly root: RootDatabase<Buffer, string>;
  readonly blocks: Database<Buffer, Uint8Array>;
  readonly meta: Database<unknown, string | [string, number]>;
  readonly registry: Database<Buffer, number>;
  readonly positions: Database<Buffer, number>;
  readonly checkpoint: Database<Buffer, number>;
}

export const EPOCH = 'epoch';
export const LOG_ID = 'logId';
export const CHECKPOINT = 'checkpoint';

export function logFolder(dataFolder: string): string {
  return path.join(dataFolder, 'log');
}

/** @throws TickwireError log_missing when it is opened for reading and there is none, data_folder_unusable */
export function openStore(
  dataFolder: string,
  options: { readOnly?: boolean; sync?: SyncMode } = {},
): LogStore {
  const folder = logFolder(dataFolder);
  const readOnly = options.readOnly === true;
  if (readOnly && !existsSync(path.join(folder, 'data.mdb'))) {
    throw new TickwireError(
      'log_missing',
      `There is no tick log in ${dataFolder}: start an engine on it first.`,
    );
  }
  try {
    const root = open<Buffer, string>({
      path: folder,
      noSubdir: false,
      encoding: 'binary',
      readOnly,
      ...((options.sync ?? 'every-commit') === 'every-commit' ? {} : { noSync: true }),
    });
    const binary = <K extends Uint8Array | number>(name: string, keyEncoding: 'binary' | 'uint32') =>
      root.openDB<Buffer, K>({ name, encoding: 'binary', keyEncoding });
    return {
      root,
      blocks: binary<Uint8Array>('blocks', 'binary'),
      meta: root.openDB<unknown, string | [string, number]>({ name: 'meta', encoding: 'json' }),
      registry: binary<number>('registry', 'uint32'),
      positions: binary<number>('positions', 'uint32'),
      checkpoint: binary<number>('checkpoint', 'uint32'),
    };
  } catch (error) {
    throw new TickwireError(
      'data_folder_unusable',
      `The tick log in ${folder} cannot be opened: ${(error as Error).message}. Check its permissions and the disk.`,
      { cause: error },
    );
  }
}

export function readEpochs(store: LogStore): EpochRecord[] {
  const range = { start: [EPOCH, 0] as [string, number], end: [EPOCH, 2 ** 32] as [string, number] };
  return Array.from(store.meta.getRange(range), (entry) => entry.value as EpochRecord);
}

/** Blocks read in one short transaction. */
const READ_BATCH = 16;

/** Blocks from `start` on and below `end`, in order, in short transactions: a long one would stop page reuse. */
export function* blocksFrom(
  store: LogStore,
  start: Uint8Array,
  end: Uint8Array,
): Generator<[Uint8Array, Buffer]> {
  let from = start;
  for (;;) {
    const batch = Array.from(
      store.blocks.getRange({ start: from, end, limit: READ_BATCH, snapshot: false }),
      (entry): [Uint8Array, Buffer] => [entry.key, entry.value],
    );
    yield* batch;
    if (batch.length < READ_BATCH) return;
    from = Buffer.concat([batch[batch.length - 1][0], Buffer.of(0)]);
  }
}

/** The key of the shard's last block at or before `seq`; undefined when it has none. */
export function keyBefore(
  store: LogStore,
  epoch: number,
  shard: number,
  seq: number,
): Uint8Array | undefined {
  const range = { start: blockKey(epoch, shard, seq), reverse: true, limit: 1, snapshot: false } as const;
  for (const key of store.blocks.getKeys(range)) {
    const found = parseKey(key);
    return found.epoch === epoch && found.shard === shard ? key : undefined;
  }
  return undefined;
}

/**
 * All bytes of the registry, in order.
 * @throws TickwireError log_corrupt
 */
export function readRegistry(store: LogStore): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (const { key, value } of store.registry.getRange({ start: 0 })) {
    const bytes = unsealed(value);
    if (bytes === undefined || key !== length) {
      throw new TickwireError(
        'log_corrupt',
        `The registry of symbols is damaged at byte ${key}: restore the data folder from a copy.`,
      );
    }
    chunks.push(bytes);
    length += bytes.length;
  }
  return Buffer.concat(chunks);
}

/** Waits until everything committed is on the disk. */
export function flush(store: LogStore): Promise<void> {
  const root = store.root as unknown as { sync(done: (error?: unknown) => void): void };
  return new Promise((resolve, reject) =>
    root.sync((error) => (error === undefined || error === null ? resolve() : reject(error))),
  );
}

export function sealed(bytes: Uint8Array): Buffer {
  const value = Buffer.alloc(8 + bytes.length);
  value.set(bytes, 8);
  value.writeUInt32LE(crc32(bytes), 0);
  return value;
}

/** A copy of what was sealed, aligned; undefined when it is damaged. */
export function unsealed(value: Uint8Array): Uint8Array | undefined {
  const bytes = Uint8Array.from(value.subarray(8));
  const crc = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return value.length >= 8 && crc.readUInt32LE(0) === crc32(bytes) ? bytes : undefined;
}
