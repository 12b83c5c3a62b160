/**
 * The catalog: the LMDB environment in `<data folder>/log` that lists the parts of the log. The blocks are in the
 * environments of its segments: see `segments.ts`.
 *
 * | database | key | value |
 * |---|---|---|
 * | meta | text, or [text, number] | sealed JSON: layout, logId, epochs, segments, what the checkpoint covers |
 * | registry | u32 offset | sealed: the registry's bytes from there on |
 * | positions | u32 sourceId | sealed: f64 × BUCKETS, of what the checkpoint covers |
 * | checkpoint | u32 symbolId | sealed: a table entry, of what the checkpoint covers |
 *
 * A sealed value is `u32 crc32 │ u32 0 │ bytes`.
 *
 * Records that readers of blocks need (registry, segments, epochs) are committed here before the blocks. Records that are
 * derived from blocks (positions, checkpoint) are committed after them.
 */
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { TickwireError } from '../../core/errors.js';
import { repairAfterCrash } from '../lmdb/crash-repair.js';
import { isSpaceShort, prepareFolder, reserveSpace } from '../lmdb/disk-reserve.js';
import { type Database, type Environment, openEnvironment } from '../lmdb/environment.js';
import { openInTurn } from '../lmdb/process-id.js';
import { assertWhole } from '../lmdb/structure-check.js';
import type { Put } from '../lmdb/transaction.js';
import type { SegmentRecord } from './segment-record.js';

/**
 * When a commit survives a power cut.
 * - `every-commit`: each commit is flushed, and a tick is visible once it is. After a power cut the log is whole.
 * - `interval`: commits are visible at once and flushed every second. A power cut may cost that second and,
 *   as nothing orders the pages between flushes, damage the log.
 * - `os`: flushed only when a segment closes or the engine stops; durable then means "handed to the operating
 *   system". Same risk.
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
  /** By shard: the last seq that retention has removed; absent: none. */
  removed?: number[];
  /** Content hash of an import: a closed epoch that no live cursor follows, its ticks in the order of tsEvent. */
  import?: string;
}

/** What the checkpoint covers: by shard of an epoch, the seq up to which entries and positions are complete. */
export interface CheckpointRecord {
  epoch: number;
  covered: number[];
}

export type MetaKey = string | [string, number];

export interface Catalog {
  readonly root: Environment<Buffer, string>;
  readonly meta: Database<unknown, MetaKey>;
  readonly registry: Database<Buffer, number>;
  readonly positions: Database<Buffer, number>;
  readonly checkpoint: Database<Buffer, number>;
}

/** Named databases of the catalog. */
const DATABASES = 4;
export const LOG_ID = 'logId';
const EPOCH = 'epoch';
const SEGMENT = 'segment';
const CHECKPOINT = 'checkpoint';
const LAYOUT = 'layout';
/** A new random text after every change of the list of segments. */
const GENERATION = 'generation';
/** Folders that are no longer segments and may still exist: a record each, as several threads add some. */
const DOOMED = 'doomed';
/** Layout of the data folder: layout 1 kept all blocks in one environment. */
const LAYOUT_VERSION = 2;

export function logFolder(dataFolder: string): string {
  return path.join(dataFolder, 'log');
}

export interface CatalogOptions {
  readOnly?: boolean;
  sync?: SyncMode;
  /** Whether no other thread or process may have it open for writing: then it is repaired first. */
  isAlone?: boolean;
}

/** @throws TickwireError log_missing when it is opened for reading and there is none, data_folder_unusable, data_folder_locked, log_corrupt */
export function openCatalog(dataFolder: string, options: CatalogOptions = {}): Catalog {
  const folder = logFolder(dataFolder);
  const readOnly = options.readOnly === true;
  if (readOnly && !existsSync(path.join(folder, 'data.mdb'))) {
    throw new TickwireError(
      'log_missing',
      `There is no tick log in ${dataFolder}: start an engine on it first.`,
    );
  }
  try {
    if (!readOnly) prepareFolder(folder);
    assertWhole(folder, !readOnly);
    if (options.isAlone === true) repairAfterCrash(folder);
    return openInTurn(folder, () => openDatabases(folder, readOnly, options.sync));
  } catch (error) {
    if (error instanceof TickwireError) throw error;
    throw new TickwireError(
      'data_folder_unusable',
      `The tick log in ${folder} cannot be opened: ${(error as Error).message}. Check its permissions and the disk.`,
      { cause: error },
    );
  }
}

/** @throws TickwireError unsupported, DiskFull, what lmdb throws */
function openDatabases(folder: string, readOnly: boolean, sync?: SyncMode): Catalog {
  const root = openEnvironment<Buffer, string>({
    path: folder,
    noSubdir: false,
    encoding: 'binary',
    readOnly,
    ...syncFlags(sync),
  });
  const { entryCount } = root.getStats().root;
  // Databases that do not exist yet are written.
  if (!readOnly && entryCount < DATABASES && isSpaceShort(folder, [])) reserveSpace(folder, [], 0);
  const binary = (name: string) =>
    root.openDB<Buffer, number>({ name, encoding: 'binary', keyEncoding: 'uint32' });
  const catalog = {
    root,
    meta: root.openDB<unknown, MetaKey>({ name: 'meta', encoder: SEALED_JSON }),
    registry: binary('registry'),
    positions: binary('positions'),
    checkpoint: binary('checkpoint'),
  };
  checkLayout(catalog, folder);
  return catalog;
}

/** JSON with a checksum: a damaged record must not be read as another one. */
const SEALED_JSON = {
  encode: (value: unknown) => sealed(Buffer.from(JSON.stringify(value))),
  decode(value: Uint8Array, options?: number | { end?: number }): unknown {
    const end = typeof options === 'number' ? options : options?.end;
    // Lmdb's buffer is larger than the `length` that it shows, and from Node 24 on `subarray` goes by its true size.
    const bytes = unsealed(value.subarray(0, end ?? value.length));
    if (bytes !== undefined) return JSON.parse(Buffer.from(bytes).toString());
    throw new TickwireError(
      'log_corrupt',
      'A record of the log\'s catalog is damaged: restore the data folder from a copy, or use "ticks log recover".',
    );
  },
};

/** Options of lmdb for a sync mode. */
export function syncFlags(sync: SyncMode = 'every-commit'): { noSync?: true } {
  return sync === 'every-commit' ? {} : { noSync: true };
}

function checkLayout(catalog: Catalog, folder: string): void {
  const layout = catalog.meta.get(LAYOUT) as number | undefined;
  if (layout === LAYOUT_VERSION || (layout === undefined && catalog.meta.get(LOG_ID) === undefined)) return;
  void catalog.root.close();
  throw new TickwireError(
    'unsupported',
    `The tick log in ${folder} has layout ${layout ?? 1}, and this version reads layout ${LAYOUT_VERSION}: ` +
      'move the folder away, or use the version that wrote it.',
  );
}

function metaPut(catalog: Catalog, key: MetaKey, value: unknown): Put {
  return { database: catalog.meta, key, value, isNew: false };
}

/** The records that every log has from its first commit on. */
export function identityPuts(catalog: Catalog, logId: string): Put[] {
  return [metaPut(catalog, LAYOUT, LAYOUT_VERSION), metaPut(catalog, LOG_ID, logId)];
}

const LOG_ID_BYTES = 8;

/** The random name of a log, or of the ticks of one run that keeps none. */
export function newLogId(): string {
  return randomBytes(LOG_ID_BYTES).toString('hex');
}

export function readLogId(catalog: Catalog): string {
  return (catalog.meta.get(LOG_ID) as string | undefined) ?? '';
}

function* recordsOf(catalog: Catalog, kind: string): Generator<unknown> {
  const range = { start: [kind, 0] as MetaKey, end: [kind, 2 ** 32] as MetaKey };
  for (const { value } of catalog.meta.getRange(range)) yield value;
}

/** All epochs, imports among them, oldest first. */
export function readEpochs(catalog: Catalog): EpochRecord[] {
  return Array.from(recordsOf(catalog, EPOCH)) as EpochRecord[];
}

export function readEpoch(catalog: Catalog, epoch: number): EpochRecord | undefined {
  return catalog.meta.get([EPOCH, epoch]) as EpochRecord | undefined;
}

export function epochPut(catalog: Catalog, record: EpochRecord): Put {
  return metaPut(catalog, [EPOCH, record.epoch], record);
}

/** All segments by number. */
export function readSegments(catalog: Catalog): SegmentRecord[] {
  return Array.from(recordsOf(catalog, SEGMENT)) as SegmentRecord[];
}

/** Changes whenever a segment is listed, changed or removed. */
export function readGeneration(catalog: Catalog): string {
  return (catalog.meta.get(GENERATION) as string | undefined) ?? '';
}

/** Folders that must be removed, if they still exist. */
export function readDoomed(catalog: Catalog): string[] {
  return Array.from(catalog.meta.getRange(doomedKeys()), ({ value }) => value as string);
}

/** A new range for each use: lmdb modifies the range that it gets. */
function doomedKeys(): { start: MetaKey; end: MetaKey } {
  return { start: [DOOMED, 0], end: [DOOMED, Number.MAX_SAFE_INTEGER] };
}

/** The most records of such folders. The oldest records are dropped first: their folders are gone long ago. */
const DOOMED_MAX = 64;
/** Keys of one millisecond: the records of two threads must not get the same key. */
const KEYS_PER_MS = 1_024;

function doomedPuts(catalog: Catalog, folders: readonly string[]): Put[] {
  if (folders.length === 0) return [];
  const known = Array.from(catalog.meta.getKeys(doomedKeys()));
  const old = known.slice(0, Math.max(0, known.length + folders.length - DOOMED_MAX));
  return [
    ...old.map((key) => metaPut(catalog, key, undefined)),
    ...folders.map((folder) =>
      metaPut(catalog, [DOOMED, Date.now() * KEYS_PER_MS + randomInt(KEYS_PER_MS)], folder),
    ),
  ];
}

/** The puts that change the list of segments: records to write, numbers to remove, folders to delete. */
export function segmentPuts(
  catalog: Catalog,
  written: readonly SegmentRecord[],
  removed: readonly number[] = [],
  doomed: readonly string[] = [],
): Put[] {
  return [
    ...removed.map((number) => metaPut(catalog, [SEGMENT, number], undefined)),
    ...written.map((record) => metaPut(catalog, [SEGMENT, record.number], record)),
    ...doomedPuts(catalog, doomed),
    metaPut(catalog, GENERATION, randomUUID()),
  ];
}

export function readCheckpoint(catalog: Catalog): CheckpointRecord | undefined {
  return catalog.meta.get(CHECKPOINT) as CheckpointRecord | undefined;
}

export function checkpointPut(catalog: Catalog, record: CheckpointRecord): Put {
  return metaPut(catalog, CHECKPOINT, record);
}

/**
 * All bytes of the registry, in order.
 * @throws TickwireError log_corrupt
 */
export function readRegistry(catalog: Catalog): Uint8Array {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (const { key, value } of catalog.registry.getRange({ start: 0 })) {
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

/** The puts that write the registry's bytes from `from` on. With `from` 0, they replace all bytes. */
export function registryPuts({ registry }: Catalog, bytes: Uint8Array, from: number): Put[] {
  const put = (isNew: boolean): Put => ({ database: registry, key: from, value: sealed(bytes), isNew });
  if (from > 0) return [put(true)];
  const old = Array.from(registry.getKeys({ start: 1 }));
  return [...old.map((key) => ({ database: registry, key, value: undefined, isNew: false })), put(false)];
}

export function sealed(bytes: Uint8Array): Buffer {
  const value = Buffer.alloc(8 + bytes.length);
  value.set(bytes, 8);
  value.writeUInt32LE(crc32(bytes), 0);
  return value;
}

/** An aligned copy of the sealed bytes; undefined when they are damaged. */
export function unsealed(value: Uint8Array): Uint8Array | undefined {
  const bytes = Uint8Array.from(value.subarray(8));
  const crc = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return value.length >= 8 && crc.readUInt32LE(0) === crc32(bytes) ? bytes : undefined;
}
