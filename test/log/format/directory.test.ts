/** A block's directory: whatever its entries are, they come back; whatever bytes stand there, reading them ends. */
import fc from 'fast-check';
import t from 'tap';
import { COUNT_BYTES_MAX, Directory, ENTRY_BYTES_MAX } from '../../../src/log/format/directory.js';

const word = fc.oneof(
  fc.constantFrom(0, 1, 127, 128, 0x7fffffff, 0x80000000, 0xffffffff),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const entries = fc.array(fc.tuple(word, fc.integer({ min: 0, max: 15 }), word, word), { maxLength: 40 });

function bytesOf(list: [number, number, number, number][]): Uint8Array {
  const directory = new Directory(40);
  directory.count = list.length;
  list.forEach(([id, digits, first, last], i) => {
    directory.symbolId[i] = id;
    directory.digits[i] = digits;
    directory.firstSymbolSeq[i] = first;
    directory.lastSymbolSeq[i] = last;
  });
  const out = new Uint8Array(3 + COUNT_BYTES_MAX + list.length * ENTRY_BYTES_MAX);
  return out.subarray(0, directory.write(out, 3));
}

t.test('every entry comes back', async (t) => {
  fc.assert(
    fc.property(entries, (list) => {
      const bytes = bytesOf(list);
      const back = new Directory(40);
      const end = back.read(bytes, 3);
      const read = Array.from({ length: back.count }, (_, i) => [
        back.symbolId[i],
        back.digits[i],
        back.firstSymbolSeq[i],
        back.lastSymbolSeq[i],
      ]);
      return end === bytes.length && JSON.stringify(read) === JSON.stringify(list);
    }),
    { numRuns: 300, seed: 20_240_502 },
  );
  t.pass('and nothing else');
});

t.test('a directory that breaks off is none', async (t) => {
  const bytes = bytesOf([
    [7, 5, 1_000_000, 1_000_900],
    [900, 2, 0xfffffff0, 3],
  ]);
  for (let end = 3; end < bytes.length; end++) {
    t.equal(new Directory(40).read(bytes.subarray(0, end), 3), -1, `${end} bytes`);
  }
  t.equal(new Directory(1).read(bytes, 3), -1, 'more symbols than there can be');
  t.equal(new Directory(40).read(new Uint8Array(64).fill(255), 3), -1, 'varints without an end');
});
