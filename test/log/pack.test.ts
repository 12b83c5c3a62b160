/** Integer columns come back as they were, at every width, in few values and in lanes, with patches and without. */
import t from 'tap';
import { mix } from '../../src/feeds/synthetic/random.js';
import { PACK_SPARE, Packer } from '../../src/log/pack.js';
import { Unpacker } from '../../src/log/unpack.js';

const COUNTS = [1, 31, 2_047, 2_048, 2_049, 5_000, 8_192, 16_384];
const CAPACITY = 16_384;

t.test('every width', async (t) => {
  const packer = new Packer(CAPACITY);
  const unpacker = new Unpacker(CAPACITY);
  const values = new Int32Array(CAPACITY + PACK_SPARE);
  const back = new Int32Array(CAPACITY + PACK_SPARE);
  const words = new Int32Array(3 * CAPACITY);
  let random = mix(7);
  for (const patchEvery of [0, 19]) {
    for (let width = 0; width <= 32; width++) {
      for (const count of COUNTS) {
        // What stood there before must not show.
        words.fill(-1);
        values.fill(-1);
        for (let i = 0; i < count; i++) {
          random = mix(random + 1);
          values[i] = width === 0 ? 0 : random >>> (32 - width);
          if (patchEvery !== 0 && i % patchEvery === 3) values[i] = random;
        }
        const wanted = values.slice(0, count);
        const end = packer.pack(values, count, words, 5);
        const what = `${count} values of ${width} bits, a patch every ${patchEvery}`;
        if (unpacker.unpack(words, 5, end, back, count) !== end) t.fail(`${what}: wrong end`);
        if (!Buffer.from(wanted.buffer).equals(Buffer.from(back.buffer, 0, 4 * count)))
          t.fail(`${what}: different`);
        if (unpacker.unpack(words, 5, end - 1, back, count) !== -1) t.fail(`${what}: read beyond its end`);
      }
    }
  }
  t.pass('all came back');
});
