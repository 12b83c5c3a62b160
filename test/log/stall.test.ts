/** Without room on the disk the log either stands still or is left behind, and says so. */
import t from 'tap';
import { LogReader } from '../../src/log/reader.js';
import { LogWord } from '../../src/pipeline/counters.js';
import { Command } from '../../src/pipeline/memory.js';
import { turn } from '../../src/pipeline/wait.js';
import { drain, FakeShard, Market, makeFolder, openRig, readAll, removeFolder } from './support.js';

const NO_DISK_HAS_THAT = Number.MAX_SAFE_INTEGER;

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

t.test('block: nothing passes the gate', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const rig = await openRig(folder, 5, { ringSlots: 1024 });
  const shard = new FakeShard(rig.memory, 0, new Market(5, 1), 4096);
  const stalled = rig.stage({ freeBytesFloor: NO_DISK_HAS_THAT });
  await until(() => rig.counters.log(LogWord.stalled) === 1);
  t.equal(shard.publish(4096), 1024);
  for (let i = 0; i < 50; i++) await turn();
  t.equal(shard.visible, 0);
  t.equal(shard.publish(1), 0);
  t.match(rig.reports, [/MiB left.*stands still/]);
  rig.control.command = Command.stop;
  await stalled;

  rig.control.command = Command.run;
  const stage = rig.stage();
  await shard.publishAll(3000);
  await drain(rig, stage);
  const reader = LogReader.open(folder);
  t.equal(readAll(reader, 1, 0).seqs.length, 4024);
  t.equal(rig.counters.log(LogWord.stalled), 0);
  await reader.close();
  await rig.opened.close();
});

t.test('shed: ticks go on, and the log shows the gap', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const rig = await openRig(folder, 5, { ringSlots: 1024 });
  const shard = new FakeShard(rig.memory, 0, new Market(5, 1), 20_000);
  const first = rig.stage();
  await shard.publishAll(2000);
  await drain(rig, first);
  const without = rig.stage({ freeBytesFloor: NO_DISK_HAS_THAT, onStall: 'shed' });
  await shard.publishAll(5000);
  await until(() => shard.visible === 7000);
  t.equal(rig.counters.log(LogWord.shed), 5000);
  await drain(rig, without);

  // Another stage finds the gap that its predecessor could not write down.
  const after = rig.stage();
  await until(() => rig.counters.durable(0) === 7000);
  await shard.publishAll(1000);
  await drain(rig, after);
  const reader = LogReader.open(folder);
  const all = readAll(reader, 1, 0);
  t.same(all.gaps, [{ first: 2001, last: 7000, reason: 'shed' }]);
  t.equal(all.seqs.length, 3000);
  t.equal(all.seqs[2000], 7001);
  const totals = rig.counters.totals();
  t.equal(totals.logged + totals.shed, totals.numbered);
  t.equal(totals.shed, 5000);
  await reader.close();
  await rig.opened.close();
});
