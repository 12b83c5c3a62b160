/** A damaged frame throws `BadFrame`, a damaged cursor token gives null. Nothing is read beyond the message. */
import fc from 'fast-check';
import t from 'tap';
import { Kind, Records, writeHeader, writeQuote, writeTimes } from '../../src/core/tick.js';
import { cursorFromText, cursorToText, textToBytes } from '../../src/wire/cursor.js';
import { BadFrame, PackedReader } from '../../src/wire/packed.js';
import { encode } from '../helpers/wire.js';

const records = Records.allocate(3);
for (let i = 0; i < 3; i++) {
  writeHeader(records, i, 1, Kind.quote, 0, i + 1, i + 1);
  writeTimes(records, i, 1_790_000_000, 0, 1_790_000_000, i);
  writeQuote(records, i, 1.1 + i, 1.2 + i, i === 1 ? 5 : Number.NaN, i === 2 ? 0.1 : Number.NaN);
}
const frame = encode('packed', records, [1, 2, 3]).message;

function walk(bytes: Uint8Array): boolean {
  const reader = new PackedReader();
  try {
    reader.reset(bytes);
    while (reader.nextBatch()) while (reader.nextRecord());
    return true;
  } catch (error) {
    if (error instanceof BadFrame) return false;
    throw error;
  }
}

t.test('frames', async (t) => {
  t.ok(walk(frame));
  for (let length = 0; length < frame.length; length++)
    t.notOk(walk(frame.subarray(0, length)), `${length} bytes`);
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: frame.length - 1 }),
      fc.integer({ min: 0, max: 255 }),
      (at, byte) => {
        const damaged = frame.slice();
        damaged[at] = byte;
        walk(damaged);
      },
    ),
    { seed: 5, numRuns: 2000 },
  );
});

t.test('cursors', async (t) => {
  const cursor = { logId: '0123456789abcdef', epoch: 3, seqs: [1, 2 ** 40, 0] };
  const token = cursorToText(cursor);
  t.match(token, /^[\w-]+$/);
  t.same(cursorFromText(token), cursor);
  for (const bad of [
    '',
    'A',
    '====',
    token.slice(4),
    `${token}AAAA`,
    token.replace(/^./, 'z'),
    'é'.repeat(20),
  ])
    t.equal(cursorFromText(bad), null, bad);
  t.same(textToBytes('__-_'), new Uint8Array([0xff, 0xff, 0xbf]));
});
