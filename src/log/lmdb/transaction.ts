/** Transactions on an environment of the log: several puts as one commit, and its failure. */

import { isSpaceShort, reserveSpace } from './disk-reserve.js';
import type { AnyDatabase, AnyEnvironment } from './environment.js';

/** The most bytes of a value in JSON. */
const JSON_BYTES = 1_024;

/** One write of a transaction. */
export interface Put {
  /** Absent: the environment's own database, as a segment's blocks. */
  database?: AnyDatabase;
  key: Uint8Array | number | string | [string, number];
  /** Must not change until the commit. JSON, if the database is one of JSON. Undefined removes the key. */
  value: unknown;
  /** Whether the key must not exist yet. */
  isNew: boolean;
}

/** By environment: its last transaction that is under way. */
const underWay = new WeakMap<AnyEnvironment, Promise<unknown>>();

/**
 * Puts everything in one turn of the event loop, which lmdb turns into one transaction. Resolves when it is visible.
 * @throws DiskFull when the disk is full
 */
export function commitPuts(root: AnyEnvironment, puts: readonly Put[]): Promise<void> {
  const committed = commit(root, puts);
  const ended = committed.then(ignore, ignore);
  underWay.set(root, ended);
  void ended.then(() => underWay.get(root) === ended && underWay.delete(root));
  return committed;
}

async function commit(root: AnyEnvironment, puts: readonly Put[]): Promise<void> {
  const valueBytes = puts.map(({ value }) => (value instanceof Uint8Array ? value.length : JSON_BYTES));
  const { path } = root;
  if (isSpaceShort(path, valueBytes)) {
    // The end of the file must not move.
    if (underWay.has(root)) await underWay.get(root);
    reserveSpace(path, valueBytes, treePages(root, puts));
  }
  const written = puts.map((p) => putOne(p.database ?? root, p));
  // lmdb starts the transaction in an immediate, with a promise that nobody else sees. On a full disk its unhandled
  // rejection would end the thread.
  setImmediate(() => void root.committed.then(ignore, ignore));
  const results = await Promise.all(written);
  const refused = results.findIndex((done, i) => !done && puts[i].value !== undefined);
  if (refused >= 0) throw new Error(`LMDB refused key ${refused} of ${puts.length}: it exists already`);
}

/** Pages of the trees that the puts change, and of the environment's own tree. */
function treePages(root: AnyEnvironment, puts: readonly Put[]): number {
  let pages = 0;
  for (const database of new Set([root, ...puts.map((p) => p.database ?? root)])) {
    const stats = database.getStats();
    pages += stats.treeBranchPageCount + stats.treeLeafPageCount;
  }
  return pages;
}

function ignore(): void {}

function putOne(database: AnyDatabase, p: Put): Promise<boolean> {
  if (p.value === undefined) return database.remove(p.key);
  return database.put(p.key, p.value, p.isNew ? { noOverwrite: true } : {});
}

/** Waits until everything committed is on the disk. */
export function flush(root: AnyEnvironment): Promise<void> {
  return new Promise((resolve, reject) =>
    root.sync((error) => (error === undefined || error === null ? resolve() : reject(error))),
  );
}
