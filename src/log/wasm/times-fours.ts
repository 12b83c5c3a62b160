/** Gathers the times of ticks by fours, as long as they are what most are. Units are counted in float64: below SPAN_MAX they are exact. */
import {
  AT_EVENT,
  AT_RECV,
  MODE_APART,
  MODE_RECV_LAGS,
  RECORD,
  SECOND_NS,
  SPAN_MAX,
  STEP_MAX,
} from './format';
import { EVENT_COLUMN, PRESENT_COLUMN_AT, RECORDS, RECV_COLUMN } from './layout';
import { eventBase, eventUnit, leastLag, mode, perSecond, recvBase, recvUnit, unitNs } from './times';
import {
  countNegative,
  eventPart,
  eventS,
  goOnAfter,
  noteDifferent,
  recvPart,
  recvS,
  widenEvent,
  widenRecv,
} from './times-each';

/**
 * Where both times are the same: fills the columns up to the first tick, counted in fours, whose time is odd, before the last
 * one, or far behind it. Returns it.
 */
export function gatherRising(from: u32, to: u32): u32 {
  const unit = f64x2.splat(<f64>unitNs(recvUnit));
  const inverse = f64x2.splat(1 / <f64>unitNs(recvUnit));
  const perS = f64x2.splat(<f64>perSecond(recvUnit));
  const base = f64x2.splat(<f64>recvBase);
  const zero = f64x2.splat(0);
  const spanMax = f64x2.splat(<f64>SPAN_MAX);
  const stepMax = f64x2.splat(<f64>STEP_MAX);
  const secondNs = f64x2.splat(<f64>SECOND_NS);
  const first = (<f64>recvS - <f64>recvBase) * <f64>perSecond(recvUnit) + <f64>recvPart;
  let last = f64x2.splat(first);
  let differences = i64x2.splat(0);
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const p = RECORDS + <usize>i * RECORD;
    const a = v128.load(p, AT_EVENT);
    const b = v128.load(p, RECORD + AT_EVENT);
    const c = v128.load(p, 2 * RECORD + AT_EVENT);
    const d = v128.load(p, 3 * RECORD + AT_EVENT);
    // Seconds of two ticks and their nanoseconds.
    const early = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    const late = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    const earlyNs = f64x2.convert_low_i32x4_u(v128.shuffle<i32>(early, early, 2, 3, 2, 3));
    const lateNs = f64x2.convert_low_i32x4_u(v128.shuffle<i32>(late, late, 2, 3, 2, 3));
    const earlyPart = f64x2.nearest(f64x2.mul(earlyNs, inverse));
    const latePart = f64x2.nearest(f64x2.mul(lateNs, inverse));
    const earlyS = f64x2.sub(f64x2.convert_low_i32x4_u(early), base);
    const lateS = f64x2.sub(f64x2.convert_low_i32x4_u(late), base);
    const earlyUnits = f64x2.add(f64x2.mul(earlyS, perS), earlyPart);
    const lateUnits = f64x2.add(f64x2.mul(lateS, perS), latePart);
    const earlySteps = f64x2.sub(earlyUnits, v128.shuffle<i64>(last, earlyUnits, 1, 2));
    const lateSteps = f64x2.sub(lateUnits, v128.shuffle<i64>(earlyUnits, lateUnits, 1, 2));
    const isWhole = v128.and(
      f64x2.eq(f64x2.mul(earlyPart, unit), earlyNs),
      f64x2.eq(f64x2.mul(latePart, unit), lateNs),
    );
    const isNear = v128.and(
      f64x2.lt(f64x2.max(earlySteps, lateSteps), stepMax),
      f64x2.ge(f64x2.min(earlySteps, lateSteps), zero),
    );
    const isInSpan = v128.and(
      f64x2.lt(f64x2.max(f64x2.abs(earlyUnits), f64x2.abs(lateUnits)), spanMax),
      f64x2.lt(f64x2.max(earlyNs, lateNs), secondNs),
    );
    if (!i64x2.all_true(v128.and(isWhole, v128.and(isNear, isInSpan)))) break;
    const steps = v128.shuffle<i64>(
      i32x4.trunc_sat_f64x2_s_zero(earlySteps),
      i32x4.trunc_sat_f64x2_s_zero(lateSteps),
      0,
      2,
    );
    v128.store(RECV_COLUMN + <usize>i * 4, steps);
    const events = v128.or(
      v128.xor(v128.shuffle<i64>(a, b, 0, 2), v128.shuffle<i64>(a, b, 1, 3)),
      v128.xor(v128.shuffle<i64>(c, d, 0, 2), v128.shuffle<i64>(c, d, 1, 3)),
    );
    differences = v128.or(differences, events);
    last = lateUnits;
  }
  if (i === from) return i;
  noteDifferent(i64x2.extract_lane(differences, 0) | i64x2.extract_lane(differences, 1));
  goOnAfter(RECORDS + <usize>(i - 1) * RECORD);
  const firstS = load<u32>(RECORDS + <usize>from * RECORD, AT_RECV);
  const firstNs = load<u32>(RECORDS + <usize>from * RECORD, AT_RECV + 4);
  widenRecv(
    (<i64>firstS - <i64>recvBase) * <i64>perSecond(recvUnit) + <i64>(firstNs / unitNs(recvUnit)),
    <i64>f64x2.extract_lane(last, 1),
  );
  return i;
}

/** Two times in units; their seconds are in the low lanes, their nanoseconds above. */
function unitsOf(times: v128, inverse: v128, perS: v128, base: v128): v128 {
  const ns = f64x2.convert_low_i32x4_u(v128.shuffle<i32>(times, times, 2, 3, 2, 3));
  const s = f64x2.sub(f64x2.convert_low_i32x4_u(times), base);
  return f64x2.add(f64x2.mul(s, perS), f64x2.nearest(f64x2.mul(ns, inverse)));
}

/** Whether their nanoseconds are less than a second, and whole units. */
function areWhole(times: v128, inverse: v128, unit: v128): v128 {
  const ns = f64x2.convert_low_i32x4_u(v128.shuffle<i32>(times, times, 2, 3, 2, 3));
  const isWhole = f64x2.eq(f64x2.mul(f64x2.nearest(f64x2.mul(ns, inverse)), unit), ns);
  return v128.and(isWhole, f64x2.lt(ns, f64x2.splat(<f64>SECOND_NS)));
}

/** Steps of four ticks as integers. */
function fourOf(early: v128, late: v128): v128 {
  return v128.shuffle<i64>(i32x4.trunc_sat_f64x2_s_zero(early), i32x4.trunc_sat_f64x2_s_zero(late), 0, 2);
}

/**
 * Where they are not: fills the columns up to the first tick, counted in fours, of which a time is odd or not there, or a step is wide. Returns
 * it. One time leads, the other one follows, as in `times-decode.ts`.
 */
export function gatherFours(from: u32, to: u32): u32 {
  const isEventLead = mode === MODE_RECV_LAGS;
  const isApart = mode === MODE_APART;
  const recvNs = f64x2.splat(<f64>unitNs(recvUnit));
  const recvInverse = f64x2.splat(1 / <f64>unitNs(recvUnit));
  const recvPerS = f64x2.splat(<f64>perSecond(recvUnit));
  const recvFrom = f64x2.splat(<f64>recvBase);
  const eventNs = f64x2.splat(<f64>unitNs(eventUnit));
  const eventInverse = f64x2.splat(1 / <f64>unitNs(eventUnit));
  const eventPerS = f64x2.splat(<f64>perSecond(eventUnit));
  const eventFrom = f64x2.splat(<f64>eventBase);
  const leadUnit = isEventLead ? eventUnit : recvUnit;
  const followUnit = isEventLead ? recvUnit : eventUnit;
  const share = isApart ? 0 : <f64>unitNs(leadUnit) / <f64>unitNs(followUnit);
  const ratio = f64x2.splat(share);
  const half = f64x2.splat(share < 1 ? 0.5 : 0);
  const between = <i64>recvBase - <i64>eventBase;
  const told = (isEventLead ? -between : between) * <i64>perSecond(followUnit) + leastLag;
  const least = f64x2.splat(isApart ? 0 : <f64>told);
  const chained = i64x2.splat(isApart ? -1 : 0);
  // What the other time is told from must stay exact in the other's units.
  const leadMax = f64x2.splat(share > 1 ? <f64>(SPAN_MAX / <i64>share) : <f64>SPAN_MAX);
  const followMax = f64x2.splat(<f64>SPAN_MAX);
  const stepMax = f64x2.splat(<f64>STEP_MAX);
  const recvLast = (<i64>recvS - <i64>recvBase) * <i64>perSecond(recvUnit) + <i64>recvPart;
  const eventLast = (<i64>eventS - <i64>eventBase) * <i64>perSecond(eventUnit) + <i64>eventPart;
  let lead = f64x2.splat(<f64>(isEventLead ? eventLast : recvLast));
  let follow = f64x2.splat(<f64>(isEventLead ? recvLast : eventLast));
  let leadLeast = f64x2.splat(Infinity);
  let leadMost = f64x2.splat(-Infinity);
  let followLeast = f64x2.splat(Infinity);
  let followMost = f64x2.splat(-Infinity);
  let leadBelow: u32 = 0;
  let followBelow: u32 = 0;
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const p = RECORDS + <usize>i * RECORD;
    const a = v128.load(p, AT_EVENT);
    const b = v128.load(p, RECORD + AT_EVENT);
    const c = v128.load(p, 2 * RECORD + AT_EVENT);
    const d = v128.load(p, 3 * RECORD + AT_EVENT);
    // Seconds of two ticks and their nanoseconds.
    const earlyEvent = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
    const lateEvent = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
    const earlyRecv = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
    const lateRecv = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
    const event0 = unitsOf(earlyEvent, eventInverse, eventPerS, eventFrom);
    const event1 = unitsOf(lateEvent, eventInverse, eventPerS, eventFrom);
    const recv0 = unitsOf(earlyRecv, recvInverse, recvPerS, recvFrom);
    const recv1 = unitsOf(lateRecv, recvInverse, recvPerS, recvFrom);
    const lead0 = isEventLead ? event0 : recv0;
    const lead1 = isEventLead ? event1 : recv1;
    const follow0 = isEventLead ? recv0 : event0;
    const follow1 = isEventLead ? recv1 : event1;
    const leadSteps0 = f64x2.sub(lead0, v128.shuffle<i64>(lead, lead0, 1, 2));
    const leadSteps1 = f64x2.sub(lead1, v128.shuffle<i64>(lead0, lead1, 1, 2));
    // What it follows: the other time, or its own before.
    const before0 = v128.and(v128.shuffle<i64>(follow, follow0, 1, 2), chained);
    const before1 = v128.and(v128.shuffle<i64>(follow0, follow1, 1, 2), chained);
    const told0 = f64x2.floor(f64x2.mul(f64x2.add(lead0, half), ratio));
    const told1 = f64x2.floor(f64x2.mul(f64x2.add(lead1, half), ratio));
    const followSteps0 = f64x2.sub(f64x2.sub(follow0, f64x2.add(told0, least)), before0);
    const followSteps1 = f64x2.sub(f64x2.sub(follow1, f64x2.add(told1, least)), before1);
    const isThere = v128.not(
      v128.or(i32x4.eq(earlyEvent, i32x4.splat(-1)), i32x4.eq(lateEvent, i32x4.splat(-1))),
    );
    const areUnits = v128.and(
      v128.and(areWhole(earlyEvent, eventInverse, eventNs), areWhole(lateEvent, eventInverse, eventNs)),
      v128.and(areWhole(earlyRecv, recvInverse, recvNs), areWhole(lateRecv, recvInverse, recvNs)),
    );
    const areNear = v128.and(
      f64x2.lt(f64x2.max(f64x2.abs(leadSteps0), f64x2.abs(leadSteps1)), stepMax),
      f64x2.lt(f64x2.max(f64x2.abs(followSteps0), f64x2.abs(followSteps1)), stepMax),
    );
    const areInSpan = v128.and(
      f64x2.lt(f64x2.max(f64x2.abs(lead0), f64x2.abs(lead1)), leadMax),
      f64x2.lt(f64x2.max(f64x2.abs(follow0), f64x2.abs(follow1)), followMax),
    );
    if (!i32x4.all_true(v128.and(v128.and(areUnits, isThere), v128.and(areNear, areInSpan)))) break;
    const leadSteps = fourOf(leadSteps0, leadSteps1);
    const followSteps = fourOf(followSteps0, followSteps1);
    v128.store((isEventLead ? EVENT_COLUMN : RECV_COLUMN) + <usize>i * 4, leadSteps);
    v128.store((isEventLead ? RECV_COLUMN : EVENT_COLUMN) + <usize>i * 4, followSteps);
    v128.store(PRESENT_COLUMN_AT + <usize>i * 4, i32x4.splat(1));
    leadBelow += popcnt(i32x4.bitmask(leadSteps));
    followBelow += popcnt(i32x4.bitmask(followSteps));
    leadLeast = f64x2.min(leadLeast, f64x2.min(lead0, lead1));
    leadMost = f64x2.max(leadMost, f64x2.max(lead0, lead1));
    followLeast = f64x2.min(followLeast, f64x2.min(follow0, follow1));
    followMost = f64x2.max(followMost, f64x2.max(follow0, follow1));
    lead = lead1;
    follow = follow1;
  }
  if (i === from) return i;
  goOnAfter(RECORDS + <usize>(i - 1) * RECORD);
  countNegative(isEventLead ? followBelow : leadBelow, isEventLead ? leadBelow : followBelow);
  const leadFrom = <i64>leastOf(leadLeast);
  const leadTo = <i64>mostOf(leadMost);
  const followFrom = <i64>leastOf(followLeast);
  const followTo = <i64>mostOf(followMost);
  widenRecv(isEventLead ? followFrom : leadFrom, isEventLead ? followTo : leadTo);
  widenEvent(isEventLead ? leadFrom : followFrom, isEventLead ? leadTo : followTo);
  return i;
}

function leastOf(two: v128): f64 {
  return min<f64>(f64x2.extract_lane(two, 0), f64x2.extract_lane(two, 1));
}

function mostOf(two: v128): f64 {
  return max<f64>(f64x2.extract_lane(two, 0), f64x2.extract_lane(two, 1));
}
