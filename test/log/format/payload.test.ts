/** Invalid payloads in blocks with a right checksum: every read ends, and returns an error or ticks. */
import fc from 'fast-check';
import t from 'tap';
import { RECORD_BYTES, Records } from '../../../src/core/tick.js';
import { blockBytesMax, checkBlock, sealBlock, writeBlock } from '../../../src/log/format/block.js';
import { BlockCodec } from '../../../src/log/format/block-codec.js';
import { readTicks } from '../../../src/log/format/block-ticks.js';
import { type Compression, recompressBlock } from '../../../src/log/format/compress.js';
import { Directory } from '../../../src/log/format/directory.js';
import { bytesOf, Market } from '../support.js';

/** So many that columns have lanes, and few enough that those of trades have none. */
const TICKS = 2_500;
const codec = new BlockCodec();
const market = new Market(20, 11);
const records = Records.allocate(TICKS);
for (let i = 0; i < TICKS; i++) market.write(records, i);
const whole = (() => {
  const out = new Uint8Array(blockBytesMax(codec, TICKS));
  return writeBlock(codec, 1, 0, 1, records, TICKS, market.digits, [], out, 0).slice();
})();
const HEADER = 64;
const GUARD = 0x5a;

/** Reads into the middle of guarded memory. Returns how many ticks. */
function read(block: Uint8Array): number {
  const buffer = new ArrayBuffer((TICKS + 2) * RECORD_BYTES);
  const all = new Uint8Array(buffer).fill(GUARD);
  const into = new Records(buffer, RECORD_BYTES, TICKS);
  const count = readTicks(codec, block, checkBlock(block)!, into);
  const isKept = (from: number): boolean => all.subarray(from, from + RECORD_BYTES).every((b) => b === GUARD);
  if (!isKept(0) || !isKept((TICKS + 1) * RECORD_BYTES)) throw new Error('it wrote beside the records');
  return count;
}

const kinds = fc.constantFrom<Compression>('none', 'deflate', 'brotli');

t.test('cut off', async (t) => {
  fc.assert(
    fc.property(kinds, fc.double({ min: 0, max: 0.9999, noNaN: true }), (compression, part) => {
      const block = recompressBlock(whole, compression);
      const length = HEADER + Math.floor((block.length - HEADER) * part);
      return read(sealBlock(block.slice(0, length), block[1])) === -1;
    }),
    { numRuns: 300, seed: 20_240_504 },
  );
  t.pass('never taken for whole');
});

t.test('turned bits, words and ranges of bytes', async (t) => {
  const change = fc.tuple(
    fc.double({ min: 0, max: 0.9999, noNaN: true }),
    fc.oneof(fc.constantFrom(0, 0xff, 0x80, 1), fc.integer({ min: 0, max: 255 })),
    fc.constantFrom(1, 1, 4, 40),
  );
  let refused = 0;
  fc.assert(
    fc.property(kinds, fc.array(change, { minLength: 1, maxLength: 6 }), (compression, changes) => {
      const block = recompressBlock(whole, compression).slice();
      for (const [part, value, length] of changes) {
        const at = HEADER + Math.floor((block.length - HEADER) * part ** 3);
        block.fill(value, at, at + length);
      }
      const count = read(sealBlock(block, block[1]));
      if (count === -1) refused++;
      return count === -1 || count === TICKS;
    }),
    { numRuns: 1500, seed: 20_240_505 },
  );
  t.ok(refused > 100, `${refused} were refused`);
});

t.test('sizes of a dictionary that has none', async (t) => {
  const count = 12;
  const alike = Records.allocate(count);
  for (let i = 0; i < count; i++) {
    alike.u32.set([1, 1 << 16, 0, i + 1], i * 16);
    alike.f64.set([1, 2, 3, 3], i * 8 + 4);
  }
  const out = new Uint8Array(blockBytesMax(codec, count));
  const block = writeBlock(codec, 1, 0, 1, alike, count, market.digits, [], out, 0);
  const words = new Directory(1).read(block, HEADER);
  const view = new DataView(block.buffer, words);
  t.equal(view.getUint32(16, true), 1, 'one size in it');
  view.setUint32(16, 0, true);
  const dictionary = words + 4 * (11 + view.getUint32(4, true));
  const without = Buffer.concat([block.subarray(0, dictionary), block.subarray(dictionary + 4)]);
  t.equal(read(sealBlock(without, 0)), -1);
});

t.test('and afterwards it reads as before', async (t) => {
  const back = Records.allocate(TICKS);
  t.equal(readTicks(codec, whole, checkBlock(whole)!, back), TICKS);
  for (let i = 0; i < TICKS; i++) records.u32[i * 16 + 2] = i + 1;
  t.ok(bytesOf(back, 0, TICKS).equals(bytesOf(records, 0, TICKS)));
});
