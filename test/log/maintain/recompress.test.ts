/** Closed segments are rewritten smaller while the log is written; a kill at any step leaves them unchanged. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { VirtualClock } from '../../../src/core/clock.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { segmentsFolder } from '../../../src/log/storage/segments.js';
import { openLog } from '../../../src/log/write/open-log.js';
import {
  bytesOf,
  drain,
  FakeShard,
  Market,
  makeFolder,
  openRig,
  readAll,
  removeFolder,
  seeded,
} from '../support.js';

const SEGMENT_MS = 1_000;
const SEGMENTS = 4;
const TICKS = 20_000;
const child = fileURLToPath(new URL('./recompress.child.js', import.meta.url));

interface Filled {
  rig: Awaited<ReturnType<typeof openRig>>;
  shard: FakeShard;
  clock: VirtualClock;
}

/** A log of three closed segments and an open one. */
async function fill(folder: string): Promise<Filled> {
  const clock = new VirtualClock();
  const rig = await openRig(folder, 20, { nowMs: 0, segmentMs: SEGMENT_MS, ringSlots: 65_536 });
  const shard = new FakeShard(rig.memory, 0, new Market(20, 5), 2 * SEGMENTS * TICKS);
  const stage = rig.stage({ commitDelayMs: 1, segmentMs: SEGMENT_MS }, clock);
  for (let k = 0; k < SEGMENTS; k++) {
    clock.set(k, 0);
    await shard.publishAll(TICKS, 4_096);
    while (shard.visible < shard.head) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await drain(rig, stage);
  return { rig, shard, clock };
}

function recompressed(folder: string): number {
  const store = openStore(folder, { readOnly: true });
  const count = store.segments().filter((r) => r.compression === 'brotli').length;
  void store.close();
  return count;
}

function foldersOf(folder: string): string[] {
  const store = openStore(folder, { readOnly: true });
  const folders = store.segments().map((r) => r.folder);
  void store.close();
  return folders.sort();
}

t.test('beside live ticks', { timeout: 90_000 }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const { rig, shard, clock } = await fill(folder);
  const reader = LogReader.open(folder);
  const before = readAll(reader, 1, 0, TICKS / 2);
  const stage = rig.stage({ commitDelayMs: 1, segmentMs: SEGMENT_MS, recompress: 'brotli' }, clock);
  let left = TICKS;
  while (recompressed(folder) < SEGMENTS) {
    left -= shard.publish(Math.min(left, 50));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await drain(rig, stage);

  const all = readAll(reader, 1, 0);
  t.equal(all.seqs.length, shard.head);
  t.same(all.gaps, []);
  t.ok(bytesOf(all.records, 0, shard.head).equals(bytesOf(shard.sent, 0, shard.head)), 'bit for bit');
  t.ok(before.seqs.length > 0, 'and so for one who had the old segments open');
  const store = openStore(folder, { readOnly: true });
  for (const { ranges, bytes, bytesBefore } of store.segments()) {
    if (ranges !== undefined) t.ok(bytes! < bytesBefore!, `${bytesBefore} bytes became ${bytes}`);
  }
  await store.close();
  t.same(readdirSync(segmentsFolder(folder)).sort(), foldersOf(folder));
  await reader.close();
  await rig.opened.close();
});

/** Recompresses a segment in a process that is killed at a probe, or, without one, `delayMs` after it began. */
async function recompressAndDie(folder: string, probe: number, delayMs: number): Promise<void> {
  const dying = spawn(process.execPath, [child, folder, String(probe)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
  });
  dying.stdout!.on('data', () => {
    if (probe === 0) setTimeout(() => dying.kill('SIGKILL'), delayMs);
  });
  await once(dying, 'close');
}

t.test('killed in any step', { timeout: 120_000 }, async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const { rig, shard } = await fill(folder);
  await rig.opened.close();
  const random = seeded(3);
  for (const probe of [1, 2, 3, 0, 0]) {
    await recompressAndDie(folder, probe, random() % 400);
    const opened = await openLog(folder, { shards: 1, nowMs: SEGMENTS * SEGMENT_MS, segmentMs: SEGMENT_MS });
    const reader = LogReader.open(folder);
    const all = readAll(reader, 1, 0);
    t.equal(all.seqs.length, shard.head, `probe ${probe}`);
    t.ok(bytesOf(all.records, 0, shard.head).equals(bytesOf(shard.sent, 0, shard.head)), 'bit for bit');
    t.same(readdirSync(segmentsFolder(folder)).sort(), foldersOf(folder), 'what was left is taken away');
    await reader.close();
    await opened.close();
  }
});
