/** Old segments go as a whole, oldest first; what is left reads as before, and what went is named. */
import t from 'tap';
import { VirtualClock } from '../../../src/core/clock.js';
import { bytesOfLog, Retention, type RetentionOptions } from '../../../src/log/maintain/retention.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { type LogStore, openStore } from '../../../src/log/storage/log-store.js';
import { openLog } from '../../../src/log/write/open-log.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { bytesOf, drain, FakeShard, Market, makeFolder, openRig, readAll, removeFolder } from '../support.js';

const DAY_MS = 86_400_000;
const START_MS = 19_700 * DAY_MS;
const SEGMENTS = 5;
const TICKS = 3_000;

/** A log of two shards over five days; shard 1 ticks on the first day only. */
async function fiveDays(folder: string): Promise<FakeShard[]> {
  const clock = new VirtualClock();
  const rig = await openRig(folder, 20, { shards: 2, nowMs: START_MS });
  const shards = [0, 1].map((s) => new FakeShard(rig.memory, s, new Market(20, 70 + s), 100_000, true));
  clock.set(START_MS / 1000, 0);
  const stage = rig.stage({ commitDelayMs: 1 }, clock);
  for (let day = 0; day < SEGMENTS; day++) {
    clock.set((START_MS + day * DAY_MS) / 1000, 0);
    await shards[0].publishAll(TICKS);
    if (day === 0) await shards[1].publishAll(TICKS);
    while (shards.some((shard) => shard.visible < shard.head)) await turn();
  }
  await drain(rig, stage);
  await rig.opened.close();
  return shards;
}

const NOW_MS = START_MS + (SEGMENTS - 1) * DAY_MS + 60_000;

async function look(store: LogStore, options: RetentionOptions): Promise<string[]> {
  const reports: string[] = [];
  await new Retention(store, options, (_, message) => reports.push(message)).look(NOW_MS);
  return reports;
}

function foldersOf(store: LogStore): string[] {
  store.refresh();
  return store.segments().map((r) => r.folder);
}

t.test('by age', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const shards = await fiveDays(folder);
  // As an engine does: opened for writing before anyone of the process reads.
  const store = openStore(folder);
  const all = foldersOf(store);
  t.equal(all.length, SEGMENTS);
  const cut = LogReader.open(folder, 2);
  t.equal(readAll(cut, 1, 0).seqs.length, SEGMENTS * TICKS);

  const reports = await look(store, { ageDays: 1.5 });
  t.same(foldersOf(store), all.slice(2), 'what was closed more than a day and a half ago is gone');
  t.match(reports, [/Segment 2023-12-09 .* removed: it was closed more than 1.5 days ago/, /2023-12-10/]);

  // One that was open all the time, and one that comes afterwards.
  for (const reader of [cut, LogReader.open(folder)]) {
    t.same(reader.bounds(1, 0), { oldest: 2 * TICKS + 1, newest: SEGMENTS * TICKS });
    const left = readAll(reader, 1, 0);
    t.same(left.gaps, [{ first: 1, last: 2 * TICKS, reason: 'retention' }]);
    t.equal(left.seqs[0], 2 * TICKS + 1);
    t.equal(left.seqs.length, 3 * TICKS);
    t.ok(
      bytesOf(left.records, 0, 3 * TICKS).equals(bytesOf(shards[0].sent, 2 * TICKS, 3 * TICKS)),
      'bit for bit',
    );
    t.equal(readAll(reader, 1, 0, 4 * TICKS).seqs[0], 4 * TICKS);
    t.same(reader.bounds(1, 1), { oldest: TICKS + 1, newest: TICKS }, 'nothing is left of shard 1');
    t.same(readAll(reader, 1, 1).seqs, []);
    t.equal(reader.seekTime(1, 1, 0, 0), TICKS + 1);
    await reader.close();
  }

  await store.close();
  const opened = await openLog(folder, { shards: 2, nowMs: NOW_MS });
  t.same(LogReader.open(folder).epochs()[0].last, [SEGMENTS * TICKS, TICKS], 'the epoch ends where it did');
  const positions = opened.positions.find((p) => p.sourceId === 1)!;
  t.equal(Math.max(...positions.buckets), SEGMENTS * TICKS, 'no position went with the ticks');
  await opened.close();
});

t.test('by size, and by free space', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  await fiveDays(folder);
  // As an engine does: opened for writing before anyone of the process reads.
  const store = openStore(folder);
  const all = foldersOf(store);
  await look(store, { totalBytes: bytesOfLog(store) });
  t.same(foldersOf(store), all, 'the log is just small enough');
  await look(store, { totalBytes: bytesOfLog(store) - 1 });
  t.same(foldersOf(store), all.slice(1), 'one segment is enough');
  await look(store, { freeBytes: 1 });
  t.same(foldersOf(store), all.slice(1));
  const reports = await look(store, { freeBytes: Number.MAX_SAFE_INTEGER });
  t.same(foldersOf(store), all.slice(-1), 'the one that is written never goes');
  t.match(reports[0], /the disk had less than \d+ bytes left/);
  await store.close();
});

t.test('what the checkpoint does not cover stays', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  await fiveDays(folder);
  const store = openStore(folder);
  await store.catalog.meta.remove('checkpoint');
  await look(store, { totalBytes: 1 });
  t.equal(store.segments().length, SEGMENTS);
  await store.close();
});
