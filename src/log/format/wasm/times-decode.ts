/**
 * The decoder of both times of a block's ticks: see `format.ts`. One time leads. The other time follows: it is predicted
 * from the first one, or from its own predecessor. Both are float64 units since their base; no block has more than 2^50.
 */

import { wides } from './exceptions';
import {
  AT_EVENT,
  AT_RECV,
  COLUMN_EVENT,
  MODE_APART,
  MODE_EVENT_LAGS,
  MODE_RECV_LAGS,
  NO_TIME_S,
  PRESENT_ALL,
  RECORD,
  ROUNDING,
  STEP_MAX,
  WIDE,
} from './format';
import { EVENT_COLUMN, PRESENT_COLUMN_AT, RECV_COLUMN, WIDES } from './layout';
import {
  eventBase,
  eventUnit,
  eventZigzag,
  leastLag,
  mode,
  perSecond,
  presence,
  recvBase,
  recvUnit,
  recvZigzag,
  unitNs,
} from './times';
import { unzigzagAll } from './zigzag';

/** The next wide step. */
let wide: usize = 0;
/** tsEvent is tsRecv, and no step is wide. */
let isSame: bool = false;
/** The time that leads is tsEvent. */
let isEventLead: bool = false;
/** The last values of both times; 0 for a time that lags. */
let lead: f64 = 0;
let follow: f64 = 0;
/** The prediction of a time that lags: the time that leads plus `half`, times `ratio`, rounded down. */
let ratio: f64 = 0;
let half: f64 = 0;
/** The least lag plus the distance of the bases. */
let least: f64 = 0;

/** Begins with the unpacked columns; `isEventZero`: the column of tsEvent has only zeros. */
export function beginTimes(count: u32, isEventZero: bool): void {
  const between = <i64>recvBase - <i64>eventBase;
  isSame =
    isEventZero &&
    mode === MODE_EVENT_LAGS &&
    presence === PRESENT_ALL &&
    recvUnit === eventUnit &&
    between === 0 &&
    leastLag === 0 &&
    (wides === 0 || load<u32>(WIDES) >> 16 > COLUMN_EVENT);
  if (recvZigzag) unzigzagAll(RECV_COLUMN, count);
  if (eventZigzag) unzigzagAll(EVENT_COLUMN, count);
  wide = 0;
  lead = 0;
  follow = 0;
  ratio = 0;
  half = 0;
  least = 0;
  isEventLead = mode === MODE_RECV_LAGS;
  if (mode === MODE_APART) return;
  const leadNs = unitNs(isEventLead ? eventUnit : recvUnit);
  const followUnit = isEventLead ? recvUnit : eventUnit;
  ratio = <f64>leadNs / <f64>unitNs(followUnit);
  // A whole quotient must not be rounded down to less.
  if (ratio < 1) half = 0.5;
  least = <f64>((isEventLead ? -between : between) * <i64>perSecond(followUnit) + leastLag);
}

/**
 * Writes the times of ticks `from` … `to` − 1, which follow those of the last call, to records of which `first` would be
 * the first of the block.
 */
export function scatterTimes(from: u32, to: u32, first: usize): void {
  if (isSame) {
    runSame(from, to, first);
    return;
  }
  let next = from;
  while (wide < wides) {
    const word = load<u32>(WIDES + wide * WIDE);
    const tick = word & 0xffff;
    if (tick < next || tick >= to || word >> 16 > COLUMN_EVENT) break;
    run(next, tick, first);
    putWide(tick, first);
    next = tick + 1;
  }
  run(next, to, first);
  if (presence !== PRESENT_ALL) clearAbsent(from, to, first);
}

/** Writes the times of a tick that has wide steps. */
function putWide(tick: u32, first: usize): void {
  let more: f64 = 0;
  for (; wide < wides; wide++) {
    const word = load<u32>(WIDES + wide * WIDE);
    const column = word >> 16;
    if ((word & 0xffff) !== tick || column > COLUMN_EVENT) break;
    const step = <f64>load<i32>(WIDES + wide * WIDE, 4) * <f64>STEP_MAX;
    if ((column === COLUMN_EVENT) === isEventLead) lead += step;
    else if (mode === MODE_APART) follow += step;
    else more = step;
  }
  putOne(tick, first, more);
}

function clearAbsent(from: u32, to: u32, first: usize): void {
  for (let i = from; i < to; i++) {
    const isPresent = load<i32>(PRESENT_COLUMN_AT + <usize>i * 4) !== 0;
    if (!isPresent) store<u64>(first + <usize>i * RECORD, <u64>NO_TIME_S, AT_EVENT);
  }
}

/** Of the steps in the lower two lanes: the first one, and the sum of both. */
function sumsOf(steps: v128): v128 {
  const both = f64x2.convert_low_i32x4_s(steps);
  return f64x2.add(both, v128.shuffle<i64>(f64x2.splat(0), both, 0, 2));
}

/** Moves the upper two lanes to the lower two. */
function upper(four: v128): v128 {
  return v128.shuffle<i32>(four, four, 2, 3, 2, 3);
}

/** The second of two values in both lanes. */
function second(two: v128): v128 {
  return v128.shuffle<i64>(two, two, 1, 1);
}

/** Two times as records have them. Adding ROUNDING, as is done in `base` too, leaves an integer in the low bits. */
function timesOf(units: v128, inverse: v128, perS: v128, ns: v128, base: v128): v128 {
  const s = f64x2.floor(f64x2.mul(f64x2.add(units, f64x2.splat(0.5)), inverse));
  const part = f64x2.mul(f64x2.sub(units, f64x2.mul(s, perS)), ns);
  const high = i64x2.shl(f64x2.add(part, f64x2.splat(ROUNDING)), 32);
  return v128.shuffle<i32>(f64x2.add(s, base), high, 0, 5, 2, 7);
}

function runSame(from: u32, to: u32, first: usize): void {
  const perS = f64x2.splat(<f64>perSecond(recvUnit));
  const inverse = f64x2.splat(1 / <f64>perSecond(recvUnit));
  const ns = f64x2.splat(<f64>unitNs(recvUnit));
  const base = f64x2.splat(<f64>recvBase + ROUNDING);
  let last = f64x2.splat(lead);
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const steps = v128.load(RECV_COLUMN + <usize>i * 4);
    const low = sumsOf(steps);
    const high = f64x2.add(second(low), sumsOf(upper(steps)));
    const early = timesOf(f64x2.add(last, low), inverse, perS, ns, base);
    const late = timesOf(f64x2.add(last, high), inverse, perS, ns, base);
    last = f64x2.add(last, second(high));
    const p = first + <usize>i * RECORD;
    v128.store(p, v128.shuffle<i64>(early, early, 0, 0), AT_EVENT);
    v128.store(p, second(early), RECORD + AT_EVENT);
    v128.store(p, v128.shuffle<i64>(late, late, 0, 0), 2 * RECORD + AT_EVENT);
    v128.store(p, second(late), 3 * RECORD + AT_EVENT);
  }
  lead = f64x2.extract_lane(last, 0);
  for (; i < to; i++) putOne(i, first, 0);
}

/** Four ticks at a time. */
function run(from: u32, to: u32, first: usize): void {
  const leadColumn = isEventLead ? EVENT_COLUMN : RECV_COLUMN;
  const leadAt = first + (isEventLead ? AT_EVENT : AT_RECV);
  const followColumn = isEventLead ? RECV_COLUMN : EVENT_COLUMN;
  const followAt = first + (isEventLead ? AT_RECV : AT_EVENT);
  const leadUnit = isEventLead ? eventUnit : recvUnit;
  const followUnit = isEventLead ? recvUnit : eventUnit;
  const leadPerS = f64x2.splat(<f64>perSecond(leadUnit));
  const leadInverse = f64x2.splat(1 / <f64>perSecond(leadUnit));
  const leadNs = f64x2.splat(<f64>unitNs(leadUnit));
  const leadBase = f64x2.splat(<f64>(isEventLead ? eventBase : recvBase) + ROUNDING);
  const followPerS = f64x2.splat(<f64>perSecond(followUnit));
  const followInverse = f64x2.splat(1 / <f64>perSecond(followUnit));
  const followNs = f64x2.splat(<f64>unitNs(followUnit));
  const followBase = f64x2.splat(<f64>(isEventLead ? recvBase : eventBase) + ROUNDING);
  const times = f64x2.splat(ratio);
  const plus = f64x2.splat(half);
  // Of a time that lags, the steps before it count nothing.
  const chained = i64x2.splat(mode === MODE_APART ? -1 : 0);
  let lastLead = f64x2.splat(lead);
  let lastFollow = f64x2.splat(follow + least);
  let i = from;
  for (; i + 4 <= to; i += 4) {
    const steps = v128.load(leadColumn + <usize>i * 4);
    const low = sumsOf(steps);
    const high = f64x2.add(second(low), sumsOf(upper(steps)));
    const early = f64x2.add(lastLead, low);
    const late = f64x2.add(lastLead, high);
    lastLead = f64x2.add(lastLead, second(high));
    const lags = v128.load(followColumn + <usize>i * 4);
    let earlyLag = f64x2.convert_low_i32x4_s(lags);
    let lateLag = f64x2.convert_low_i32x4_s(upper(lags));
    const zero = f64x2.splat(0);
    earlyLag = f64x2.add(earlyLag, v128.and(v128.shuffle<i64>(zero, earlyLag, 0, 2), chained));
    lateLag = f64x2.add(lateLag, v128.and(v128.shuffle<i64>(zero, lateLag, 0, 2), chained));
    lateLag = f64x2.add(lateLag, v128.and(second(earlyLag), chained));
    const earlyTold = f64x2.floor(f64x2.mul(f64x2.add(early, plus), times));
    const lateTold = f64x2.floor(f64x2.mul(f64x2.add(late, plus), times));
    const earlyFollow = f64x2.add(f64x2.add(earlyTold, lastFollow), earlyLag);
    const lateFollow = f64x2.add(f64x2.add(lateTold, lastFollow), lateLag);
    lastFollow = f64x2.add(lastFollow, v128.and(second(lateLag), chained));
    const earlyLead = timesOf(early, leadInverse, leadPerS, leadNs, leadBase);
    const lateLead = timesOf(late, leadInverse, leadPerS, leadNs, leadBase);
    const earlyTime = timesOf(earlyFollow, followInverse, followPerS, followNs, followBase);
    const lateTime = timesOf(lateFollow, followInverse, followPerS, followNs, followBase);
    const p = leadAt + <usize>i * RECORD;
    v128.store64_lane(p, earlyLead, 0);
    v128.store64_lane(p, earlyLead, 1, RECORD);
    v128.store64_lane(p, lateLead, 0, 2 * RECORD);
    v128.store64_lane(p, lateLead, 1, 3 * RECORD);
    const q = followAt + <usize>i * RECORD;
    v128.store64_lane(q, earlyTime, 0);
    v128.store64_lane(q, earlyTime, 1, RECORD);
    v128.store64_lane(q, lateTime, 0, 2 * RECORD);
    v128.store64_lane(q, lateTime, 1, 3 * RECORD);
  }
  lead = f64x2.extract_lane(lastLead, 0);
  follow = f64x2.extract_lane(lastFollow, 0) - least;
  for (; i < to; i++) putOne(i, first, 0);
}

/** Writes the times of one tick; `more` is added to a time that lags. */
function putOne(i: u32, first: usize, more: f64): void {
  const recvStep = <f64>load<i32>(RECV_COLUMN + <usize>i * 4);
  const eventStep = <f64>load<i32>(EVENT_COLUMN + <usize>i * 4);
  lead += isEventLead ? eventStep : recvStep;
  const lagging = isEventLead ? recvStep : eventStep;
  const predicted = floor((lead + half) * ratio) + least + follow + lagging + more;
  if (mode === MODE_APART) follow += lagging;
  const recv = isEventLead ? predicted : lead;
  const event = isEventLead ? lead : predicted;
  const p = first + <usize>i * RECORD;
  store<u64>(p, timeOf(recv, recvUnit, recvBase), AT_RECV);
  store<u64>(p, timeOf(event, eventUnit, eventBase), AT_EVENT);
}

function timeOf(units: f64, unit: u32, base: u32): u64 {
  const perS = <f64>perSecond(unit);
  const s = floor((units + 0.5) / perS);
  const part = (units - s * perS) * <f64>unitNs(unit);
  const low = <u32>reinterpret<u64>(s + <f64>base + ROUNDING);
  return <u64>low | (reinterpret<u64>(part + ROUNDING) << 32);
}
