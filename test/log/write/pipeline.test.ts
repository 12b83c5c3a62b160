/** What shards number is what readers of the log read. */
import t from 'tap';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { bytesOf, drain, FakeShard, Market, makeFolder, openRig, readAll, removeFolder } from '../support.js';

t.test('two shards through small rings', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const rig = await openRig(folder, 40, { shards: 2 });
  const shards = [0, 1].map((s) => new FakeShard(rig.memory, s, new Market(40, 11 + s), 60_000));
  const stage = rig.stage();
  await Promise.all(shards.map((shard, s) => shard.publishAll(40_000 + s * 3333)));
  await drain(rig, stage);
  const reader = LogReader.open(folder);
  for (const { shard, sent, head } of shards) {
    const all = readAll(reader, rig.opened.epoch, shard);
    t.equal(all.seqs.length, head);
    t.ok(
      all.seqs.every((seq, i) => seq === i + 1),
      'in order, none missing',
    );
    t.ok(bytesOf(all.records, 0, head).equals(bytesOf(sent, 0, head)), 'bit for bit');
    t.same(all.gaps, []);
    t.equal(rig.counters.visible(shard), head);
    t.equal(rig.counters.durable(shard), head);
  }
  t.equal(rig.counters.totals().logged, rig.counters.totals().sequenced);
  t.same(rig.reports, []);
  await reader.close();
  await rig.opened.close();
});
