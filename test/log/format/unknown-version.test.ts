/** A block of a version that this build does not read: it has a right checksum, and no reader returns ticks of it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import t from 'tap';
import { Records } from '../../../src/core/tick.js';
import { checkBlock, checksumSeed } from '../../../src/log/format/block.js';
import { BlockCodec } from '../../../src/log/format/block-codec.js';
import { readTicks } from '../../../src/log/format/block-ticks.js';
import { blockKey } from '../../../src/log/format/keys.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { LogVerifier } from '../../../src/log/repair/verify.js';
import { readSegments } from '../../../src/log/storage/catalog.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { blocksOfSegment } from '../../../src/log/storage/segment-blocks.js';
import { openSegment } from '../../../src/log/storage/segments.js';
import { GOLDEN_TICKS } from '../../helpers/golden/records.js';
import { drain, FakeShard, Market, makeFolder, openRig, readAll, removeFolder } from '../support.js';

const TICKS = 30_000;
const SYMBOLS = 20;

function withVersion(block: Uint8Array, version: number): Buffer {
  const bytes = Buffer.from(block);
  bytes[0] = version;
  bytes.writeUInt32LE(crc32(bytes.subarray(8), checksumSeed(bytes)), 4);
  return bytes;
}

for (const version of [1, 3]) {
  t.test(`version ${version} is refused`, async (t) => {
    const block = withVersion(readFileSync(join('fixtures', 'log', 'block-v2.bin')), version);
    const header = checkBlock(block);
    if (header === undefined) throw new Error('The checksum is wrong.');
    t.equal(readTicks(new BlockCodec(), block, header, Records.allocate(GOLDEN_TICKS)), -1);
  });

  t.test(`a log with a block of version ${version}`, async (t) => {
    const folder = makeFolder();
    t.teardown(() => removeFolder(folder));
    const rig = await openRig(folder, SYMBOLS);
    const shard = new FakeShard(rig.memory, 0, new Market(SYMBOLS, 8), TICKS, true);
    const stage = rig.stage();
    await shard.publishAll(TICKS);
    await drain(rig, stage);
    await rig.opened.close();

    const writable = openStore(folder);
    const { blocks } = openSegment(folder, readSegments(writable.catalog)[0].folder, { readOnly: false });
    const firsts = Array.from(
      blocksOfSegment(writable.open(writable.segments()[0])!),
      ({ key }) => key.firstSeq,
    );
    t.ok(firsts.length >= 3, 'a block stands before and after it');
    const key = blockKey(1, 0, firsts[1]);
    await blocks.put(key, withVersion(blocks.get(key)!, version));
    await blocks.close();
    await writable.close();

    const store = openStore(folder, { readOnly: true });
    const { damages } = await new LogVerifier(store, SYMBOLS + 1).run(async () => false);
    await store.close();
    const [first, last] = [firsts[1], firsts[2] - 1];
    t.match(damages, [{ first, last, reason: 'undecodable' }]);
    t.equal(damages.length, 1, 'verify names this block alone');
    const reader = LogReader.open(folder);
    const { seqs, gaps } = readAll(reader, 1, 0);
    await reader.close();
    t.match(gaps, [{ first, last }], 'its ticks read as a gap');
    t.equal(seqs.length, TICKS - (last - first + 1));
  });
}
