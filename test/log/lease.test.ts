/** Retention leaves alone what a reader holds, in this process or another, for as long as that lives. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { VirtualClock } from '../../src/clock.js';
import { LogReader } from '../../src/log/reader.js';
import { Retention } from '../../src/log/retention.js';
import { type LogStore, openStore } from '../../src/log/store.js';
import { turn } from '../../src/pipeline/wait.js';
import { LogStream } from '../../src/replay/stream.js';
import { drain, FakeShard, Market, makeFolder, openRig, removeFolder } from './support.js';

const SEGMENT_MS = 1_000;
const SEGMENTS = 6;
const TICKS = 20_000;
const NO_IMPORTS: ReadonlyMap<number, number> = new Map();
const child = fileURLToPath(new URL('./lease.child.js', import.meta.url));

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

t.test('a reader of this process, as it goes on', async (t) => {
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

  const stream = new LogStream(reader, { watch: null });
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

async function startHolding(folder: string): Promise<ChildProcess> {
  const holding = spawn(process.execPath, [child, folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
  });
  await once(holding.stdout!, 'data');
  return holding;
}

t.test('a reader of another process, until it is killed', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  await fill(folder);
  const store = openStore(folder);
  t.teardown(() => store.close());
  const holding = await startHolding(folder);
  const { left, reports } = await look(store);
  t.equal(left, SEGMENTS);
  t.match(reports, [new RegExp(`process ${holding.pid} reads from it`)]);
  holding.kill('SIGKILL');
  await once(holding, 'close');
  t.equal((await look(store)).left, 1);
  t.same(readdirSync(path.join(folder, 'log', 'readers')), [], 'its file is gone');
});
