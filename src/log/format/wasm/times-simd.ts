/** Vectors of two times, as in records and as float64 units since a base. Units below SPAN_MAX are exact. */
import { RECORD, ROUNDING, SECOND_NS, STEP_MAX } from './format';

/** A float64 from this value up to twice this value has its integer in its low bits. */
export const TWO_52: f64 = 4503599627370496;

/** The bits of four words, all set. */
export const ALL_FOUR: i32 = 15;

// In memory, each twice: the compiler would build a constant again at every use.
export const VECTOR_TWO_52: usize = memory.data<f64>([TWO_52, TWO_52], 16);
export const VECTOR_ROUNDING: usize = memory.data<f64>([ROUNDING, ROUNDING], 16);
export const VECTOR_STEP_MAX: usize = memory.data<f64>([<f64>STEP_MAX, <f64>STEP_MAX], 16);
/** The highest seconds and nanoseconds of a time. */
export const VECTOR_LATEST: usize = memory.data<u32>(
  [0xfffffffe, SECOND_NS - 1, 0xfffffffe, SECOND_NS - 1],
  16,
);

/** The times at `p` and one record later, each as seconds and nanoseconds. */
// @inline
export function twoAt(p: usize): v128 {
  return v128.load64_lane(p + RECORD, v128.load64_zero(p), 1);
}

/** Masks of four words: whether each is a valid part of a time. */
// @inline
export function areTimes(times: v128, latest: v128): v128 {
  return i32x4.le_u(times, latest);
}

/** The seconds of two times since a base. The base is given plus 2^52. */
// @inline
export function secondsOf(times: v128, two52: v128, base: v128): v128 {
  return f64x2.sub(v128.shuffle<i32>(times, two52, 0, 5, 2, 7), base);
}

/** The nanoseconds of two times. */
// @inline
export function nanosOf(times: v128, two52: v128): v128 {
  return f64x2.sub(v128.or(i64x2.shr_u(times, 32), two52), two52);
}

/** The steps of four ticks as integers; the steps are near 0. */
// @inline
export function fourOf(early: v128, late: v128, rounding: v128): v128 {
  return v128.shuffle<i32>(f64x2.add(early, rounding), f64x2.add(late, rounding), 0, 2, 4, 6);
}

/** The predecessor of each of two values. */
// @inline
export function beforeOf(last: v128, two: v128): v128 {
  return v128.shuffle<i64>(last, two, 1, 2);
}

export function leastOf(two: v128): f64 {
  return min<f64>(f64x2.extract_lane(two, 0), f64x2.extract_lane(two, 1));
}

export function mostOf(two: v128): f64 {
  return max<f64>(f64x2.extract_lane(two, 0), f64x2.extract_lane(two, 1));
}
