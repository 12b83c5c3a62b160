/** Blocks of every version that was ever written can be read; the present version writes the same bytes for ever. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { blockBytesMax, checkBlock, readPositions, readTicks, writeBlock } from '../../src/log/block.js';
import { BlockCodec } from '../../src/log/codec.js';
import { recompressBlock } from '../../src/log/compress.js';
import { Records } from '../../src/tick.js';
import { GOLDEN_FIRST_SEQ, GOLDEN_TICKS, goldenRecords } from '../helpers/golden-records.js';
import { bytesOf } from './support.js';

const POSITIONS = [{ sourceId: 1, bucket: 2, position: 77 }];

function golden(name: string): Uint8Array {
  return readFileSync(join('fixtures', 'log', name));
}

for (const name of ['block-v1.bin', 'block-v2.bin', 'block-v2-deflate.bin', 'block-v2-brotli.bin']) {
  t.test(name, async (t) => {
    const block = golden(name);
    const header = checkBlock(block);
    if (header === undefined) throw new Error('its checksum is wrong');
    t.match(header, { epoch: 3, shard: 1, firstSeq: GOLDEN_FIRST_SEQ });
    t.same(readPositions(block, header), POSITIONS);
    const back = Records.allocate(GOLDEN_TICKS);
    t.equal(readTicks(new BlockCodec(), block, header, back), GOLDEN_TICKS);
    const { records } = goldenRecords();
    t.ok(bytesOf(back, 0, GOLDEN_TICKS).equals(bytesOf(records, 0, GOLDEN_TICKS)), 'bit for bit');
  });
}

t.test('the encoder still writes what it wrote', async (t) => {
  const codec = new BlockCodec();
  const { records, digits } = goldenRecords();
  const out = new Uint8Array(blockBytesMax(codec, GOLDEN_TICKS));
  const block = writeBlock(codec, 3, 1, GOLDEN_FIRST_SEQ, records, GOLDEN_TICKS, digits, POSITIONS, out, 0);
  t.ok(Buffer.from(block).equals(golden('block-v2.bin')), 'byte for byte');
  t.ok(
    Buffer.from(recompressBlock(golden('block-v2-brotli.bin'), 'none')).equals(golden('block-v2.bin')),
    'and so does undoing a compressor',
  );
});
