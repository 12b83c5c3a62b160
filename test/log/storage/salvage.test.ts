/** What a damaged file gives back is what the log had: not what commits that failed have left in it. */
import t from 'tap';
import { Records } from '../../../src/core/tick.js';
import { blockBytesMax, writeBlock } from '../../../src/log/format/block.js';
import { BlockCodec } from '../../../src/log/format/block-codec.js';
import { blockKey } from '../../../src/log/format/keys.js';
import { commitPuts, flush } from '../../../src/log/lmdb/transaction.js';
import { epochPut, readDoomed, segmentPuts } from '../../../src/log/storage/catalog.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { blocksFound, salvage } from '../../../src/log/storage/salvage.js';
import { blocksIn, openSegment, segmentPath } from '../../../src/log/storage/segments.js';
import { Market, makeFolder, removeFolder } from '../support.js';

const TICKS = 900;
const codec = new BlockCodec();
const market = new Market(20, 4);
const records = Records.allocate(TICKS);
for (let i = 0; i < TICKS; i++) market.write(records, i);

/** A block of the ticks from `first` to `last` of epoch 1, some pages long. */
function blockOf(first: number, last: number): Buffer {
  const count = last - first + 1;
  const out = new Uint8Array(blockBytesMax(codec, count));
  return Buffer.from(writeBlock(codec, 1, 0, first, records, count, market.digits, [], out, 0));
}

t.test('of several blocks the longest, and none beyond the end of its epoch', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const store = openStore(folder);
  const { catalog } = store;
  await commitPuts(catalog.root, [epochPut(catalog, { epoch: 1, startedAt: 0, shards: 1, last: [TICKS] })]);
  const from = openSegment(folder, 'from', { readOnly: false });
  const blocks: [number, number][] = [
    [1, 500],
    [1, TICKS],
    [1, 700],
    [TICKS + 1, TICKS + 600],
  ];
  await commitPuts(from.blocks, [{ key: blockKey(0, 0, 0), value: Buffer.of(0), isNew: true }]);
  // While it reads, pages that are given up stay as they are.
  const reading = from.blocks.useReadTransaction();
  for (const [first, last] of blocks) {
    const key = blockKey(1, 0, first);
    await commitPuts(from.blocks, [{ key, value: blockOf(first, last), isNew: false }]);
    await commitPuts(from.blocks, [{ key, value: undefined, isNew: false }]);
  }
  reading.done();
  await flush(from.blocks);
  await from.blocks.close();
  const place = segmentPath(folder, 'from');
  t.equal([...blocksFound(place)].length, blocks.length, 'blocks are found that were given up');

  const into = openSegment(folder, 'into', { readOnly: false });
  t.same(await salvage(catalog, place, into), { blocks: 1, lost: [] });
  const [[, bytes], ...others] = [...blocksIn(into, blockKey(1, 0, 0), blockKey(2, 0, 0))];
  t.ok(bytes.equals(blockOf(1, TICKS)));
  t.same(others, []);
  await into.blocks.close();
  await store.close();
});

t.test('folders that two threads give up at once are both remembered', async (t) => {
  const folder = makeFolder();
  t.teardown(() => removeFolder(folder));
  const store = openStore(folder);
  const { catalog } = store;
  const [a, b] = ['a', 'b'].map((name) => segmentPuts(catalog, [], [], [name]));
  await Promise.all([commitPuts(catalog.root, a), commitPuts(catalog.root, b)]);
  t.same(readDoomed(catalog).sort(), ['a', 'b']);
  for (let n = 0; n < 100; n++) await commitPuts(catalog.root, segmentPuts(catalog, [], [], [`c${n}`]));
  const kept = readDoomed(catalog);
  t.equal(kept.length, 64, 'not for ever');
  t.ok(kept.includes('c99') && !kept.includes('a'), 'the oldest give way');
  await store.close();
});
