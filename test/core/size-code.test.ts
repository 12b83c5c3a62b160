/** A size has a code exactly if it is an integer below 2^29 over one of the scales: the first that fits. */
import t from 'tap';
import { decodeSize, encodeSize, NO_CODE, SIZE_UNKNOWN } from '../../src/core/size-code.js';
import { Random } from '../helpers/random.js';

const SCALES = [1, 1e2, 1e5, 1e8];
const END = 2 ** 29;

/** The code of a size that is above zero, as the definition has it. */
function codeOf(size: number): number {
  for (const [s, scale] of SCALES.entries()) {
    const integer = Math.round(size * scale);
    if (integer < END && integer / scale === size) return integer * 4 + s;
  }
  return NO_CODE;
}

/** Whether it has that code, and comes back from it. */
function isRight(size: number): boolean {
  const code = encodeSize(Float64Array.of(size), 0);
  return code === codeOf(size) && (code === NO_CODE || decodeSize(code) === size);
}

t.test('sizes at the edges of what integers hold', (t) => {
  const sizes = [
    Number.MIN_VALUE,
    1e-9,
    0.5e-8,
    0.49999999999999994,
    0.3,
    0.1 + 0.2,
    2 ** 52 + 1,
    2 ** 63,
    2 ** 64 + 2 ** 12,
    Number.MAX_VALUE,
    Number.POSITIVE_INFINITY,
  ];
  for (const scale of SCALES) {
    for (const integer of [
      1,
      END - 1,
      END,
      END + 1,
      2 ** 31 - 1,
      2 ** 31,
      2 ** 31 + 1,
      2 ** 32,
      2 ** 32 + 7,
    ]) {
      sizes.push(integer / scale, (integer + 0.5) / scale, (integer - 0.5) / scale);
    }
  }
  t.same(
    sizes.filter((size) => !isRight(size)),
    [],
  );
  t.end();
});

t.test('random decimals, and neighbours of theirs', (t) => {
  const random = new Random(7);
  const sizes: number[] = [];
  for (let i = 0; i < 20_000; i++) {
    const size = (1 + random.below(END)) / 10 ** random.below(10);
    sizes.push(size, size * (1 + Number.EPSILON));
  }
  t.same(
    sizes.filter((size) => !isRight(size)),
    [],
  );
  t.end();
});

t.test('what is no decimal', (t) => {
  const codes = [Number.NaN, 0, -0, -1, Number.NEGATIVE_INFINITY].map((size) =>
    encodeSize(Float64Array.of(size), 0),
  );
  t.same(codes, [SIZE_UNKNOWN, 0, NO_CODE, NO_CODE, NO_CODE]);
  t.end();
});
