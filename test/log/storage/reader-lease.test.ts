/** Retention leaves alone what a reader holds, in this process or another, for as long as that lives. */
import { once } from 'node:events';
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import t, { type Test } from 'tap';
import { VirtualClock } from '../../../src/core/clock.js';
import { Retention } from '../../../src/log/maintain/retention.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { type LogStore, openStore } from '../../../src/log/storage/log-store.js';
import { heldSegments, Lease } from '../../../src/log/storage/reader-lease.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { LogStream } from '../../../src/replay/stream.js';
import { inOwnPidNamespace, mountedToo, Started, whyNoContainers } from '../../helpers/container.js';
import { drain, FakeShard, Market, makeFolder, openRig, removeFolder } from '../support.js';

const SEGMENT_MS = 1_000;
const SEGMENTS = 6;
const TICKS = 20_000;
const NO_IMPORTS: ReadonlyMap<number, number> = new Map();
const CHILD = fileURLToPath(new URL('./lock.child.js', import.meta.url));
const noContainers = whyNoContainers();

/** A log of some closed segments and an open one. */
async function fill(folder: string): Promise<void> {
  const clock = new VirtualClock();
  const rig = await openRig(folder, 20, { nowMs: 0, segmentMs: SEGMENT_MS, ringSlots: 65_536 });
  const shard = new FakeShard(rig.memory, 0, new Market(20, 5), SEGMENTS * TICKS);
  const stage = rig.stage({ commitDelayMs: 1, segmentMs: SEGMENT_MS }, clock);
  for (let k = 0; k < SEGMENTS; k++) {
    clock.set(k, 0);
    await shard.publishAll(TICKS, 4_096);
    while (shard.visible < shard.head) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await drain(rig, stage);
  await rig.opened.close();
}

/** Lets go of as much as may go; says how many segments are left, and what was reported. */
async function look(store: LogStore): Promise<{ left: number; reports: string[] }> {
  const reports: string[] = [];
  await new Retention(store, { totalBytes: 1 }, (_, message) => reports.push(message)).look(0);
  return { left: store.segments().length, reports };
}

t.test('a reader of this process, while it reads', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  await fill(folder);
  const store = openStore(folder);
  t.teardown(() => store.close());
  const reader = LogReader.open(folder);
  reader.hold();
  const { left, reports } = await look(store);
  t.equal(left, SEGMENTS);
  t.match(reports, [new RegExp(`Segment 1970-01-01 .* process ${process.pid} reads from it`)]);

  const stream = new LogStream(reader, { filter: null });
  let ticks = 0;
  while (stream.next()) ticks++;
  t.equal(ticks, SEGMENTS * TICKS);
  reader.letGo(1, [3 * TICKS + 1], NO_IMPORTS);
  t.equal((await look(store)).left, SEGMENTS - 3, 'what was passed goes');
  reader.letGo(1, [TICKS], NO_IMPORTS);
  t.equal((await look(store)).left, SEGMENTS - 3);
  await reader.close();
  t.equal((await look(store)).left, 1);
  t.same(readdirSync(path.join(folder, 'log', 'readers')), []);
});

t.test('what was open when it came goes too, once it is closed and passed', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const clock = new VirtualClock();
  const rig = await openRig(folder, 20, { nowMs: 0, segmentMs: SEGMENT_MS });
  const shard = new FakeShard(rig.memory, 0, new Market(20, 5), 2 * TICKS);
  const stage = rig.stage({ commitDelayMs: 1, segmentMs: SEGMENT_MS }, clock);
  await shard.publishAll(TICKS);
  while (shard.visible < TICKS) await turn();
  const reader = LogReader.open(folder);
  reader.hold();
  clock.set(1, 0);
  await shard.publishAll(TICKS);
  await drain(rig, stage);
  t.equal((await look(rig.opened.store)).left, 2, 'it is held');
  reader.bounds(1, 0);
  reader.letGo(1, [TICKS + 1], NO_IMPORTS);
  t.equal((await look(rig.opened.store)).left, 1);
  await reader.close();
  await rig.opened.close();
});

function holding(folder: string): string[] {
  return [process.execPath, CHILD, 'reader', folder];
}

/** A reader that was started some way, until it is killed. */
async function holdsUntilKilled(
  t: Test,
  how: (folder: string) => [string, string[]],
  who: RegExp,
): Promise<void> {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  await fill(folder);
  const store = openStore(folder);
  t.teardown(() => store.close());
  const reader = await Started.start(how(folder));
  t.match(reader.stdout, /^held/, reader.stderr);
  const { left, reports } = await look(store);
  t.equal(left, SEGMENTS);
  t.equal(reports.length, 1);
  t.match(reports[0], who);
  await reader.stop();
  t.equal((await look(store)).left, 1);
  t.same(readdirSync(path.join(folder, 'log', 'readers')), [], 'its file is gone');
}

t.test('a reader of another process, until it is killed', (t) =>
  holdsUntilKilled(
    t,
    (folder) => [process.execPath, [CHILD, 'reader', folder]],
    /, but process \d+ reads from it/,
  ),
);

t.test('a reader in a container', { skip: noContainers }, (t) =>
  holdsUntilKilled(
    t,
    (folder) => inOwnPidNamespace(holding(folder)),
    /, but process 1 of another container or host \(.+\) reads from it/,
  ),
);

t.test('a reader in a container that has the folder elsewhere', { skip: noContainers }, (t) => {
  const mounted = makeFolder();
  t.teardown(() => removeFolder(mounted));
  return holdsUntilKilled(
    t,
    (folder) => mountedToo(folder, mounted, holding(mounted)),
    /of another container/,
  );
});

t.test('files that are left hold nothing, whatever they say', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  await fill(folder);
  const store = openStore(folder);
  t.teardown(() => store.close());
  const readers = path.join(folder, 'log', 'readers');
  mkdirSync(readers);
  const segments = store.segments().map((r) => r.number);
  const mine = { pid: process.pid, host: hostname(), space: readlinkSync('/proc/self/ns/pid') };
  writeFileSync(path.join(readers, 'same-pid.json'), JSON.stringify({ ...mine, segments }));
  writeFileSync(path.join(readers, 'first.json'), JSON.stringify({ pid: 1, started: '', segments }));
  writeFileSync(path.join(readers, 'half.json.new'), '{"pid":');
  t.equal((await look(store)).left, 1);
  t.same(readdirSync(readers), []);
});

t.test('retention that looks while readers come and go removes none of their files', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  await fill(folder);
  const looking = new Worker(new URL('./lease.worker.js', import.meta.url), { workerData: folder });
  t.teardown(() => looking.terminate());
  await once(looking, 'message');
  for (let n = 1; n <= 300; n++) {
    const lease = Lease.take(folder, [n])!;
    lease.hold([n + 1]);
    if (!heldSegments(folder).has(n + 1) || heldSegments(folder).has(n)) t.fail(`lease ${n} does not hold`);
    lease.release();
  }
  t.equal(heldSegments(folder).size, 0);
});

t.test('a reader that may not write there is told', { skip: noContainers }, async (t) => {
  const folder = makeFolder();
  const mounted = makeFolder();
  t.teardown(() => [folder, mounted].forEach(removeFolder));
  await fill(folder);
  const readOnly = ['sh', '-c', 'mount -o remount,bind,ro "$1" && shift && exec "$@"', 'sh', mounted];
  const reader = await Started.start(mountedToo(folder, mounted, [...readOnly, ...holding(mounted)]));
  t.match(reader.stdout, /^held/);
  await reader.stop();
  t.match(reader.stderr, `This process may not write to ${mounted}, so it cannot hold what it reads`);
});
