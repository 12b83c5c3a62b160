/** Reads integer columns from bits: see `pack.ts`. Damaged words never lead to a read outside the column. */
import { DEPTH_MAX, TICKS } from './layout';
import { FOUR_IN_WINDOW, LANES_FROM, lanesOf, maskOf, patchHighs, patchOffsets, wordsOf } from './pack';

/** The result for a column that is not valid. */
const NOWHERE: usize = 0;

/**
 * Reads `count` values, at most two a tick, of the column at `at`, which must end at or before `end`. Eight bytes must
 * follow `end`. Returns the end of the column; 0 when it is not valid or when `at` is 0.
 */
export function unpack(at: usize, end: usize, values: usize, count: i32): usize {
  return at === NOWHERE || <u32>count > 2 * TICKS ? NOWHERE : unpackAt(at, end, values, count, 0);
}

function unpackAt(at: usize, end: usize, values: usize, count: i32, depth: u32): usize {
  if (count === 0) return at;
  if (at >= end) return NOWHERE;
  const head = load<u32>(at);
  const width = <i32>(head & 63);
  const patches = <i32>(head >> 16);
  if (width > 32) return NOWHERE;
  const from = at + 4;
  let next = from + <usize>wordsOf(count, width) * 4;
  if (next > end) return NOWHERE;
  if (width === 0) memory.fill(values, 0, <usize>count * 4);
  else getAll(from, width, values, count);
  if (patches === 0) return next;
  if (depth === DEPTH_MAX || width === 32 || patches > count) return NOWHERE;
  const offsets = patchOffsets(depth);
  const highs = patchHighs(depth);
  next = unpackAt(next, end, offsets, patches, depth + 1);
  if (next === NOWHERE) return NOWHERE;
  next = unpackAt(next, end, highs, patches, depth + 1);
  if (next === NOWHERE) return NOWHERE;
  return patch(values, width, count, offsets, highs, patches) ? next : NOWHERE;
}

/** Adds the high bits of the patches. Returns false when a patch is beyond the column. */
function patch(values: usize, width: i32, count: i32, offsets: usize, highs: usize, patches: i32): bool {
  const end = values + <usize>count * 4;
  const last = offsets + <usize>patches * 4;
  const toHighs = highs - offsets;
  let value = values;
  for (let offset = offsets; offset < last; offset += 4, value += 4) {
    value += (<usize>load<u16>(offset)) << 2;
    if (value >= end) return false;
    store<i32>(value, load<i32>(value) | (load<i32>(offset + toHighs) << width));
  }
  return true;
}

/** Reads the values of `width` bits, 1 to 32. */
function getAll(from: usize, width: i32, values: usize, count: i32): void {
  if (count < LANES_FROM) {
    getBits(from, width, values, count);
    return;
  }
  const lanes = <usize>lanesOf(count) * 4;
  const mask = i32x4.splat(maskOf(width));
  let to = values;
  for (let bit = 0; bit < 32 * width; bit += width, to += lanes) {
    const row = from + <usize>(bit >>> 5) * lanes;
    const shift = bit & 31;
    if (shift + width <= 32) getOne(row, shift, mask, to, lanes);
    else getOver(row, shift, mask, to, lanes);
  }
}

/** Reads a value of each word of a row. */
function getOne(row: usize, shift: i32, mask: v128, to: usize, lanes: usize): void {
  for (let l: usize = 0; l < lanes; l += 16) {
    v128.store(to + l, v128.and(i32x4.shr_u(v128.load(row + l), shift), mask));
  }
}

/** The same of a value that runs over into the row below. */
function getOver(row: usize, shift: i32, mask: v128, to: usize, lanes: usize): void {
  const below = row + lanes;
  for (let l: usize = 0; l < lanes; l += 16) {
    const low = i32x4.shr_u(v128.load(row + l), shift);
    const high = i32x4.shl(v128.load(below + l), 32 - shift);
    v128.store(to + l, v128.and(v128.or(low, high), mask));
  }
}

/** Reads values that stand one after the other. Up to three places behind them are written too. */
function getBits(from: usize, width: i32, values: usize, count: i32): void {
  const mask = <u64>(<u32>maskOf(width));
  const end = values + <usize>count * 4;
  let p = values;
  let bit: u32 = 0;
  // Four values and the bits before them in their first byte are in one window.
  if (width <= FOUR_IN_WINDOW) {
    for (; p < end; p += 16, bit += 4 * width) {
      const window = load<u64>(from + <usize>(bit >> 3)) >> (bit & 7);
      store<u32>(p, <u32>(window & mask));
      store<u32>(p, <u32>((window >> width) & mask), 4);
      store<u32>(p, <u32>((window >> (2 * width)) & mask), 8);
      store<u32>(p, <u32>((window >> (3 * width)) & mask), 12);
    }
    return;
  }
  for (; p < end; p += 4, bit += width) {
    const window = load<u64>(from + <usize>(bit >> 3));
    store<u32>(p, <u32>((window >> (bit & 7)) & mask));
  }
}
