/** The lock of a data folder goes with the process that has it, and stays as long, whatever becomes of its file. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { FolderLock } from '../../../src/log/storage/folder-lock.js';
import { openLog } from '../../../src/log/write/open-log.js';
import { inOwnPidNamespace, mountedToo, Started, whyNoContainers } from '../../helpers/container.js';
import { makeFolder, removeFolder } from '../support.js';

const CHILD = fileURLToPath(new URL('./lock.child.js', import.meta.url));
const noContainers = whyNoContainers();
const LOCKED = { code: 'data_folder_locked' };

function holding(what: string, folder: string): string[] {
  return [process.execPath, CHILD, what, folder];
}

function here(what: string, folder: string): [string, string[]] {
  return [process.execPath, [CHILD, what, folder]];
}

t.test('a killed process leaves its file, and no lock', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const first = await Started.start(here('engine', folder));
  t.match(first.stdout, /^held/);
  const file = path.join(folder, 'engine.lock');
  await t.rejects(openLog(folder, { shards: 1 }), {
    ...LOCKED,
    message: new RegExp(`in use by process ${first.child.pid}\\.`),
  });
  await first.stop();
  t.ok(existsSync(file), 'its file is still there');
  const opened = await openLog(folder, { shards: 1 });
  t.equal((JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid, process.pid);
  await opened.close();
  t.notOk(existsSync(file));
});

t.test('a file that is left blocks nobody, whatever it says', async (t) => {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const stat = readFileSync(`/proc/${process.pid}/stat`, 'utf8');
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const texts = {
    'this very process, as its pid was given again': JSON.stringify({
      pid: process.pid,
      started: `${boot} ${startTime}`,
    }),
    'the first process of the machine': '{"pid":1,"host":"","space":""}',
    nothing: '',
    'no JSON': '\0\0\0',
  };
  for (const [what, text] of Object.entries(texts)) {
    const folder = makeFolder();
    t.teardown(() => removeFolder(folder));
    writeFileSync(path.join(folder, 'engine.lock'), text);
    FolderLock.take(folder).release();
    t.pass(what);
  }
});

t.test('a lock file removed or replaced beneath a running engine', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const file = path.join(folder, 'engine.lock');
  const opened = await openLog(folder, { shards: 1 });
  rmSync(file);
  await t.rejects(openLog(folder, { shards: 1 }), LOCKED, 'removed');
  t.notOk(existsSync(file), 'who was refused leaves no file');
  writeFileSync(file, '{}');
  await t.rejects(openLog(folder, { shards: 1 }), LOCKED, 'replaced');
  const other = await Started.start(here('engine', folder));
  t.match(other.stdout, /^data_folder_locked /, 'from another process');
  writeFileSync(file, 'of somebody else');
  await opened.close();
  t.equal(readFileSync(file, 'utf8'), 'of somebody else', 'the end leaves what is not its own');
  const again = await openLog(folder, { shards: 1 });
  t.equal(again.epoch, 2);
  await again.close();
});

t.test('a lock is let go of once', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const first = FolderLock.take(folder);
  first.release();
  const second = FolderLock.take(folder);
  first.release();
  t.throws(() => FolderLock.take(folder), LOCKED, 'the first one does not let go of the second');
  second.release();
});

t.test('the folder under another name', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const data = path.join(folder, 'data');
  const link = path.join(folder, 'link');
  mkdirSync(data);
  symlinkSync(data, link);
  const opened = await openLog(data, { shards: 1 });
  await t.rejects(openLog(link, { shards: 1 }), LOCKED);
  await opened.close();
});

t.test('a copy of the folder is free', async (t) => {
  const folder = makeFolder();
  const copy = makeFolder();
  t.teardown(() => [folder, copy].forEach(removeFolder));
  const lock = FolderLock.take(folder);
  copyFileSync(path.join(folder, 'engine.lock'), path.join(copy, 'engine.lock'));
  FolderLock.take(copy).release();
  lock.release();
  t.pass();
});

t.test('a container has the folder', { skip: noContainers }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const first = await Started.start(inOwnPidNamespace(holding('engine', folder)));
  t.equal(first.stdout, 'held 1\n');
  await t.rejects(openLog(folder, { shards: 1 }), {
    ...LOCKED,
    message: /in use by process 1 of another container or host/,
  });
  const second = await Started.start(inOwnPidNamespace(holding('engine', folder)));
  t.match(second.stdout, /^data_folder_locked /, 'another container is refused too');
  await first.stop();
  const third = await Started.start(inOwnPidNamespace(holding('engine', folder)));
  t.equal(third.stdout, 'held 1\n', 'the same pid again');
  await third.stop();
});

t.test('a container finds the folder in use', { skip: noContainers }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const opened = await openLog(folder, { shards: 1 });
  const other = await Started.start(inOwnPidNamespace(holding('engine', folder)));
  t.match(other.stdout, /^data_folder_locked /);
  await opened.close();
});

t.test('over a bind mount', { skip: noContainers }, async (t) => {
  const folder = makeFolder();
  const mounted = makeFolder();
  t.teardown(() => [folder, mounted].forEach(removeFolder));
  const opened = await openLog(folder, { shards: 1 });
  const refused = await Started.start(mountedToo(folder, mounted, holding('engine', mounted)));
  t.match(refused.stdout, /^data_folder_locked /);
  rmSync(path.join(folder, 'engine.lock'));
  const again = await Started.start(mountedToo(folder, mounted, holding('engine', mounted)));
  t.match(again.stdout, /^data_folder_locked /, 'without its file');
  await opened.close();
  const first = await Started.start(mountedToo(folder, mounted, holding('engine', mounted)));
  t.match(first.stdout, /^held/);
  await t.rejects(openLog(folder, { shards: 1 }), LOCKED);
  await first.stop();
  await (await openLog(folder, { shards: 1 })).close();
});
