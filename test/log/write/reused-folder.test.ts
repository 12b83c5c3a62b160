/** A segment gets the folder of one that was removed: who had that one open reads the new one. */
import t from 'tap';
import { VirtualClock } from '../../../src/core/clock.js';
import { RECORD_U32, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../../src/core/tick.js';
import { Retention } from '../../../src/log/maintain/retention.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { bytesOf, drain, FakeShard, Market, makeFolder, openRig, readAll, removeFolder } from '../support.js';

const SEGMENT_MS = 60_000;
const TICKS = 20_000;

t.test('in the same epoch, for a reader that was idle meanwhile', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const rig = await openRig(folder, 20, { nowMs: 0, segmentMs: SEGMENT_MS, ringSlots: 65_536 });
  const clock = new VirtualClock();
  const shard = new FakeShard(rig.memory, 0, new Market(20, 9), 4 * TICKS);
  /** A stage that finds a segment which another stage has begun leaves it and begins one of its own. */
  const write = async (second: number): Promise<void> => {
    clock.set(second, 0);
    const stage = rig.stage({ segmentMs: SEGMENT_MS, commitDelayMs: 1 }, clock);
    await shard.publishAll(TICKS, 4_096);
    await drain(rig, stage);
  };
  await write(0);
  await write(SEGMENT_MS / 1000);
  const idle = LogReader.open(folder);
  t.equal(readAll(idle, 1, 0).seqs.length, 2 * TICKS);
  const words = (seq: number): [number, number] => {
    const w = (seq - 1) * RECORD_U32;
    return [shard.sent.u32[w + U32_TS_RECV_S], shard.sent.u32[w + U32_TS_RECV_NS]];
  };
  t.ok(idle.seekTime(1, 0, ...words(2 * TICKS)) > TICKS, 'it has the index of the second segment');

  await write(SEGMENT_MS / 1000);
  const store = openStore(folder);
  const before = store.segments().map((r) => r.folder);
  await new Retention(store, { totalBytes: 1 }, () => {}).look(SEGMENT_MS);
  await write(SEGMENT_MS / 1000);
  store.refresh();
  const after = store.segments().map((r) => r.folder);
  t.same(after, [before[2], before[1]], 'the new one has the folder of the second');
  await store.close();

  const left = readAll(idle, 1, 0);
  t.same(left.gaps, [{ first: 1, last: 2 * TICKS, reason: 'retention' }]);
  t.equal(left.seqs.length, 2 * TICKS);
  t.ok(bytesOf(left.records, 0, 2 * TICKS).equals(bytesOf(shard.sent, 2 * TICKS, 2 * TICKS)), 'bit for bit');
  const found = idle.seekTime(1, 0, ...words(4 * TICKS));
  t.ok(found > 3 * TICKS && found <= 4 * TICKS, `and its index, at ${found}`);
  await idle.close();
  await rig.opened.close();
});
