/** Times of ticks two by two, as they stand in records, and in float64: units since a base. Below SPAN_MAX those are exact. */
import { RECORD, ROUNDING, SECOND_NS, STEP_MAX } from './format';

/** A float64 between it and twice it has its integer in its low bits. */
export const TWO_52: f64 = 4503599627370496;

/** The bits of four words, all set. */
export const ALL_FOUR: i32 = 15;

// From memory: constants would be made anew wherever they are used. Each stands there twice.
export const VECTOR_TWO_52: usize = memory.data<f64>([TWO_52, TWO_52], 16);
export const VECTOR_ROUNDING: usize = memory.data<f64>([ROUNDING, ROUNDING], 16);
export const VECTOR_STEP_MAX: usize = memory.data<f64>([<f64>STEP_MAX, <f64>STEP_MAX], 16);
/** What second and nanoseconds of a time are at most. */
export const VECTOR_LATEST: usize = memory.data<u32>(
  [0xfffffffe, SECOND_NS - 1, 0xfffffffe, SECOND_NS - 1],
  16,
);

/** The times at `p` and a record further on, each a second and its nanoseconds. */
// @inline
export function twoAt(p: usize): v128 {
  return v128.load64_lane(p + RECORD, v128.load64_zero(p), 1);
}

/** Whether they are times that can be, in each of four words. */
// @inline
export function areTimes(times: v128, latest: v128): v128 {
  return i32x4.le_u(times, latest);
}

/** Their seconds since a base, which is given on top of 2^52. */
// @inline
export function secondsOf(times: v128, two52: v128, base: v128): v128 {
  return f64x2.sub(v128.shuffle<i32>(times, two52, 0, 5, 2, 7), base);
}

/** Their nanoseconds. */
// @inline
export function nanosOf(times: v128, two52: v128): v128 {
  return f64x2.sub(v128.or(i64x2.shr_u(times, 32), two52), two52);
}

/** Steps of four ticks as integers; they are near 0. */
// @inline
export function fourOf(early: v128, late: v128, rounding: v128): v128 {
  return v128.shuffle<i32>(f64x2.add(early, rounding), f64x2.add(late, rounding), 0, 2, 4, 6);
}

/** What came before each of two. */
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
