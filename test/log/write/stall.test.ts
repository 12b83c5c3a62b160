/** Without room on the disk the log either stands still or is left behind, and says so. */
import t from 'tap';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { finishShed } from '../../../src/log/write/stall.js';
import { CommitCells } from '../../../src/pipeline/memory/commit-cells.js';
import { LOG_WORDS, LogWord } from '../../../src/pipeline/memory/counters.js';
import { turn } from '../../../src/pipeline/memory/doorbell.js';
import { Command } from '../../../src/pipeline/memory/engine-memory.js';
import { drain, FakeShard, Market, makeFolder, openRig, readAll, removeFolder } from '../support.js';

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
  t.equal(totals.logged + totals.shed, totals.sequenced);
  t.equal(totals.shed, 5000);
  await reader.close();
  await rig.opened.close();
});

t.test('shed: what sources may forget never passes what is logged and not yet durable', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const rig = await openRig(folder, 5, { ringSlots: 1024 });
  const shard = new FakeShard(rig.memory, 0, new Market(5, 1), 20_000);
  const settled = () => rig.counters.log(LogWord.settled);
  const first = rig.stage();
  await shard.publishAll(2000);
  await drain(rig, first);
  t.equal(settled(), 0, 'nothing was shed');
  t.equal(rig.counters.durable(0), 2000);

  const cells = new CommitCells(rig.memory.logCells, LOG_WORDS);
  const without = rig.stage({ freeBytesFloor: NO_DISK_HAS_THAT, onStall: 'shed' });
  await shard.publishAll(3000);
  await until(() => shard.visible === 5000);
  t.equal(settled(), 5000, 'told when it is shed');
  t.equal(rig.counters.durable(0), 2000, 'and not called durable');
  await drain(rig, without);

  // As if the last commit before the shed ones were still being flushed.
  cells.prime()[LogWord.settled] = 0;
  cells.commit();
  const tail = { gapFirst: 2001, logged: 2000, next: 5001, shard: 0 };
  const words = cells.prime();
  words[LogWord.durable] = 1999;
  finishShed(tail, words);
  t.equal(words[LogWord.settled], 0);
  words[LogWord.durable] = 2000;
  finishShed(tail, words);
  t.equal(words[LogWord.settled], 5000);
  words[LogWord.settled] = 0;

  const after = rig.stage();
  await until(() => rig.counters.durable(0) === 5000);
  await drain(rig, after);
  await rig.opened.close();
});
