/** Gathers the times of ticks with two equal times, four at a time, while the times ascend. */
import { AT_EVENT, AT_RECV, RECORD, SPAN_MAX } from './format';
import { RECORDS, RECV_COLUMN } from './layout';
import { perSecond, recvBase, recvUnit, unitNs } from './times';
import { noteDifferent, recvPart, recvS, resumeAfter, widenRecv } from './times-each';
import {
  ALL_FOUR,
  areTimes,
  beforeOf,
  fourOf,
  nanosOf,
  secondsOf,
  TWO_52,
  twoAt,
  VECTOR_LATEST,
  VECTOR_ROUNDING,
  VECTOR_STEP_MAX,
  VECTOR_TWO_52,
} from './times-simd';

/**
 * Fills the columns up to the first four ticks with a time that is not valid, goes back, or is far ahead. Returns the
 * first of them.
 */
export function gatherSimdAscending(from: u32, to: u32): u32 {
  const unit = f64x2.splat(<f64>unitNs(recvUnit));
  const inverse = f64x2.splat(1 / <f64>unitNs(recvUnit));
  const perS = f64x2.splat(<f64>perSecond(recvUnit));
  const base = f64x2.splat(TWO_52 + <f64>recvBase);
  const two52 = v128.load(VECTOR_TWO_52);
  const rounding = v128.load(VECTOR_ROUNDING);
  const stepMax = v128.load(VECTOR_STEP_MAX);
  const latest = v128.load(VECTOR_LATEST);
  const spanMax = f64x2.splat(<f64>SPAN_MAX);
  const zero = i32x4.splat(0);
  const first = (<f64>recvS - <f64>recvBase) * <f64>perSecond(recvUnit) + <f64>recvPart;
  let last = f64x2.splat(first);
  let differences = i64x2.splat(0);
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const p = RECORDS + <usize>i * RECORD;
    const early = twoAt(p + AT_RECV);
    const late = twoAt(p + 2 * RECORD + AT_RECV);
    const earlyNs = nanosOf(early, two52);
    const lateNs = nanosOf(late, two52);
    const earlyPart = f64x2.nearest(f64x2.mul(earlyNs, inverse));
    const latePart = f64x2.nearest(f64x2.mul(lateNs, inverse));
    const earlyUnits = f64x2.add(f64x2.mul(secondsOf(early, two52, base), perS), earlyPart);
    const lateUnits = f64x2.add(f64x2.mul(secondsOf(late, two52, base), perS), latePart);
    const earlySteps = f64x2.sub(earlyUnits, beforeOf(last, earlyUnits));
    const lateSteps = f64x2.sub(lateUnits, beforeOf(earlyUnits, lateUnits));
    const areWhole = v128.and(
      f64x2.eq(f64x2.mul(earlyPart, unit), earlyNs),
      f64x2.eq(f64x2.mul(latePart, unit), lateNs),
    );
    const areNear = v128.and(
      f64x2.lt(f64x2.pmax(earlySteps, lateSteps), stepMax),
      f64x2.ge(f64x2.pmin(earlySteps, lateSteps), zero),
    );
    // The times ascend, so the last ones are the highest.
    const areInSpan = f64x2.lt(lateUnits, spanMax);
    const canBe = v128.and(areTimes(early, latest), areTimes(late, latest));
    const areUsual = v128.and(v128.and(areWhole, areNear), v128.and(areInSpan, canBe));
    if (i32x4.bitmask(areUsual) !== ALL_FOUR) break;
    v128.store(RECV_COLUMN + <usize>i * 4, fourOf(earlySteps, lateSteps, rounding));
    const earlyEvent = twoAt(p + AT_EVENT);
    const lateEvent = twoAt(p + 2 * RECORD + AT_EVENT);
    differences = v128.or(differences, v128.or(v128.xor(earlyEvent, early), v128.xor(lateEvent, late)));
    last = lateUnits;
  }
  if (i === from) return i;
  noteDifferent(i64x2.extract_lane(differences, 0) | i64x2.extract_lane(differences, 1));
  resumeAfter(RECORDS + <usize>(i - 1) * RECORD);
  const firstS = load<u32>(RECORDS + <usize>from * RECORD, AT_RECV);
  const firstNs = load<u32>(RECORDS + <usize>from * RECORD, AT_RECV + 4);
  widenRecv(
    (<i64>firstS - <i64>recvBase) * <i64>perSecond(recvUnit) + <i64>(firstNs / unitNs(recvUnit)),
    <i64>f64x2.extract_lane(last, 1),
  );
  return i;
}
