/**
 * Integer columns as bits: every value in the same number of bits, and the few that need more patched.
 *
 * ```
 * u32 bits 0-5 width in bits, 0 … 32 │ bits 16-31 patches
 * values: their low `width` bits, from the lowest bit on, ends with a whole word
 *    fewer than 2048: one after the other
 *    more: in lanes of 32 values, whose number is a multiple of 4. The first values begin the lanes, the next ones
 *    follow behind them, and so on; the words of all lanes stand side by side: first their first words, and so on
 * patches, if any: a column of how many values lie between one and the next, and a column of their high bits
 * ```
 *
 * A column of no values takes nothing. Patches of patches of patches are not made. The width is the one at
 * which a sample of the values takes least: so values are best small, whatever their distribution. In lanes
 * the same shifts do for a whole row of values: loops without branches.
 */

/** Places that an array needs besides its values to be packed or unpacked. */
export const PACK_SPARE = 128;

/** Levels of patches below a column. */
export const DEPTH_MAX = 2;
/** What a patch takes besides its high bits, about, in bits. */
const PATCH_BITS = 7;
/** No more than this share of the values is patched. */
const PATCH_SHARE = 4;
/** From so many values on they are put into lanes. */
export const LANES_FROM = 2_048;
/** Values that one turn of a loop over lanes takes. */
export const UNROLLED = 4;
/** What places in columns and words stay within: so V8 need not look for overflows of their sums. */
export const PLACES = 0xffffff;
/** Up to so many values are all looked at; of more, every so many-th. */
const SAMPLE_ALL = 1_024;
const SAMPLE_STEP = 8;

/** Bits from the highest one that is set. */
function bitsOf(value: number): number {
  return 32 - Math.clz32(value);
}

/** All bits that any value has. */
function bitsOfAll(values: Int32Array, count: number): number {
  let all = 0;
  let i = 0;
  for (const whole = count & -UNROLLED; i < whole; i += UNROLLED) {
    const k = i & PLACES;
    all |= values[k] | values[k + 1] | values[k + 2] | values[k + 3];
  }
  for (; i < count; i++) all |= values[i];
  return all;
}

export class Packer {
  readonly #histogram = new Int32Array(33);
  readonly #at: Int32Array[] = [];
  readonly #high: Int32Array[] = [];

  /** @param capacity values of a column at most, 65,535 */
  constructor(capacity: number) {
    for (let depth = 0; depth < DEPTH_MAX; depth++) {
      this.#at.push(new Int32Array(capacity + PACK_SPARE));
      this.#high.push(new Int32Array(capacity + PACK_SPARE));
    }
  }

  /** Writes `count` values, as u32, at word `at`. Returns the word after them. */
  pack(values: Int32Array, count: number, words: Int32Array, at: number): number {
    return this.#pack(values, count, words, at, 0);
  }

  #pack(values: Int32Array, count: number, words: Int32Array, at: number, depth: number): number {
    if (count === 0) return at;
    const all = bitsOfAll(values, count);
    const widest = bitsOf(all);
    const width = depth === DEPTH_MAX || widest < 2 ? widest : this.#width(values, count, widest);
    words[at] = width;
    if (width === widest) return putAll(values, count, width, words, at + 1);
    const patchAt = this.#at[depth];
    const patchHigh = this.#high[depth];
    let patches = 0;
    for (let i = 0; i < count; i++) {
      const high = values[i] >>> width;
      if (high === 0) continue;
      patchAt[patches] = i;
      patchHigh[patches++] = high;
    }
    if (patches > count / PATCH_SHARE) {
      words[at] = widest;
      return putAll(values, count, widest, words, at + 1);
    }
    let o = putAll(values, count, width, words, at + 1);
    words[at] |= patches << 16;
    let next = 0;
    for (let k = 0; k < patches; k++) {
      const i = patchAt[k];
      patchAt[k] = i - next;
      next = i + 1;
    }
    o = this.#pack(patchAt, patches, words, o, depth + 1);
    return this.#pack(patchHigh, patches, words, o, depth + 1);
  }

  /** The width at which a sample takes least. */
  #width(values: Int32Array, count: number, widest: number): number {
    const histogram = this.#histogram.fill(0);
    const step = count <= SAMPLE_ALL ? 1 : SAMPLE_STEP;
    let sampled = 0;
    for (let i = 0; i < count; i += step) {
      histogram[bitsOf(values[i])]++;
      sampled++;
    }
    let best = widest;
    let bestBits = sampled * widest;
    let patches = 0;
    let patchBits = 0;
    for (let width = widest - 1; width >= 0; width--) {
      patches += histogram[width + 1];
      // Each patch gets a bit longer.
      patchBits += patches + histogram[width + 1] * PATCH_BITS;
      if (patches * PATCH_SHARE > sampled) break;
      if (sampled * width + patchBits < bestBits) {
        best = width;
        bestBits = sampled * width + patchBits;
      }
    }
    return best;
  }
}

/** Lanes of a column, a multiple of the values that one turn of a loop takes. */
export function lanesOf(count: number): number {
  return ((count + 32 * UNROLLED - 1) >>> 7) * UNROLLED;
}

/** Words of `count` values of `width` bits. */
export function wordsOf(count: number, width: number): number {
  return count < LANES_FROM ? Math.ceil((count * width) / 32) : lanesOf(count) * width;
}

/** Writes the low `width` bits of each value. Returns the word after them. */
function putAll(values: Int32Array, count: number, width: number, words: Int32Array, at: number): number {
  if (width === 0) return at;
  const end = at + wordsOf(count, width);
  if (count < LANES_FROM) {
    putBits(values, count, width, words, at, end);
    return end;
  }
  const mask = maskOf(width);
  const lanes = lanesOf(count);
  values.fill(0, count, 32 * lanes);
  let from = 0;
  for (let bit = 0; bit < 32 * width; bit += width, from += lanes) {
    const row = at + (bit >>> 5) * lanes;
    const shift = bit & 31;
    if (shift === 0 && 2 * width <= 32) {
      putTwo(values, from, lanes, mask, words, row, width);
      bit += width;
      from += lanes;
    } else if (shift === 0) putFirst(values, from, lanes, mask, words, row);
    else if (shift + width <= 32) putNext(values, from, lanes, mask, words, row, shift);
    else putOver(values, from, lanes, mask, words, row, shift);
  }
  return end;
}

/** Begins the words of a row by a value each. */
function putFirst(
  values: Int32Array,
  from: number,
  lanes: number,
  mask: number,
  words: Int32Array,
  row: number,
): void {
  for (let l = 0; l < lanes; l += UNROLLED) {
    const i = (from + l) & PLACES;
    const o = (row + l) & PLACES;
    words[o] = values[i] & mask;
    words[o + 1] = values[i + 1] & mask;
    words[o + 2] = values[i + 2] & mask;
    words[o + 3] = values[i + 3] & mask;
  }
}

/** The same by two values each. */
function putTwo(
  values: Int32Array,
  from: number,
  lanes: number,
  mask: number,
  words: Int32Array,
  row: number,
  shift: number,
): void {
  for (let l = 0; l < lanes; l += UNROLLED) {
    const i = (from + l) & PLACES;
    const k = (from + lanes + l) & PLACES;
    const o = (row + l) & PLACES;
    words[o] = (values[i] & mask) | ((values[k] & mask) << shift);
    words[o + 1] = (values[i + 1] & mask) | ((values[k + 1] & mask) << shift);
    words[o + 2] = (values[i + 2] & mask) | ((values[k + 2] & mask) << shift);
    words[o + 3] = (values[i + 3] & mask) | ((values[k + 3] & mask) << shift);
  }
}

/** Adds a value to each word of a row. */
function putNext(
  values: Int32Array,
  from: number,
  lanes: number,
  mask: number,
  words: Int32Array,
  row: number,
  shift: number,
): void {
  for (let l = 0; l < lanes; l += UNROLLED) {
    const i = (from + l) & PLACES;
    const o = (row + l) & PLACES;
    words[o] |= (values[i] & mask) << shift;
    words[o + 1] |= (values[i + 1] & mask) << shift;
    words[o + 2] |= (values[i + 2] & mask) << shift;
    words[o + 3] |= (values[i + 3] & mask) << shift;
  }
}

/** The same of a value that runs over into the row below, and begins that. */
function putOver(
  values: Int32Array,
  from: number,
  lanes: number,
  mask: number,
  words: Int32Array,
  row: number,
  shift: number,
): void {
  const down = 32 - shift;
  for (let l = 0; l < lanes; l += 2) {
    const i = (from + l) & PLACES;
    const o = (row + l) & PLACES;
    const below = (row + lanes + l) & PLACES;
    const a = values[i] & mask;
    const b = values[i + 1] & mask;
    words[o] |= a << shift;
    words[o + 1] |= b << shift;
    words[below] = a >>> down;
    words[below + 1] = b >>> down;
  }
}

/** Writes values one after the other. */
function putBits(
  values: Int32Array,
  count: number,
  width: number,
  words: Int32Array,
  at: number,
  end: number,
): void {
  words.fill(0, at, end);
  const mask = maskOf(width);
  for (let i = 0, bit = 0; i < count; i++, bit += width) {
    const value = values[i] & mask;
    const shift = bit & 31;
    const o = at + (bit >>> 5);
    words[o] |= value << shift;
    if (shift + width > 32) words[o + 1] = value >>> (32 - shift);
  }
}

export function maskOf(width: number): number {
  return width === 32 ? -1 : (1 << width) - 1;
}
