/**
 * Own types for the parts of lmdb that the log uses. The declarations of the package (3.5.6) end in `export =`, which a
 * program of ES modules can only read with `skipLibCheck`; and the types that the library exports name environments.
 */
import { open } from 'lmdb';

type Key = Uint8Array | number | string | [string, number];

interface RangeOptions<K> {
  start?: K;
  end?: K;
  reverse?: boolean;
  limit?: number;
  /** Whether the whole range is read in one transaction. */
  snapshot?: boolean;
}

export interface DatabaseStats {
  entryCount: number;
  treeBranchPageCount: number;
  treeLeafPageCount: number;
}

export interface Database<V, K extends Key> {
  get(key: K): V | undefined;
  /** Valid until the next get. */
  getBinaryFast(key: K): Buffer | undefined;
  getKeys(options?: RangeOptions<K>): Iterable<K>;
  getRange(options?: RangeOptions<K>): Iterable<{ key: K; value: V }>;
  /** Resolves to false when the key exists and `noOverwrite` is set. */
  put(key: K, value: V, options?: { noOverwrite?: boolean }): Promise<boolean>;
  remove(key: K): Promise<boolean>;
  getStats(): DatabaseStats;
}

interface DatabaseOptions {
  name: string;
  encoding?: 'binary';
  keyEncoding?: 'uint32';
  encoder?: {
    encode(value: unknown): Buffer;
    decode(bytes: Uint8Array, options?: number | { end?: number }): unknown;
  };
}

/** An LMDB environment, and its own database. */
export interface Environment<V, K extends Key> extends Database<V, K> {
  readonly path: string;
  /** Resolves when the puts before are visible; rejects when the commit failed. */
  readonly committed: Promise<boolean>;
  /** As `committed`, once the puts are on the disk. */
  readonly flushed: Promise<boolean>;
  getStats(): DatabaseStats & { root: { entryCount: number } };
  openDB<W, L extends Key>(options: DatabaseOptions): Database<W, L>;
  readerList(): string;
  /** Begins a read transaction of the caller; its reads see one state until `done`. */
  useReadTransaction(): { done(): void };
  /** The next read sees the newest commit. */
  resetReadTxn(): void;
  sync(done: (error?: unknown) => void): void;
  close(): Promise<void>;
}

export interface EnvironmentOptions {
  path: string;
  noSubdir: boolean;
  encoding: 'binary';
  keyEncoding?: 'binary';
  readOnly: boolean;
  noSync?: true;
}

/** Any database of an environment. */
// biome-ignore lint/suspicious/noExplicitAny: keys and values differ by database, and `put` takes them all.
export type AnyDatabase = Database<any, any>;
/** Any environment. */
// biome-ignore lint/suspicious/noExplicitAny: as above.
export type AnyEnvironment = Environment<any, any>;

/** Opens the environment in a folder. A missing environment is created, unless `readOnly` is set. */
export function openEnvironment<V, K extends Key>(options: EnvironmentOptions): Environment<V, K> {
  // The types of the package leave out the options of `put`, `path`, `sync`, and the fields of the statistics.
  return open<V, K>(options) as unknown as Environment<V, K>;
}
