/** How far the log is behind is told in ticks and in time, and goes to nothing once all is durable. */
import t from 'tap';
import { RECORD_U32, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../../src/core/tick.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { Command } from '../../../src/pipeline/memory/engine-memory.js';
import { WatermarkReader } from '../../../src/pipeline/memory/watermarks.js';
import { drain, FakeShard, Market, makeFolder, openRig, removeFolder } from '../support.js';

const AGO_S = 100;

t.test('behind, and caught up', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const rig = await openRig(folder, 5, { ringSlots: 1024 });
  const shard = new FakeShard(rig.memory, 0, new Market(5, 1), 4_096);
  const marks = new WatermarkReader(rig.memory, rig.opened.epoch);
  const none = { visibleLagTicks: 0, visibleLagMs: 0, durableLagTicks: 0, durableLagMs: 0 };
  t.same(marks.read(0), { shard: 0, epoch: 1, head: 0, visible: 0, durable: 0, ...none });
  const stalled = rig.stage({ freeBytesFloor: Number.MAX_SAFE_INTEGER });
  shard.publish(500);
  for (let i = 0; i < 20; i++) await turn();
  // The first that waits was received a while ago.
  const word = shard.ring.slot(1) * RECORD_U32;
  shard.ring.records.u32[word + U32_TS_RECV_S] = Math.floor(Date.now() / 1000) - AGO_S;
  shard.ring.records.u32[word + U32_TS_RECV_NS] = 0;
  const behind = marks.read(0)!;
  t.match(behind, { head: 500, visible: 0, durable: 0, visibleLagTicks: 500, durableLagTicks: 500 });
  t.ok(behind.visibleLagMs >= AGO_S * 1000 && behind.visibleLagMs < (AGO_S + 60) * 1000, 'age of that tick');
  t.ok(behind.durableLagMs >= AGO_S * 1000);
  rig.control.command = Command.stop;
  await stalled;
  rig.control.command = Command.run;
  await drain(rig, rig.stage());
  t.same(marks.read(0), { shard: 0, epoch: 1, head: 500, visible: 500, durable: 500, ...none });
  await rig.opened.close();
});

t.test('without a log there are none', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const rig = await openRig(folder, 5);
  rig.memory.plan.log = false;
  t.equal(new WatermarkReader(rig.memory, 1).read(0), undefined);
  await rig.opened.close();
});
