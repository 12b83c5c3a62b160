/** When a tick counts as durable, in each mode of `log.sync`, held against what the system was really asked to flush. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import type { SyncMode } from '../../../src/log/storage/catalog.js';
import { readTrace } from '../../helpers/log/write-trace.js';
import { makeFolder, removeFolder } from '../support.js';

const child = fileURLToPath(new URL('./sync.child.js', import.meta.url));
const skip = spawnSync('strace', ['-V']).error === undefined ? false : 'strace is not installed';

/** Runs a log in a mode for some 2.5 s and drains it; resolves with what was recorded. */
async function recorded(folder: string, sync: SyncMode) {
  const file = path.join(folder, `${sync}.trace`);
  const calls = 'openat,write,writev,pwrite64,fdatasync,fsync,unlink';
  const ran = spawn(
    'strace',
    [
      '-f',
      '-y',
      '-xx',
      '-s',
      '300',
      '-e',
      `trace=${calls}`,
      '-o',
      file,
      process.execPath,
      child,
      folder,
      sync,
    ],
    { stdio: ['ignore', 'ignore', 'inherit'], env: { PATH: process.env.PATH } },
  );
  await new Promise((resolve) => ran.on('close', resolve));
  const { events } = readTrace(
    [{ text: readFileSync(file, 'latin1'), files: new Map() }],
    path.join(folder, sync),
  );
  const isOfBlocks = (name: string) => name.includes('segments') && name.endsWith('data.mdb');
  /** Numbers of the flushes of blocks, and of what was told, in the order of events. */
  const flushes = events.flatMap((e, i) => (e.type === 'flush' && isOfBlocks(e.file) ? [i] : []));
  const writes = events.flatMap((e, i) => (e.type === 'write' && isOfBlocks(e.file) ? [i] : []));
  const told = events.flatMap((e, i) => (e.type === 'told' ? [{ at: i, durable: e.durable }] : []));
  return { flushes, writes, told };
}

t.test('every-commit: nothing is durable before its flush', { skip }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const { flushes, told } = await recorded(folder, 'every-commit');
  const rises = told.filter(({ durable }, i) => durable > (told[i - 1]?.durable ?? 0));
  t.ok(rises.length > 5, `durable rose ${rises.length} times`);
  const bare = rises.filter(({ at }, i) => !flushes.some((f) => f < at && f > (rises[i - 1]?.at ?? -1)));
  t.same(bare, [], 'each rise follows a flush of its own');
});

t.test('interval: flushed about once a second, and durable no sooner', { skip }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const { flushes, writes, told } = await recorded(folder, 'interval');
  t.ok(writes.length > 10, `${writes.length} writes`);
  t.ok(flushes.length >= 2 && flushes.length < 10, `${flushes.length} flushes`);
  const rises = told.filter(({ durable }, i) => durable > (told[i - 1]?.durable ?? 0));
  t.ok(rises.length >= 2 && rises.length <= flushes.length, `durable rose ${rises.length} times`);
});

t.test('os: handed to the system, flushed at the end', { skip }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const { flushes, writes, told } = await recorded(folder, 'os');
  t.ok(told.at(-1)!.durable > 0 && told.length > 5, 'durable is what was handed over');
  const lastWrite = writes.at(-1)!;
  // Before that the segment is founded, by flushed transactions in every mode.
  const firstTold = told.find(({ durable }) => durable > 0)!.at;
  t.same(
    flushes.filter((f) => f > firstTold && f < lastWrite),
    [],
    'no flush while it runs',
  );
  t.ok(
    flushes.some((f) => f > lastWrite),
    'one at the end',
  );
});
