/**
 * Gathers the times of ticks with two different times, four at a time, while the times are ordinary. One time leads and
 * the other one follows, as in `times-decode.ts`.
 */
import { AT_EVENT, AT_RECV, MODE_APART, MODE_RECV_LAGS, RECORD, SPAN_MAX } from './format';
import { EVENT_COLUMN, PRESENT_COLUMN_AT, RECORDS, RECV_COLUMN } from './layout';
import { eventBase, eventUnit, leastLag, mode, perSecond, recvBase, recvUnit, unitNs } from './times';
import {
  countNegative,
  eventPart,
  eventS,
  recvPart,
  recvS,
  resumeAfter,
  widenEvent,
  widenRecv,
} from './times-each';
import {
  ALL_FOUR,
  areTimes,
  beforeOf,
  fourOf,
  leastOf,
  mostOf,
  nanosOf,
  secondsOf,
  TWO_52,
  twoAt,
  VECTOR_LATEST,
  VECTOR_ROUNDING,
  VECTOR_STEP_MAX,
  VECTOR_TWO_52,
} from './times-simd';

// Constants of a block, each twice in 16 bytes.
/** Of a time: 0 base, on top of 2^52 │ 16 units of a second │ 32 of a nanosecond │ 48 nanoseconds of a unit. */
const LEAD: usize = memory.data(64, 16);
const FOLLOW: usize = memory.data(64, 16);
/** The prediction of the time that follows: 0 ratio │ 16 half │ 32 least lag │ 48 all bits set for a chained time. */
const PREDICTION: usize = memory.data(64, 16);
/** Upper bounds of the times: 0 the time that leads │ 16 the time that follows. */
const SPANS: usize = memory.data(32, 16);

/** The time that leads is tsEvent. */
let isEventLead: bool = false;

/** Begins a block, whose units, bases and mode are set. */
export function beginSimdPairs(): void {
  const isApart = mode === MODE_APART;
  isEventLead = mode === MODE_RECV_LAGS;
  putUnits(isEventLead ? FOLLOW : LEAD, recvUnit, recvBase);
  putUnits(isEventLead ? LEAD : FOLLOW, eventUnit, eventBase);
  const leadUnit = isEventLead ? eventUnit : recvUnit;
  const followUnit = isEventLead ? recvUnit : eventUnit;
  const ratio = isApart ? 0 : <f64>unitNs(leadUnit) / <f64>unitNs(followUnit);
  const between = <i64>recvBase - <i64>eventBase;
  const least = (isEventLead ? -between : between) * <i64>perSecond(followUnit) + leastLag;
  v128.store(PREDICTION, f64x2.splat(ratio));
  v128.store(PREDICTION, f64x2.splat(ratio < 1 ? 0.5 : 0), 16);
  v128.store(PREDICTION, f64x2.splat(isApart ? 0 : <f64>least), 32);
  v128.store(PREDICTION, i64x2.splat(isApart ? -1 : 0), 48);
  // The prediction must stay exact in the units of the time that follows.
  v128.store(SPANS, f64x2.splat(ratio > 1 ? <f64>(SPAN_MAX / <i64>ratio) : <f64>SPAN_MAX));
  v128.store(SPANS, f64x2.splat(<f64>SPAN_MAX), 16);
}

function putUnits(to: usize, unit: u32, base: u32): void {
  v128.store(to, f64x2.splat(TWO_52 + <f64>base));
  v128.store(to, f64x2.splat(<f64>perSecond(unit)), 16);
  v128.store(to, f64x2.splat(1 / <f64>unitNs(unit)), 32);
  v128.store(to, f64x2.splat(<f64>unitNs(unit)), 48);
}

/** Two times in units. */
// @inline
function unitsOf(times: v128, at: usize, two52: v128): v128 {
  const s = secondsOf(times, two52, v128.load(at));
  const part = f64x2.nearest(f64x2.mul(nanosOf(times, two52), v128.load(at, 32)));
  return f64x2.add(f64x2.mul(s, v128.load(at, 16)), part);
}

/** Masks of two and two times: whether they are valid and whole units. */
// @inline
function areFit(early: v128, late: v128, at: usize, two52: v128): v128 {
  const latest = v128.load(VECTOR_LATEST);
  const canBe = v128.and(areTimes(early, latest), areTimes(late, latest));
  return v128.and(canBe, v128.and(areWhole(early, at, two52), areWhole(late, at, two52)));
}

// @inline
function areWhole(times: v128, at: usize, two52: v128): v128 {
  const ns = nanosOf(times, two52);
  return f64x2.eq(f64x2.mul(f64x2.nearest(f64x2.mul(ns, v128.load(at, 32))), v128.load(at, 48)), ns);
}

/** The prediction of the time that follows, from the time that leads. */
// @inline
function predictedFrom(lead: v128): v128 {
  const predicted = f64x2.floor(f64x2.mul(f64x2.add(lead, v128.load(PREDICTION, 16)), v128.load(PREDICTION)));
  return f64x2.add(predicted, v128.load(PREDICTION, 32));
}

/** The larger absolute values of two and two values. */
// @inline
function farthest(a: v128, b: v128): v128 {
  return f64x2.pmax(f64x2.abs(a), f64x2.abs(b));
}

/**
 * Fills the columns up to the first four ticks with a time that is not valid or missing, or with a wide step. Returns the
 * first of them.
 */
export function gatherSimdPairs(from: u32, to: u32): u32 {
  const leadAt = isEventLead ? AT_EVENT : AT_RECV;
  const followAt = isEventLead ? AT_RECV : AT_EVENT;
  const leadColumn = isEventLead ? EVENT_COLUMN : RECV_COLUMN;
  const followColumn = isEventLead ? RECV_COLUMN : EVENT_COLUMN;
  const recvLast = (<i64>recvS - <i64>recvBase) * <i64>perSecond(recvUnit) + <i64>recvPart;
  const eventLast = (<i64>eventS - <i64>eventBase) * <i64>perSecond(eventUnit) + <i64>eventPart;
  const two52 = v128.load(VECTOR_TWO_52);
  let lead = f64x2.splat(<f64>(isEventLead ? eventLast : recvLast));
  let follow = f64x2.splat(<f64>(isEventLead ? recvLast : eventLast));
  let leadLeast = f64x2.splat(Infinity);
  let leadMost = f64x2.splat(-Infinity);
  let followLeast = leadLeast;
  let followMost = leadMost;
  // Steps below 0, four counts each.
  let leadBelow = i32x4.splat(0);
  let followBelow = leadBelow;
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const p = RECORDS + <usize>i * RECORD;
    const c = <usize>i * 4;
    const leadEarly = twoAt(p + leadAt);
    const leadLate = twoAt(p + 2 * RECORD + leadAt);
    const followEarly = twoAt(p + followAt);
    const followLate = twoAt(p + 2 * RECORD + followAt);
    const lead0 = unitsOf(leadEarly, LEAD, two52);
    const lead1 = unitsOf(leadLate, LEAD, two52);
    const follow0 = unitsOf(followEarly, FOLLOW, two52);
    const follow1 = unitsOf(followLate, FOLLOW, two52);
    const leadSteps0 = f64x2.sub(lead0, beforeOf(lead, lead0));
    const leadSteps1 = f64x2.sub(lead1, beforeOf(lead0, lead1));
    // The prediction: from the other time, or its own predecessor.
    const chained = v128.load(PREDICTION, 48);
    const predicted0 = f64x2.add(predictedFrom(lead0), v128.and(beforeOf(follow, follow0), chained));
    const predicted1 = f64x2.add(predictedFrom(lead1), v128.and(beforeOf(follow0, follow1), chained));
    const followSteps0 = f64x2.sub(follow0, predicted0);
    const followSteps1 = f64x2.sub(follow1, predicted1);
    const areUnits = v128.and(
      areFit(leadEarly, leadLate, LEAD, two52),
      areFit(followEarly, followLate, FOLLOW, two52),
    );
    const steps = f64x2.pmax(farthest(leadSteps0, leadSteps1), farthest(followSteps0, followSteps1));
    const areNear = f64x2.lt(steps, v128.load(VECTOR_STEP_MAX));
    const areInSpan = v128.and(
      f64x2.lt(farthest(lead0, lead1), v128.load(SPANS)),
      f64x2.lt(farthest(follow0, follow1), v128.load(SPANS, 16)),
    );
    const areUsual = v128.and(areUnits, v128.and(areNear, areInSpan));
    if (i32x4.bitmask(areUsual) !== ALL_FOUR) break;
    const rounding = v128.load(VECTOR_ROUNDING);
    const leadSteps = fourOf(leadSteps0, leadSteps1, rounding);
    const followSteps = fourOf(followSteps0, followSteps1, rounding);
    v128.store(leadColumn + c, leadSteps);
    v128.store(followColumn + c, followSteps);
    v128.store(c, i32x4.splat(1), PRESENT_COLUMN_AT);
    leadBelow = i32x4.add(leadBelow, i32x4.shr_u(leadSteps, 31));
    followBelow = i32x4.add(followBelow, i32x4.shr_u(followSteps, 31));
    leadLeast = f64x2.pmin(leadLeast, f64x2.pmin(lead0, lead1));
    leadMost = f64x2.pmax(leadMost, f64x2.pmax(lead0, lead1));
    followLeast = f64x2.pmin(followLeast, f64x2.pmin(follow0, follow1));
    followMost = f64x2.pmax(followMost, f64x2.pmax(follow0, follow1));
    lead = lead1;
    follow = follow1;
  }
  if (i === from) return i;
  resumeAfter(RECORDS + <usize>(i - 1) * RECORD);
  countNegative(sumOf(isEventLead ? followBelow : leadBelow), sumOf(isEventLead ? leadBelow : followBelow));
  if (isEventLead) widen(followLeast, followMost, leadLeast, leadMost);
  else widen(leadLeast, leadMost, followLeast, followMost);
  return i;
}

function widen(recvLeast: v128, recvMost: v128, eventLeast: v128, eventMost: v128): void {
  widenRecv(<i64>leastOf(recvLeast), <i64>mostOf(recvMost));
  widenEvent(<i64>leastOf(eventLeast), <i64>mostOf(eventMost));
}

function sumOf(four: v128): u32 {
  return (
    i32x4.extract_lane(four, 0) +
    i32x4.extract_lane(four, 1) +
    i32x4.extract_lane(four, 2) +
    i32x4.extract_lane(four, 3)
  );
}
