/** Integer columns come back as they were, at every width, in few values and in lanes, with patches and without. */
import t from 'tap';
import { mix } from '../../../src/feeds/synthetic/random.js';
import { columnsModule } from '../../../src/log/format/column-codec.js';

const COUNTS = [1, 31, 2_047, 2_048, 2_049, 5_000, 8_192, 16_384];
const CAPACITY = 16_384;
/** Behind a column there are places that packing may write to. */
const SPARE = 128;

t.test('every width', async (t) => {
  const module = columnsModule(() => 0);
  const at = module.SIZE_COLUMN.value;
  const from = module.WORDS.value + 20;
  const values = new Int32Array(module.memory.buffer, at, CAPACITY + SPARE);
  const words = new Int32Array(module.memory.buffer, module.WORDS.value, 3 * CAPACITY);
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
        const end = module.pack(at, count, from);
        const what = `${count} values of ${width} bits, a patch every ${patchEvery}`;
        values.fill(-1);
        if (module.unpack(from, end, at, count) !== end) t.fail(`${what}: wrong end`);
        if (!Buffer.from(wanted.buffer).equals(Buffer.from(values.slice(0, count).buffer)))
          t.fail(`${what}: different`);
        if (module.unpack(from, end - 4, at, count) !== 0) t.fail(`${what}: read beyond its end`);
      }
    }
  }
  t.pass('all came back');
});
