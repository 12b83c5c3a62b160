/**
 * Integer columns as bits: all values have the same width, and the few wider values are patched.
 *
 * ```
 * u32 bits 0-5 width in bits, 0 … 32 │ bits 16-31 patches
 * values: their low `width` bits, from the lowest bit on, ends with a whole word
 *    fewer than 2048: one after the other
 *    2048 and more: in lanes of 32 values; the number of lanes is a multiple of 4. Value i is in lane i mod lanes. The
 *    words of all lanes are interleaved: the first word of each lane, then the second word of each lane, and so on
 * patches, if any: a column of the numbers of values between two patches, and a column of the high bits
 * ```
 *
 * A column of no values takes no bytes. Patch columns are patched themselves, up to DEPTH_MAX deep. The width is the one
 * at which a sample of the values takes the fewest bits, whatever their distribution. In lanes a whole row of values has
 * the same shift, so the loops use vectors of four values and have no branches.
 */
import { DEPTH_MAX, HISTOGRAM, PATCH_COLUMN, PATCHES } from './layout';

/** Estimated bits of a patch, without its high bits. */
const PATCH_BITS: i32 = 7;
/** At most one value in so many is patched. */
const PATCH_SHARE: i32 = 4;
/** From so many values on, a column is stored in lanes. */
export const LANES_FROM: i32 = 2_048;
/** Up to this width, four values and seven more bits fit into 64 bits. */
export const FOUR_IN_WINDOW: i32 = 14;
/** Up to so many values, all are sampled; of more values, every SAMPLE_STEP-th. */
const SAMPLE_ALL: i32 = 1_024;
const SAMPLE_STEP: i32 = 8;
/** Offset of the second histogram from the first. */
const OTHER_HISTOGRAM: usize = 4 * 33;

function bitsOf(value: u32): i32 {
  return 32 - <i32>clz(value);
}

/** Lanes of a column: a multiple of the four that one vector holds. */
export function lanesOf(count: i32): i32 {
  return ((count + 127) >>> 7) * 4;
}

/** Words of `count` values of `width` bits. */
export function wordsOf(count: i32, width: i32): i32 {
  return count < LANES_FROM ? (count * width + 31) >>> 5 : lanesOf(count) * width;
}

export function maskOf(width: i32): i32 {
  return width === 32 ? -1 : (1 << width) - 1;
}

export function patchOffsets(depth: u32): usize {
  return PATCHES + 2 * depth * PATCH_COLUMN;
}

export function patchHighs(depth: u32): usize {
  return patchOffsets(depth) + PATCH_COLUMN;
}

/** All bits that are set in any value. */
function bitsOfAll(values: usize, count: i32): u32 {
  let all = i32x4.splat(0);
  const whole = values + <usize>(count & -4) * 4;
  for (let p = values; p < whole; p += 16) all = v128.or(all, v128.load(p));
  let bits =
    i32x4.extract_lane(all, 0) |
    i32x4.extract_lane(all, 1) |
    i32x4.extract_lane(all, 2) |
    i32x4.extract_lane(all, 3);
  for (let p = whole; p < values + <usize>count * 4; p += 4) bits |= load<i32>(p);
  return bits;
}

/** Writes `count` values, as u32, at `to`. Returns their end. There are spare slots behind the values. */
export function pack(values: usize, count: i32, to: usize): usize {
  return packAt(values, count, to, 0);
}

function packAt(values: usize, count: i32, to: usize, depth: u32): usize {
  if (count === 0) return to;
  const widest = bitsOf(bitsOfAll(values, count));
  const width = depth === DEPTH_MAX || widest < 2 ? widest : bestWidth(values, count, widest);
  store<u32>(to, width);
  if (width === widest) return putAll(values, count, width, to + 4);
  const offsets = patchOffsets(depth);
  const highs = patchHighs(depth);
  const patches = findPatches(values, count, width, offsets, highs);
  if (patches * PATCH_SHARE > count) {
    store<u32>(to, widest);
    return putAll(values, count, widest, to + 4);
  }
  let o = putAll(values, count, width, to + 4);
  store<u32>(to, width | (patches << 16));
  o = packAt(offsets, patches, o, depth + 1);
  return packAt(highs, patches, o, depth + 1);
}

/** Masks of four values that are not above a limit. */
// @inline
function within(four: usize, limit: v128): v128 {
  return i32x4.le_u(v128.load(four), limit);
}

/** A bit for each of sixteen values: 1 = not above the limit. */
function withinOf(values: usize, limit: v128): u64 {
  const low = i16x8.narrow_i32x4_s(within(values, limit), within(values + 16, limit));
  const high = i16x8.narrow_i32x4_s(within(values + 32, limit), within(values + 48, limit));
  return <u64>(<u32>i8x16.bitmask(i8x16.narrow_i16x8_s(low, high)));
}

/**
 * Finds the values that have more bits than `width`, and writes the distance between two of them and their high bits.
 * Returns their number. There is no branch per value, as no branch predictor could foresee the patches.
 */
function findPatches(values: usize, count: i32, width: i32, offsets: usize, highs: usize): i32 {
  const limit = i32x4.splat(maskOf(width));
  const toHighs = highs - offsets;
  let offset = offsets;
  let next = 0;
  for (let i = 0; i < count; i += 64) {
    const at = values + <usize>i * 4;
    const low = withinOf(at, limit) | (withinOf(at + 64, limit) << 16);
    let which = ~(low | (withinOf(at + 128, limit) << 32) | (withinOf(at + 192, limit) << 48));
    if (count - i < 64) which &= ((<u64>1) << (count - i)) - 1;
    for (; which !== 0; which &= which - 1) {
      const bit = <i32>ctz(which);
      store<i32>(offset, i + bit - next);
      store<u32>(offset + toHighs, load<u32>(at + <usize>bit * 4) >> width);
      next = i + bit + 1;
      offset += 4;
    }
  }
  return <i32>((offset - offsets) >> 2);
}

/** The width at which a sample takes the fewest bits. */
function bestWidth(values: usize, count: i32, widest: i32): i32 {
  const sampled = sample(values, count);
  let best = widest;
  let bestBits = sampled * widest;
  let patches = 0;
  let patchBits = 0;
  for (let width = widest - 1; width >= 0; width--) {
    const slot = HISTOGRAM + <usize>(width + 1) * 4;
    const more = load<i32>(slot) + load<i32>(slot, OTHER_HISTOGRAM);
    patches += more;
    // One bit less in the width is one bit more in each patch.
    patchBits += patches + more * PATCH_BITS;
    if (patches * PATCH_SHARE > sampled) break;
    if (sampled * width + patchBits < bestBits) {
      best = width;
      bestBits = sampled * width + patchBits;
    }
  }
  return best;
}

/** Counts values by their widths. Two histograms take turns, so no count waits for the store before. */
function sample(values: usize, count: i32): i32 {
  memory.fill(HISTOGRAM, 0, 2 * OTHER_HISTOGRAM);
  const step = <usize>(count <= SAMPLE_ALL ? 4 : 4 * SAMPLE_STEP);
  const end = values + <usize>count * 4;
  let p = values;
  let sampled = 0;
  for (; p + step < end; p += 2 * step) {
    countBits(HISTOGRAM, load<u32>(p));
    countBits(HISTOGRAM + OTHER_HISTOGRAM, load<u32>(p + step));
    sampled += 2;
  }
  if (p < end) {
    countBits(HISTOGRAM, load<u32>(p));
    sampled++;
  }
  return sampled;
}

function countBits(histogram: usize, value: u32): void {
  const slot = histogram + <usize>bitsOf(value) * 4;
  store<i32>(slot, load<i32>(slot) + 1);
}

/** Writes the low `width` bits of each value. Returns their end. Eight bytes behind the end may be overwritten. */
function putAll(values: usize, count: i32, width: i32, to: usize): usize {
  if (width === 0) return to;
  const end = to + <usize>wordsOf(count, width) * 4;
  if (count < LANES_FROM) {
    putBits(values, count, width, to);
    return end;
  }
  const lanes = <usize>lanesOf(count) * 4;
  memory.fill(values + <usize>count * 4, 0, 32 * lanes - <usize>count * 4);
  const mask = i32x4.splat(maskOf(width));
  let from = values;
  for (let bit = 0; bit < 32 * width; bit += width, from += lanes) {
    const row = to + <usize>(bit >>> 5) * lanes;
    const shift = bit & 31;
    if (shift === 0) putFirst(from, row, lanes, mask);
    else if (shift + width <= 32) putNext(from, row, lanes, mask, shift);
    else putOver(from, row, lanes, mask, shift);
  }
  return end;
}

/** Puts the first value into each word of a row. */
function putFirst(from: usize, row: usize, lanes: usize, mask: v128): void {
  for (let l: usize = 0; l < lanes; l += 16) v128.store(row + l, v128.and(v128.load(from + l), mask));
}

/** Adds a value to each word of a row. */
function putNext(from: usize, row: usize, lanes: usize, mask: v128, shift: i32): void {
  for (let l: usize = 0; l < lanes; l += 16) {
    const value = i32x4.shl(v128.and(v128.load(from + l), mask), shift);
    v128.store(row + l, v128.or(v128.load(row + l), value));
  }
}

/** Adds a value that crosses into the row below, whose first bits it sets. */
function putOver(from: usize, row: usize, lanes: usize, mask: v128, shift: i32): void {
  const below = row + lanes;
  for (let l: usize = 0; l < lanes; l += 16) {
    const value = v128.and(v128.load(from + l), mask);
    v128.store(row + l, v128.or(v128.load(row + l), i32x4.shl(value, shift)));
    v128.store(below + l, i32x4.shr_u(value, 32 - shift));
  }
}

/** Writes values one after the other, four at a time where they fit into FOUR_IN_WINDOW bits. */
function putBits(values: usize, count: i32, width: i32, to: usize): void {
  const mask = <u64>(<u32>maskOf(width));
  const last = values + <usize>count * 4;
  let p = values;
  let o = to;
  let pending: u64 = 0;
  let bits: u32 = 0;
  if (width <= FOUR_IN_WINDOW) {
    for (; p + 16 <= last; p += 16) {
      const low = (<u64>load<u32>(p) & mask) | ((<u64>load<u32>(p, 4) & mask) << width);
      const high = (<u64>load<u32>(p, 8) & mask) | ((<u64>load<u32>(p, 12) & mask) << width);
      pending |= (low | (high << (2 * width))) << bits;
      bits += 4 * width;
      store<u64>(o, pending);
      o += bits >> 3;
      pending >>= bits & -8;
      bits &= 7;
    }
  }
  for (; p < last; p += 4) {
    pending |= (<u64>load<u32>(p) & mask) << bits;
    bits += width;
    store<u64>(o, pending);
    o += bits >> 3;
    pending >>= bits & -8;
    bits &= 7;
  }
  store<u64>(o, pending);
}
