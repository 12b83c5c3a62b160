/** A copy is the same bytes: NaN payloads, negative zero and every other pattern, cold and compiled. */
import t from 'tap';
import { copyRecord, Records } from '../../src/core/tick.js';
import { Random } from '../helpers/random.js';

t.test('random bit patterns, among them NaNs of every make', async (t) => {
  const random = new Random(1);
  const words = [0x7ff00001, 0xfff80000, 0x7ff80000, 0x80000000, 0x7fffffff, 0xffffffff, 0];
  const from = Records.allocate(4);
  const to = new Records(new SharedArrayBuffer(4 * 64));
  let differing = 0;
  for (let round = 0; round < 50_000; round++) {
    const i = random.below(4);
    const j = random.below(4);
    for (let k = 0; k < 16; k++) from.u32[i * 16 + k] = random.chance(3) ? random.pick(words) : random.u32();
    copyRecord(from, i, to, j);
    for (let k = 0; k < 16; k++) if (to.u32[j * 16 + k] !== from.u32[i * 16 + k]) differing++;
  }
  t.equal(differing, 0);
});

t.test('the neighbours stay', async (t) => {
  const from = Records.allocate(1);
  const to = Records.allocate(3);
  from.u8.fill(7);
  copyRecord(from, 0, to, 1);
  t.same(
    [0, 1, 2].map((i) => to.u8.subarray(i * 64, i * 64 + 64).reduce((a, b) => a + b, 0)),
    [0, 448, 0],
  );
});
