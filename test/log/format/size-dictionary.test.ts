/** Which blocks have a dictionary of sizes depends on their own ticks: those of another market before them do not cost them theirs. */
import t from 'tap';
import { Kind, Records, writeHeader, writeQuote, writeTimes } from '../../../src/core/tick.js';
import { blockBytesMax, checkBlock, writeBlock } from '../../../src/log/format/block.js';
import { BlockCodec } from '../../../src/log/format/block-codec.js';
import { readTicks } from '../../../src/log/format/block-ticks.js';
import { bytesOf, seeded } from '../support.js';

const TICKS = 8_192;
const DIGITS = Uint8Array.from([0, 2]);
const MANY = 1e8;
const FEW = 40;

/** A block of quotes, each with two of so many sizes. */
function quotes(sizes: number, seed: number): Records {
  const next = seeded(seed);
  const records = Records.allocate(TICKS);
  for (let i = 0; i < TICKS; i++) {
    writeHeader(records, i, 1, Kind.quote, 1, i + 1, i + 1);
    writeTimes(records, i, 1_700_000_000 + i, 0, 1_700_000_000 + i, 0);
    writeQuote(records, i, 100, 100.01, 1 + (next() % sizes), 1 + (next() % sizes));
  }
  return records;
}

function encoded(codec: BlockCodec, records: Records): Buffer {
  const out = new Uint8Array(blockBytesMax(codec, TICKS));
  return Buffer.from(writeBlock(codec, 1, 0, 1, records, TICKS, DIGITS, [], out, 0));
}

/** How many times a block is written otherwise than by a codec that has seen no other, before it is written as by that. */
function passedOverBy(codec: BlockCodec, records: Records, alone: Buffer): number {
  for (let n = 0; n < 100; n++) if (encoded(codec, records).equals(alone)) return n;
  return Number.POSITIVE_INFINITY;
}

t.test('a market with few sizes behind one with many', async (t) => {
  const few = quotes(FEW, 1);
  const alone = encoded(new BlockCodec(), few);
  for (const before of [1, 2, 3, 7, 20]) {
    const codec = new BlockCodec();
    for (let k = 0; k < before; k++) encoded(codec, quotes(MANY, 2 + k));
    const passedOver = passedOverBy(codec, few, alone);
    t.ok(passedOver <= 3, `after ${before} blocks ${passedOver} are passed over`);
  }
});

t.test('blocks that begin with few sizes and then have many', async (t) => {
  const codec = new BlockCodec();
  const lengths = [];
  for (let k = 0; k < 40; k++) {
    const records = quotes(MANY, 100 + k);
    const few = quotes(FEW, 200 + k);
    records.u8.set(few.u8.subarray(0, 1_000 * 64));
    const block = encoded(codec, records);
    lengths.push(block.length);
    const back = Records.allocate(TICKS);
    t.equal(readTicks(new BlockCodec(), block, checkBlock(block)!, back), TICKS);
    if (!bytesOf(back, 0, TICKS).equals(bytesOf(records, 0, TICKS))) t.fail(`block ${k} came back different`);
  }
  t.ok(Math.max(...lengths) - Math.min(...lengths) < 0.01 * lengths[0], 'all are written as words');
  const few = quotes(FEW, 1);
  const alone = encoded(new BlockCodec(), few);
  const passedOver = passedOverBy(codec, few, alone);
  t.ok(passedOver <= 15, `${passedOver} blocks are passed over after them`);
});
