/** Integer columns from bits: see `pack.ts`. Nothing outside of the column is read, whatever its words say. */
import { DEPTH_MAX, LANES_FROM, lanesOf, maskOf, PACK_SPARE, PLACES, UNROLLED, wordsOf } from './pack.js';

export class Unpacker {
  readonly #at: Int32Array[] = [];
  readonly #high: Int32Array[] = [];

  constructor(capacity: number) {
    for (let depth = 0; depth < DEPTH_MAX; depth++) {
      this.#at.push(new Int32Array(capacity + PACK_SPARE));
      this.#high.push(new Int32Array(capacity + PACK_SPARE));
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
    if (at >= end || count + PACK_SPARE > values.length) return -1;
    const width = words[at] & 63;
    const patches = words[at] >>> 16;
    const o = at + 1;
    let next = o + wordsOf(count, width);
    if (width > 32 || next > end) return -1;
    if (width === 0) values.fill(0, 0, count);
    else getAll(words, o, width, values, count);
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

/** Reads the values of `width` bits, 1 to 32, that stand from word `at` on. */
function getAll(words: Int32Array, at: number, width: number, values: Int32Array, count: number): void {
  const mask = maskOf(width);
  if (count < LANES_FROM) {
    for (let i = 0, bit = at * 32; i < count; i++, bit += width) values[i] = windowAt(words, bit) & mask;
    return;
  }
  const lanes = lanesOf(count);
  let from = 0;
  for (let bit = 0; bit < 32 * width; bit += width, from += lanes) {
    const row = at + (bit >>> 5) * lanes;
    const shift = bit & 31;
    if (shift + 2 * width <= 32) {
      getTwo(words, row, shift, width, mask, values, from, lanes);
      bit += width;
      from += lanes;
    } else if (shift + width <= 32) getOne(words, row, shift, mask, values, from, lanes);
    else getOver(words, row, shift, mask, values, from, lanes);
  }
}

/** Reads a value of each word of a row. */
function getOne(
  words: Int32Array,
  row: number,
  shift: number,
  mask: number,
  values: Int32Array,
  from: number,
  lanes: number,
): void {
  for (let l = 0; l < lanes; l += UNROLLED) {
    const i = (from + l) & PLACES;
    const o = (row + l) & PLACES;
    values[i] = (words[o] >>> shift) & mask;
    values[i + 1] = (words[o + 1] >>> shift) & mask;
    values[i + 2] = (words[o + 2] >>> shift) & mask;
    values[i + 3] = (words[o + 3] >>> shift) & mask;
  }
}

/** The same of two values. */
function getTwo(
  words: Int32Array,
  row: number,
  shift: number,
  width: number,
  mask: number,
  values: Int32Array,
  from: number,
  lanes: number,
): void {
  for (let l = 0; l < lanes; l += UNROLLED) {
    const i = (from + l) & PLACES;
    const k = (from + lanes + l) & PLACES;
    const o = (row + l) & PLACES;
    const a = words[o] >>> shift;
    const b = words[o + 1] >>> shift;
    const c = words[o + 2] >>> shift;
    const d = words[o + 3] >>> shift;
    values[i] = a & mask;
    values[i + 1] = b & mask;
    values[i + 2] = c & mask;
    values[i + 3] = d & mask;
    values[k] = (a >>> width) & mask;
    values[k + 1] = (b >>> width) & mask;
    values[k + 2] = (c >>> width) & mask;
    values[k + 3] = (d >>> width) & mask;
  }
}

/** The same of a value that runs over into the row below. */
function getOver(
  words: Int32Array,
  row: number,
  shift: number,
  mask: number,
  values: Int32Array,
  from: number,
  lanes: number,
): void {
  const up = 32 - shift;
  for (let l = 0; l < lanes; l += UNROLLED) {
    const i = (from + l) & PLACES;
    const o = (row + l) & PLACES;
    const below = (row + lanes + l) & PLACES;
    values[i] = ((words[o] >>> shift) | (words[below] << up)) & mask;
    values[i + 1] = ((words[o + 1] >>> shift) | (words[below + 1] << up)) & mask;
    values[i + 2] = ((words[o + 2] >>> shift) | (words[below + 2] << up)) & mask;
    values[i + 3] = ((words[o + 3] >>> shift) | (words[below + 3] << up)) & mask;
  }
}

/** 32 bits from a bit on. In two steps: a shift by 32 would shift by nothing. */
function windowAt(words: Int32Array, bit: number): number {
  const shift = bit & 31;
  return (words[bit >>> 5] >>> shift) | ((words[(bit >>> 5) + 1] << 1) << (31 - shift));
}
