/** lmdb tells readers apart by their process ids, which processes of two containers may share: the second gets an error that says so. */
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { assertOwnProcessId } from '../../../src/log/lmdb/process-id.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openLog } from '../../../src/log/write/open-log.js';
import { inOwnPidNamespace, Started, whyNoContainers } from '../../helpers/container.js';
import { locksOf, makeFolder, removeFolder } from '../support.js';
import type { Opened, OpeningPlan } from './open-at-once.worker.js';

const CHILD = fileURLToPath(new URL('../storage/lock.child.js', import.meta.url));
const TICKS = fileURLToPath(new URL('../../../bin/ticks.js', import.meta.url));
const noContainers = whyNoContainers();
/** lmdb itself tries for ten seconds. */
const SOON_MS = 5_000;
/** Of an environment that is read: that of all who have it open, and that of this process. */
const LMDB_LOCKS = 2;
const THREADS = 4;
const ROUNDS = 50;

function holding(what: string, folder: string): string[] {
  return [process.execPath, CHILD, what, folder];
}

t.test('an engine and a reader with one process id', { skip: noContainers }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const engine = await Started.start(inOwnPidNamespace(holding('engine', folder)));
  t.equal(engine.stdout, 'held 1\n');
  const from = performance.now();
  const ticks = await Started.start(inOwnPidNamespace([process.execPath, TICKS, 'replay', '--data', folder]));
  await ticks.stop();
  t.match(
    ticks.stderr,
    /^ticks: A process of another container .* process id, 1, .* \[data_folder_locked\]\n$/,
  );
  t.ok(performance.now() - from < SOON_MS, 'at once');
  const other = await Started.start(
    inOwnPidNamespace(['sh', '-c', '"$@"; exit $?', 'sh', ...holding('reader', folder)]),
  );
  t.match(other.stdout, /^held [^1]/, 'as the message says');
  await other.stop();
  await engine.stop();
  const late = await Started.start(inOwnPidNamespace(holding('reader', folder)));
  t.equal(late.stdout, 'held 1\n', 'once the first has gone');
  const second = await Started.start(inOwnPidNamespace(holding('engine', folder)));
  t.match(second.stdout, /^data_folder_locked A process of another container/, 'so is an engine told');
  await late.stop();
});

t.test('several readers of one process', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const opened = await openLog(folder, { shards: 1 });
  const readers = [LogReader.open(folder), LogReader.open(folder)];
  t.same(
    readers.map((reader) => reader.epochs().length),
    [1, 1],
  );
  for (const reader of readers) await reader.close();
  await opened.close();
});

t.test('the look closes no handle on which lmdb has its locks', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const opened = await openLog(folder, { shards: 1 });
  const locks = () => locksOf(path.join(folder, 'log', 'lock.mdb'));
  t.ok(opened.store.segments().length > 0);
  const before = locks();
  t.ok(before > 0, 'lmdb has locks');
  assertOwnProcessId(path.join(folder, 'log'));
  t.equal(locks(), before);
  await opened.close();
});

t.test('many threads open the log of their process at the same moment', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  await (await openLog(folder, { shards: 1 })).close();
  const plan: OpeningPlan = {
    folder,
    lockFile: path.join(folder, 'log', 'lock.mdb'),
    rounds: ROUNDS,
    threads: THREADS,
    met: new SharedArrayBuffer(4),
  };
  const file = new URL('./open-at-once.worker.js', import.meta.url);
  const told = await Promise.all(
    Array.from({ length: THREADS }, async () => {
      const [opened] = await once(new Worker(file, { workerData: plan }), 'message');
      return opened as Opened;
    }),
  );
  t.same(
    told.flatMap(({ errors }) => errors),
    [],
    'none is refused for another thread',
  );
  t.ok(Math.min(...told.map(({ locks }) => locks)) >= LMDB_LOCKS, 'lmdb keeps its locks all the time');
});
