/** lmdb tells readers apart by their process numbers, which those of two containers share: the second is told so. */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { assertOwnNumber } from '../../src/log/process-number.js';
import { LogReader } from '../../src/log/reader.js';
import { openLog } from '../../src/log/recover.js';
import { numberedAnew, Started, whyNoContainers } from '../helpers/container.js';
import { makeFolder, removeFolder } from './support.js';

const CHILD = fileURLToPath(new URL('./lock.child.js', import.meta.url));
const TICKS = fileURLToPath(new URL('../../bin/ticks.js', import.meta.url));
const noContainers = whyNoContainers();
/** lmdb itself tries for ten seconds. */
const SOON_MS = 5_000;

function holding(what: string, folder: string): string[] {
  return [process.execPath, CHILD, what, folder];
}

t.test('an engine and a reader of one number', { skip: noContainers }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const engine = await Started.start(numberedAnew(holding('engine', folder)));
  t.equal(engine.stdout, 'held 1\n');
  const from = performance.now();
  const ticks = await Started.start(numberedAnew([process.execPath, TICKS, 'replay', '--data', folder]));
  await ticks.stop();
  t.match(ticks.stderr, /^ticks: A process of another container .* number, 1\. .* \[data_folder_locked\]\n$/);
  t.ok(performance.now() - from < SOON_MS, 'at once');
  const other = await Started.start(
    numberedAnew(['sh', '-c', '"$@"; exit $?', 'sh', ...holding('reader', folder)]),
  );
  t.match(other.stdout, /^held [^1]/, 'as the message says');
  await other.stop();
  await engine.stop();
  const late = await Started.start(numberedAnew(holding('reader', folder)));
  t.equal(late.stdout, 'held 1\n', 'once the first has gone');
  const second = await Started.start(numberedAnew(holding('engine', folder)));
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
  assertOwnNumber(path.join(folder, 'log'));
  t.equal(locks(), before);
  await opened.close();
});

/** Locks that this process has on a file. */
function locksOf(file: string): number {
  const { ino } = statSync(file);
  const lines = readFileSync('/proc/locks', 'utf8').split('\n');
  return lines.filter((line) => line.includes(` ${process.pid} `) && line.includes(`:${ino} `)).length;
}
