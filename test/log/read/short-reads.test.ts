/** A reader that stalls between two readings holds no page of the log back: its transactions are over by then. */
import t from 'tap';
import { Records } from '../../../src/core/tick.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { openSegment } from '../../../src/log/storage/segments.js';
import { drain, FakeShard, Market, makeFolder, openRig, removeFolder } from '../support.js';

t.test('after every way to read', async (t) => {
  const folder = makeFolder();
  const rig = await openRig(folder, 20);
  const shard = new FakeShard(rig.memory, 0, new Market(20, 5), 30_000);
  const stage = rig.stage();
  await shard.publishAll(30_000);
  await drain(rig, stage);
  const store = openStore(folder, { readOnly: true });
  const segment = openSegment(folder, store.segments()[0].folder, { readOnly: true });
  const reader = LogReader.open(folder);
  t.teardown(async () => {
    await reader.close();
    await segment.blocks.close();
    await store.close();
    await rig.opened.close();
    removeFolder(folder);
  });
  /** Transactions open now: rows of lmdb's table whose last column is a number. */
  const open = (root: { readerList(): string }) => root.readerList().match(/^\s*\d+\s+\w+\s+\d+\s*$/gm) ?? [];
  segment.blocks.resetReadTxn();
  segment.blocks.get(Buffer.of(1));
  t.not(open(segment.blocks).length, 0, 'a transaction is seen');
  segment.blocks.resetReadTxn();
  store.release();

  const filter = new Uint8Array(4).fill(1, 3);
  const into = Records.allocate(100);
  const seqs = new Float64Array(100);
  const ways: Record<string, () => unknown> = {
    read: () => reader.read({ epoch: 1, shard: 0, fromSeq: 9_000, maxTicks: 100 }, into, seqs),
    'read of a symbol': () =>
      reader.read({ epoch: 1, shard: 0, fromSeq: 1, filter, maxTicks: 100 }, into, seqs),
    'seek by time': () => reader.seekTime(1, 0, 1_700_000_000, 5e6),
    'seek by symbolSeq': () => reader.seekSymbol(1, 0, 3, 100),
    bounds: () => reader.bounds(1, 0),
    epochs: () => reader.epochs(),
    logId: () => reader.logId,
  };
  for (const [name, way] of Object.entries(ways)) {
    way();
    t.same(open(segment.blocks), [], `${name}: none of the segment`);
    t.same(open(store.catalog.root), [], `${name}: none of the catalog`);
  }
});
