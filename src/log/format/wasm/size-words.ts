/** Sizes as words of 32 bits, and the dictionary of a block: see `format.ts`. */
import { ROUNDING, UNKNOWN } from './format';
import { SIZE_KEYS, SIZES } from './layout';
import { clearIndexes, entries, indexAt, slotOf, take } from './size-indexes';

/** Marks a positive float32. */
const FLOAT_BIT: i32 = <i32>0x80000000;
/** Precedes the two words of a float64. */
const ESCAPE: i32 = -1;
/** The result for a size that no word can code. */
export const NO_WORD: i32 = -2;
const CODE_UNKNOWN: i32 = 3;
const CODE_MAX: f64 = 536870912;
/** An upper bound of the relative error of a product of two float64: 2^-51. */
const ROUNDING_ERROR: f64 = 4.440892098500626e-16;
const SIGN: u64 = 0x8000000000000000;
const INFINITE: u64 = 0x7ff0000000000000;
/** With more distinct sizes, or a larger share of all sizes, a dictionary does not pay. */
const ENTRIES_MAX: u32 = 4_096;
const ENTRY_SHARE: u32 = 6;
/** The most blocks without an attempt after a block whose dictionary became too large. */
const PAUSE_BLOCKS_MAX: u32 = 15;

/** Blocks without an attempt after a block whose first sizes were too many. */
const DOUBT_BLOCKS: u32 = 3;

let limit: u32 = 0;
/** The block has more distinct sizes than the limit. */
let isTooLarge: bool = false;
/** The last block had no dictionary. */
let isWithout: bool = false;
/** Blocks to come without an attempt; and blocks without one after the next failure. */
let pause: u32 = 0;
let nextPause: u32 = 1;

/** The scales of a size's code: see `core/size-code.ts`. A table needs no branch. */
const SCALES: usize = memory.data<f64>([1, 100, 100000, 100000000]);

function scaleOf(code: i32): f64 {
  return load<f64>(SCALES + ((<usize>(code & 3)) << 3));
}

/** A bit for each of two scales in which a size is probably a whole number of units below CODE_MAX. */
function likelyOf(size: f64, scales: v128): i32 {
  const units = f64x2.mul(f64x2.splat(size), scales);
  const rest = f64x2.abs(f64x2.sub(units, f64x2.nearest(units)));
  return i64x2.bitmask(
    v128.and(
      f64x2.le(rest, f64x2.mul(units, f64x2.splat(ROUNDING_ERROR))),
      f64x2.lt(units, f64x2.splat(CODE_MAX)),
    ),
  );
}

/** The code of a size in the first possible scale of `likely`, a bit for each scale; −1 for none. */
function codeIn(size: f64, likely: i32): i32 {
  for (let left = likely; left !== 0; left &= left - 1) {
    const s = ctz(left);
    const units = nearest<f64>(size * scaleOf(s));
    if (units / scaleOf(s) === size && units < CODE_MAX) return ((<i32>units) << 2) | s;
  }
  return -1;
}

/** The word that codes a size, given by its bits; NO_WORD when no word gives back exactly these bits. */
export function sizeWord(bits: u64): i32 {
  if (bits === UNKNOWN) return CODE_UNKNOWN;
  if (bits === 0) return 0;
  const size = reinterpret<f64>(bits);
  if (!(size > 0) || size === Infinity) return NO_WORD;
  // Most sizes have no decimals or two.
  let code = codeIn(size, likelyOf(size, f64x2(1, 100)));
  if (code < 0) code = codeIn(size, likelyOf(size, f64x2(100000, 100000000)) << 2);
  if (code >= 0) return code;
  const short = <f32>size;
  return <f64>short === size ? reinterpret<i32>(short) | FLOAT_BIT : NO_WORD;
}

/** The bits of the size that a word codes. */
export function sizeBits(word: i32): u64 {
  if (word < 0) return reinterpret<u64>(<f64>reinterpret<f32>(word & 0x7fffffff));
  if (word === CODE_UNKNOWN) return UNKNOWN;
  return reinterpret<u64>(<f64>(<u32>word >> 2) / scaleOf(word));
}

/** The bits of both sizes that two words code. */
export function sizesOf(words: u64): v128 {
  const low = <i32>words;
  const high = <i32>(words >> 32);
  if ((low | high) >= 0 && low !== CODE_UNKNOWN && high !== CODE_UNKNOWN) return decimalsOf(words);
  return i64x2.replace_lane(i64x2.splat(sizeBits(low)), 1, sizeBits(high));
}

/** As `sizesOf`, for two words that are both decimals. */
export function decimalsOf(words: u64): v128 {
  const low = v128.load64_zero(SCALES + <usize>((<u32>words & 3) << 3));
  const scales = v128.load64_lane(SCALES + <usize>((<u32>(words >> 32) & 3) << 3), low, 1);
  return f64x2.div(f64x2.convert_low_i32x4_s(i32x4.shr_u(i64x2.splat(words), 2)), scales);
}

/** Whether all words of a column are decimals. */
export function areDecimals(column: usize, count: u32): bool {
  const unknown = i32x4.splat(CODE_UNKNOWN);
  const end = column + <usize>count * 4;
  let others = i32x4.splat(0);
  let p = column;
  for (; p + 16 <= end; p += 16) {
    const words = v128.load(p);
    others = v128.or(others, v128.or(i32x4.eq(words, unknown), words));
  }
  if (i32x4.bitmask(others) !== 0) return false;
  for (; p < end; p += 4) if (load<i32>(p) < 0 || load<i32>(p) === CODE_UNKNOWN) return false;
  return true;
}

/** Twice each, for vectors: ROUNDING, 100, CODE_MAX, and the integer 1. */
const CONSTANTS: usize = memory.data<f64>(
  [ROUNDING, ROUNDING, 100, 100, CODE_MAX, CODE_MAX, 5e-324, 5e-324],
  16,
);

/** The codes of two sizes without decimals or with two, as u32; −1 when a size is neither. */
export function shortCodes(both: v128): i64 {
  const hundred = v128.load(CONSTANTS, 16);
  const isWhole = f64x2.eq(f64x2.nearest(both), both);
  const hundredfold = f64x2.nearest(f64x2.mul(both, hundred));
  const units = v128.bitselect(both, hundredfold, isWhole);
  const isCode = v128.and(
    v128.or(isWhole, f64x2.eq(f64x2.div(hundredfold, hundred), both)),
    v128.and(f64x2.gt(both, f64x2.splat(0)), f64x2.lt(units, v128.load(CONSTANTS, 32))),
  );
  if (i64x2.bitmask(isCode) !== 3) return -1;
  const wide = i64x2.shl(f64x2.add(units, v128.load(CONSTANTS)), 2);
  const codes = v128.or(wide, v128.andnot(v128.load(CONSTANTS, 48), isWhole));
  return i64x2.extract_lane(v128.shuffle<i32>(codes, codes, 0, 2, 0, 2), 0);
}

/** Which of two sizes are whole numbers of units. */
// @inline
function areUnits(both: v128, units: v128, scale: v128): v128 {
  return v128.and(f64x2.eq(f64x2.div(units, scale), both), f64x2.lt(units, f64x2.splat(CODE_MAX)));
}

/** The codes of two sizes, as u32; −1 when a size has no code. */
export function longCodes(both: v128): i64 {
  let units = both;
  let codes = i64x2.splat(0);
  let isCode = i64x2.splat(0);
  // The loop runs backwards, so the first scale that fits wins.
  for (let s = 3; s >= 0; s--) {
    const scale = f64x2.splat(scaleOf(s));
    const scaled = f64x2.nearest(f64x2.mul(both, scale));
    const fits = areUnits(both, scaled, scale);
    units = v128.bitselect(scaled, units, fits);
    codes = v128.bitselect(i64x2.splat(s), codes, fits);
    isCode = v128.or(isCode, fits);
  }
  if (i64x2.bitmask(v128.and(isCode, f64x2.gt(both, f64x2.splat(0)))) !== 3) return -1;
  const wide = v128.or(i64x2.shl(f64x2.add(units, v128.load(CONSTANTS)), 2), codes);
  return i64x2.extract_lane(v128.shuffle<i32>(wide, wide, 0, 2, 0, 2), 0);
}

/** Begins a block of at most `count` sizes. */
export function beginDictionary(count: u32): void {
  clearIndexes();
  limit = min(ENTRIES_MAX, count / ENTRY_SHARE);
  isTooLarge = false;
}

/** Whether the last block had no dictionary: the next one needs few distinct sizes for an attempt. */
export function isDoubted(): bool {
  return isWithout;
}

/** Skips some blocks after a block whose first sizes were too many. */
export function doubt(): void {
  pause = DOUBT_BLOCKS;
}

/** Whether the block gets no attempt. */
export function isPassedOver(): bool {
  if (pause === 0) return false;
  pause--;
  return true;
}

/** Whether a size is a NaN other than UNKNOWN: the bits of such a NaN may not survive a move. */
function isForeignNaN(bits: u64): bool {
  return (bits & ~SIGN) > INFINITE && bits !== UNKNOWN;
}

/**
 * The index of a size, by its bits. Returns −1 when the distinct sizes are too many or the size is a foreign NaN: the block
 * then has no dictionary, and too many sizes skip some blocks.
 */
export function indexOfSize(bits: u64): i32 {
  const slot = slotOf(bits);
  const index = indexAt(slot);
  if (index >= 0) return index;
  if (isForeignNaN(bits)) return -1;
  if (entries === limit) {
    isTooLarge = true;
    return -1;
  }
  return take(slot, bits);
}

/** Ends a block that has a dictionary. */
export function keepDictionary(): void {
  isWithout = false;
  nextPause = 1;
}

/** Ends a block that has no dictionary. */
export function dropDictionary(): void {
  isWithout = true;
  if (isTooLarge) {
    pause = nextPause;
    nextPause = min(2 * nextPause, PAUSE_BLOCKS_MAX);
  }
  clearIndexes();
}

/** Writes the entries. Returns their end. */
export function writeDictionary(to: usize): usize {
  let o = to;
  for (let e: usize = 0; e < entries; e++) {
    const bits = load<u64>(SIZE_KEYS + e * 8);
    const word = sizeWord(bits);
    if (word !== NO_WORD) {
      store<i32>(o, word);
      o += 4;
      continue;
    }
    store<i32>(o, ESCAPE);
    store<u64>(o + 4, bits);
    o += 12;
  }
  return o;
}

/** Reads a dictionary's words into the table of sizes. Returns their number; −1 when the dictionary breaks off. */
export function readDictionary(from: usize, end: usize): i32 {
  let count: usize = 0;
  for (let o = from; o < end; o += 4, count++) {
    const word = load<i32>(o);
    if (word !== ESCAPE) {
      store<u64>(SIZES + count * 8, sizeBits(word));
      continue;
    }
    if (o + 12 > end) return -1;
    store<u64>(SIZES + count * 8, load<u64>(o + 4));
    o += 8;
  }
  return <i32>count;
}
