/**
 * Integer columns as bits: every value in the same number of bits, and the few that need more patched.
 *
 * ```
 * u32 bits 0-5 width in bits, 0 … 32 │ bits 16-31 patches
 * values: their low `width` bits, one after the other from the lowest bit on, ends with a whole word
 * patches, if any: a column of how many values lie between one and the next, and a column of their high bits
 * ```
 *
 * A column of no values takes nothing. Patches of patches of patches are not made. The width is the one at
 * which a sample of the values takes least: so values are best small, whatever their distribution.
 */

/** Words that a column of `count` values takes at most. */
export function packedWordsMax(count: number): number {
  return 2 * count + 16;
}

/** Levels of patches below a column. */
const DEPTH_MAX = 2;
/** What a patch takes besides its high bits, about, in bits. */
const PATCH_BITS = 7;
/** No more than this share of the values is patched. */
const PATCH_SHARE = 4;
/** Up to so many values are all looked at; of more, every so many-th. */
const SAMPLE_ALL = 1_024;
const SAMPLE_STEP = 8;

/** Bits from the highest one that is set. */
function bitsOf(value: number): number {
  return 32 - Math.clz32(value);
}

export class Packer {
  readonly #histogram = new Int32Array(33);
  readonly #at: Int32Array[] = [];
  readonly #high: Int32Array[] = [];

  /** @param capacity values of a column at most, 65,535 */
  constructor(capacity: number) {
    for (let depth = 0; depth < DEPTH_MAX; depth++) {
      this.#at.push(new Int32Array(capacity + 1));
      this.#high.push(new Int32Array(capacity + 1));
    }
  }

  /** Writes `count` values, as u32, at word `at`. Returns the word after them. */
  pack(values: Int32Array, count: number, words: Int32Array, at: number): number {
    return this.#pack(values, count, words, at, 0);
  }

  #pack(values: Int32Array, count: number, words: Int32Array, at: number, depth: number): number {
    if (count === 0) return at;
    let all = 0;
    for (let i = 0; i < count; i++) all |= values[i];
    const widest = bitsOf(all);
    const width = depth === DEPTH_MAX || widest < 2 ? widest : this.#width(values, count, widest);
    words[at] = width;
    if (width === widest) return putAll(values, count, width, words, at + 1);
    const patchAt = this.#at[depth];
    const patchHigh = this.#high[depth];
    let patches = 0;
    for (let i = 0; i < count; i++) {
      const high = values[i] >>> width;
      patchAt[patches] = i;
      patchHigh[patches] = high;
      patches += (high | -high) >>> 31;
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

/** Writes the low `width` bits of each value. */
function putAll(values: Int32Array, count: number, width: number, words: Int32Array, at: number): number {
  if (width === 0) return at;
  if (width === 32) {
    for (let i = 0; i < count; i++) words[at + i] = values[i];
    return at + count;
  }
  return width < 16 ? putPairs(values, count, width, words, at) : putBits(values, count, width, words, at);
}

/** Writes values of at most 15 bits two at a time: a look at the word's end for both. */
function putPairs(values: Int32Array, count: number, width: number, words: Int32Array, at: number): number {
  const mask = (1 << width) - 1;
  const even = count & -2;
  let o = at;
  let word = 0;
  let used = 0;
  for (let i = 0; i < even; i += 2) {
    const pair = (values[i] & mask) | ((values[i + 1] & mask) << width);
    word |= pair << used;
    used += 2 * width;
    if (used >= 32) {
      words[o++] = word;
      used -= 32;
      word = pair >>> (2 * width - used);
    }
  }
  if (even < count) {
    const last = values[even] & mask;
    word |= last << used;
    used += width;
    if (used >= 32) {
      words[o++] = word;
      used -= 32;
      word = last >>> (width - used);
    }
  }
  if (used > 0) words[o++] = word;
  return o;
}

/** Writes values of 16 to 31 bits. */
function putBits(values: Int32Array, count: number, width: number, words: Int32Array, at: number): number {
  const mask = (1 << width) - 1;
  let o = at;
  let word = 0;
  let used = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i] & mask;
    word |= value << used;
    used += width;
    if (used >= 32) {
      words[o++] = word;
      used -= 32;
      word = value >>> (width - used);
    }
  }
  if (used > 0) words[o++] = word;
  return o;
}

export class Unpacker {
  readonly #at: Int32Array[] = [];
  readonly #high: Int32Array[] = [];

  constructor(capacity: number) {
    for (let depth = 0; depth < DEPTH_MAX; depth++) {
      this.#at.push(new Int32Array(capacity));
      this.#high.push(new Int32Array(capacity));
    }
  }

  /**
   * Reads `count` values of the column at word `at`, none of it at or beyond `end`; one word must follow there.
   * @returns the word after it; −1 when it is no column of so many values
   */
  unpack(words: Int32Array, at: number, end: number, values: Int32Array, count: number): number {
    return this.#unpack(words, at, end, values, count, 0);
  }

  #unpack(
    words: Int32Array,
    at: number,
    end: number,
    values: Int32Array,
    count: number,
    depth: number,
  ): number {
    if (count === 0) return at;
    if (at >= end || count > values.length) return -1;
    const width = words[at] & 63;
    const patches = words[at] >>> 16;
    const o = at + 1;
    let next = o + Math.ceil((count * width) / 32);
    if (width > 32 || next > end) return -1;
    if (width === 32) {
      for (let i = 0; i < count; i++) values[i] = words[o + i];
    } else if (width === 0) {
      values.fill(0, 0, count);
    } else {
      getBits(words, o, width, values, count);
    }
    if (patches === 0) return next;
    if (depth === DEPTH_MAX || width === 32 || patches > count) return -1;
    const patchAt = this.#at[depth];
    const patchHigh = this.#high[depth];
    next = this.#unpack(words, next, end, patchAt, patches, depth + 1);
    if (next < 0) return -1;
    next = this.#unpack(words, next, end, patchHigh, patches, depth + 1);
    let i = -1;
    for (let k = 0; k < patches; k++) {
      i += 1 + (patchAt[k] & 0xffff);
      if (i >= count) return -1;
      values[i] |= patchHigh[k] << width;
    }
    return next;
  }
}

/** Reads values of `width` bits, 1 to 31: as many at a time as a word has. */
function getBits(words: Int32Array, at: number, width: number, values: Int32Array, count: number): void {
  const mask = (1 << width) - 1;
  let bit = at * 32;
  let i = 0;
  if (width < 8) {
    for (; i + 4 <= count; i += 4, bit += 4 * width) {
      const four = windowAt(words, bit);
      values[i] = four & mask;
      values[i + 1] = (four >>> width) & mask;
      values[i + 2] = (four >>> (2 * width)) & mask;
      values[i + 3] = (four >>> (3 * width)) & mask;
    }
  } else if (width < 16) {
    for (; i + 2 <= count; i += 2, bit += 2 * width) {
      const two = windowAt(words, bit);
      values[i] = two & mask;
      values[i + 1] = (two >>> width) & mask;
    }
  }
  for (; i < count; i++, bit += width) values[i] = windowAt(words, bit) & mask;
}

/** 32 bits from a bit on. In two steps: a shift by 32 would shift by nothing. */
function windowAt(words: Int32Array, bit: number): number {
  const shift = bit & 31;
  return (words[bit >>> 5] >>> shift) | ((words[(bit >>> 5) + 1] << 1) << (31 - shift));
}
