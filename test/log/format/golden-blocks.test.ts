/** Blocks of every released version can be read, and the present version writes the same bytes for ever. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Records } from '../../../src/core/tick.js';
import { blockBytesMax, checkBlock, readPositions, writeBlock } from '../../../src/log/format/block.js';
import { BlockCodec } from '../../../src/log/format/block-codec.js';
import { readTicks } from '../../../src/log/format/block-ticks.js';
import { recompressBlock } from '../../../src/log/format/compress.js';
import {
  GOLDEN_FIRST_SEQ,
  GOLDEN_LARGE_TICKS,
  GOLDEN_TICKS,
  goldenRecords,
} from '../../helpers/golden/records.js';
import { bytesOf } from '../support.js';

const POSITIONS = [{ sourceId: 1, bucket: 2, position: 77 }];

function golden(name: string): Uint8Array {
  return readFileSync(join('fixtures', 'log', name));
}

for (const [name, ticks] of [
  ['block-v2.bin', GOLDEN_TICKS],
  ['block-v2-deflate.bin', GOLDEN_TICKS],
  ['block-v2-brotli.bin', GOLDEN_TICKS],
  ['block-v2-large.bin', GOLDEN_LARGE_TICKS],
] as const) {
  t.test(name, async (t) => {
    const block = golden(name);
    const header = checkBlock(block);
    if (header === undefined) throw new Error('its checksum is wrong');
    t.match(header, { epoch: 3, shard: 1, firstSeq: GOLDEN_FIRST_SEQ });
    t.same(readPositions(block, header), POSITIONS);
    const back = Records.allocate(ticks);
    t.equal(readTicks(new BlockCodec(), block, header, back), ticks);
    const { records } = goldenRecords(ticks);
    t.ok(bytesOf(back, 0, ticks).equals(bytesOf(records, 0, ticks)), 'bit for bit');
  });
}

t.test('the encoder still writes what it wrote', async (t) => {
  for (const [name, ticks] of [
    ['block-v2.bin', GOLDEN_TICKS],
    ['block-v2-large.bin', GOLDEN_LARGE_TICKS],
  ] as const) {
    const codec = new BlockCodec();
    const { records, digits } = goldenRecords(ticks);
    const out = new Uint8Array(blockBytesMax(codec, ticks));
    const block = writeBlock(codec, 3, 1, GOLDEN_FIRST_SEQ, records, ticks, digits, POSITIONS, out, 0);
    t.ok(Buffer.from(block).equals(golden(name)), `${name}, byte for byte`);
  }
  t.ok(
    Buffer.from(recompressBlock(golden('block-v2-brotli.bin'), 'none')).equals(golden('block-v2.bin')),
    'and so does undoing a compressor',
  );
});
