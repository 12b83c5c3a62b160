/** Damaged blocks: found by their checksum, named, and passed over. */
import t from 'tap';
import { Records } from '../../../src/core/tick.js';
import { blockBytesMax, checkBlock, writeBlock } from '../../../src/log/format/block.js';
import { BlockCodec } from '../../../src/log/format/block-codec.js';
import { blockKey, isPageKey, parseKey } from '../../../src/log/format/keys.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { openSegment, type Segment } from '../../../src/log/storage/segments.js';
import { openLog } from '../../../src/log/write/open-log.js';
import { LastValueTable } from '../../../src/pipeline/memory/last-value-table.js';
import { drain, FakeShard, Market, makeFolder, openRig, readAll, removeFolder } from '../support.js';

/** Turns one bit of the block at `seq`. */
async function damage(folder: string, epoch: number, seq: number): Promise<void> {
  const segment = await onlySegment(folder);
  const key = blockKey(epoch, 0, seq);
  const bytes = segment.blocks.get(key)!;
  bytes[bytes.length >> 1] ^= 4;
  await segment.blocks.put(key, bytes);
  await segment.blocks.close();
}

async function onlySegment(folder: string): Promise<Segment> {
  const store = openStore(folder, { readOnly: true });
  const [record] = store.segments();
  await store.close();
  return openSegment(folder, record.folder, { readOnly: false });
}

async function firstSeqs(folder: string): Promise<number[]> {
  const segment = await onlySegment(folder);
  const keys = Array.from(segment.blocks.getKeys()).filter((key) => !isPageKey(key));
  const seqs = keys.map((key) => parseKey(key).firstSeq);
  await segment.blocks.close();
  return seqs;
}

t.test('every flipped bit is seen', async (t) => {
  const codec = new BlockCodec();
  const market = new Market(20, 3);
  const records = Records.allocate(50);
  for (let i = 0; i < 50; i++) market.write(records, i);
  const out = new Uint8Array(blockBytesMax(codec, 50));
  const positions = [{ sourceId: 1, bucket: 2, position: 3 }];
  const block = writeBlock(codec, 1, 0, 1, records, 50, market.digits, positions, out, 0);
  t.ok(checkBlock(block));
  for (let bit = 0; bit < block.length * 8; bit++) {
    block[bit >> 3] ^= 1 << (bit & 7);
    if (checkBlock(block) !== undefined) t.fail(`bit ${bit}`);
    block[bit >> 3] ^= 1 << (bit & 7);
  }
  t.notOk(checkBlock(block.subarray(0, 40)));
});

t.test('a block in the middle is passed over, the last one dropped', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const rig = await openRig(folder, 20);
  const shard = new FakeShard(rig.memory, 0, new Market(20, 8), 30_000, true);
  const stage = rig.stage();
  await shard.publishAll(30_000);
  await drain(rig, stage);
  await rig.opened.close();
  const firsts = await firstSeqs(folder);
  const last = firsts[firsts.length - 1];
  await damage(folder, 1, firsts[1]);
  await damage(folder, 1, last);

  const warnings: string[] = [];
  const opened = await openLog(folder, { shards: 1, warn: (w) => warnings.push(w) });
  t.equal(opened.droppedBlocks, 1);
  t.match(warnings[0], /last block of epoch 1, shard 0 was damaged/);
  t.equal(Math.max(...opened.positions[0].buckets), last - 1, 'the dropped ticks will be resent');
  const table = new LastValueTable(LastValueTable.allocate(1024), 1024);
  t.equal(opened.restoreInto(table), 20);

  const reader = LogReader.open(folder);
  t.same(reader.epochs()[0].last, [last - 1]);
  const all = readAll(reader, 1, 0);
  t.same(all.gaps, [{ first: firsts[1], last: firsts[2] - 1, reason: 'corrupt' }]);
  t.equal(all.seqs.length, last - 1 - (firsts[2] - firsts[1]));
  await reader.close();
  await opened.close();
});
