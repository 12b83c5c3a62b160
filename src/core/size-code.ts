/**
 * Sizes as 32-bit integers: `integer × 4 + scale`, scale 0 … 3 for 1, 10², 10⁵, 10⁸. The log and the packed
 * wire write them so. Only sizes that come back bit for bit have a code.
 */

/** Code of a size that is not known (NaN). No other size has it. */
export const SIZE_UNKNOWN = 3;
/** What a size without a code is given. */
export const NO_CODE = -1;

/** Integers are below it. */
const INTEGER_END = 2 ** 29;
const SCALES = Float64Array.of(1, 1e2, 1e5, 1e8);

/** Of the size at `at`: passing the float64 itself would put it on the heap. */
export function encodeSize(sizes: Float64Array, at: number): number {
  const size = sizes[at];
  const whole = size | 0;
  if (whole === size && whole > 0 && whole < INTEGER_END) return whole * 4;
  if (Number.isNaN(size)) return SIZE_UNKNOWN;
  if (size <= 0) return Object.is(size, 0) ? 0 : NO_CODE;
  for (let s = 1; s < 4; s++) {
    // As an integer from here on: rounded as a float64 it would take twice as long. What does not fit is none below.
    const m = (size * SCALES[s] + 0.5) | 0;
    if (m / SCALES[s] === size && m < INTEGER_END) return m * 4 + s;
  }
  return NO_CODE;
}

export function decodeSize(code: number): number {
  return code === SIZE_UNKNOWN ? Number.NaN : (code >>> 2) / SCALES[code & 3];
}
