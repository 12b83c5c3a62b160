/** Segments take turns under load: every tick is in one of them, once, and readers see one log. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { VirtualClock } from '../../../src/core/clock.js';
import { RECORD_U32, U32_TS_RECV_S } from '../../../src/core/tick.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { segmentsFolder } from '../../../src/log/storage/segments.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
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

const SHARDS = 3;
const ROUNDS = 150;
const SEGMENT_MS = 60_000;
const START_S = 1_700_000_040;

t.test('three shards over many segments', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const times = { segmentMs: SEGMENT_MS, nowMs: START_S * 1000 };
  const rig = await openRig(folder, 20, { shards: SHARDS, ringSlots: 8192, ...times });
  const clock = new VirtualClock();
  clock.set(START_S, 0);
  const shards = Array.from(
    { length: SHARDS },
    (_, s) => new FakeShard(rig.memory, s, new Market(20, 50 + s), 300_000, true),
  );
  const stage = rig.stage({ segmentMs: SEGMENT_MS, commitDelayMs: 1 }, clock);
  const random = seeded(7);
  let second = START_S;
  const seeks: { seconds: number; seq: number }[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Shard 2 is quiet most of the time, and for whole segments.
    for (const shard of shards) {
      if (shard.shard < 2 || round % 45 === 0) shard.publish(random() % 1_200);
    }
    second += random() % 24;
    // A clock that goes back a little changes nothing.
    clock.set(second - (round % 7 === 0 ? 3 : 0), 0);
    // From time to time the log falls behind over several periods.
    const enough = round % 30 < 12 ? 0 : shards[0].head - 500;
    do await turn();
    while (shards[0].visible < enough);
    if (round % 40 === 20) {
      const w = (shards[0].head - 1) * RECORD_U32;
      seeks.push({ seconds: shards[0].sent.u32[w + U32_TS_RECV_S], seq: shards[0].head });
    }
  }
  await drain(rig, stage);

  const reader = LogReader.open(folder, 4);
  for (const { shard, head, sent } of shards) {
    const all = readAll(reader, 1, shard);
    t.same(reader.bounds(1, shard), { oldest: 1, newest: head });
    t.equal(all.seqs.length, head, `shard ${shard}: ${head} ticks`);
    t.ok(
      all.seqs.every((seq, i) => seq === i + 1),
      'each once, in order',
    );
    t.same(all.gaps, []);
    t.ok(bytesOf(all.records, 0, head).equals(bytesOf(sent, 0, head)), 'bit for bit');
    const middle = Math.ceil(head / 2);
    t.equal(readAll(reader, 1, shard, middle).seqs[0], middle);
  }
  for (const { seconds, seq } of seeks) {
    const found = reader.seekTime(1, 0, seconds, 0);
    const time = (s: number) => shards[0].sent.u32[(s - 1) * RECORD_U32 + U32_TS_RECV_S];
    t.ok(found <= seq && time(found) >= seconds && (found === 1 || time(found - 1) <= seconds));
  }
  await reader.close();

  const store = openStore(folder, { readOnly: true });
  const segments = store.segments();
  t.ok(segments.length >= 10, `${segments.length} segments`);
  t.equal(segments.filter((r) => r.ranges === undefined).length, 1, 'one is open');
  t.equal(segments.filter((r) => r.heldIn !== undefined).length, 0, 'the first was closed too');
  for (const { startsAt, folder: name, ranges } of segments) {
    t.equal(startsAt % SEGMENT_MS, 0);
    t.equal(name, new Date(startsAt).toISOString().slice(0, 19).replaceAll(':', '-').concat('-000Z'));
    if (ranges !== undefined) t.ok(ranges.every((r) => r.first <= r.last));
  }
  await store.close();
  const folders = readdirSync(segmentsFolder(folder));
  t.same(folders.sort(), segments.map((r) => r.folder).sort(), 'nothing is left beside them');

  // The next engine takes up where this one ended: in the same segment, or in one of its own time.
  const end = second * 1000;
  await rig.opened.close();
  const again = await openRig(folder, 20, { shards: SHARDS, segmentMs: SEGMENT_MS, nowMs: end });
  t.same(
    LogReader.open(folder).epochs()[0].last,
    shards.map((s) => s.head),
  );
  t.equal(readdirSync(segmentsFolder(folder)).length, folders.length, 'the same segment');
  await again.opened.close();
  const later = await openRig(folder, 20, { shards: SHARDS, segmentMs: SEGMENT_MS, nowMs: end + 86_400_000 });
  t.ok(readdirSync(path.join(folder, 'log', 'segments')).length > folders.length, 'another one a day later');
  await later.opened.close();
});
