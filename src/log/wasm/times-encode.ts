/** The encoder of both times of a block's ticks: see `format.ts`. Times are whole units since their base. */
import {
  AT_EVENT,
  AT_RECV,
  COLUMN_EVENT,
  COLUMN_RECV,
  EVENT_PAIR,
  MODE_APART,
  MODE_EVENT_LAGS,
  MODE_RECV_LAGS,
  NO_TIME_S,
  PRESENT_ALL,
  PRESENT_COLUMN,
  PRESENT_NONE,
  RECORD,
  RECV_PAIR,
  SECOND_NS,
  SPAN_MAX,
  STEP_MAX,
} from './format';
import {
  EVENT_COLUMN,
  PRESENT_COLUMN_AT,
  RANGES,
  RECORDS,
  RECV_COLUMN,
  SAMPLES,
  SAMPLES_MAX,
} from './layout';
import { addMisfit, addWide } from './oddities';
import {
  eventBase,
  eventUnit,
  eventZigzag,
  leastLag,
  mode,
  perSecond,
  recvBase,
  recvUnit,
  recvZigzag,
  setBases,
  setColumns,
  setMode,
  setUnits,
  unitNs,
} from './times';
import { zigzagAll } from './zigzag';

/** A tsEvent that is not there. */
const NO_TIME: u64 = <u64>NO_TIME_S;
const LATEST_WORD: u32 = 0xffffffff;
/** Bits that a step beyond STEP_MAX costs besides its own. */
const WIDE_BITS: i64 = 64;
/** With more negative steps than this share, a column is zigzag. */
const NEGATIVE_SHARE: u32 = 16;
/** Ticks of the sample by which the units are told, at most. */
const UNIT_SAMPLES: u32 = 256;
/** Blocks whose times are all looked at after one whose sample told wrong. */
const DISTRUST_BLOCKS: u32 = 64;

/** Blocks to come whose times are all looked at first. */
let distrust: u32 = 0;
/** Every tsEvent is expected to be the tsRecv; bits in which one was not. */
let isSame: bool = false;
let different: u64 = 0;
/** Times that the units do not divide. */
let broken: u32 = 0;
/** Times that are misfits. */
let unfit: u32 = 0;
// Lowest and highest.
let recvLeast: i64 = 0;
let recvMost: i64 = 0;
let eventLeast: i64 = 0;
let eventMost: i64 = 0;
// Steps below 0, ticks without tsEvent.
let recvNegative: u32 = 0;
let eventNegative: u32 = 0;
let absent: u32 = 0;
// The last times that fit: second and units beyond it.
let recvS: u32 = 0;
let recvPart: u32 = 0;
let eventS: u32 = 0;
let eventPart: u32 = 0;

/** The largest unit, at or below `unit`, that divides the nanoseconds. */
function unitOf(ns: u32, unit: u32): u32 {
  let u = unit;
  while (u > 0 && (u === 3 ? ns !== 0 : ns % unitNs(u) !== 0)) u--;
  return u;
}

/** Looks at some of a block's times, to decide how to write them. */
export function beginTimes(count: u32): void {
  const isTrusted = distrust === 0;
  if (!isTrusted) distrust--;
  isSame = findUnits(count, isTrusted ? max<u32>(1, count / UNIT_SAMPLES) : 1);
  start(count);
}

/** The same after `endTimes` found that the sample told wrong: looks at all times. */
export function beginTimesAgain(count: u32): void {
  distrust = DISTRUST_BLOCKS;
  isSame = findUnits(count, 1);
  start(count);
}

function start(count: u32): void {
  if (isSame) setMode(MODE_EVENT_LAGS, 0);
  else findMode(count);
  different = 0;
  broken = 0;
  unfit = 0;
  recvLeast = i64.MAX_VALUE;
  recvMost = i64.MIN_VALUE;
  eventLeast = i64.MAX_VALUE;
  eventMost = i64.MIN_VALUE;
  recvNegative = 0;
  eventNegative = 0;
  absent = 0;
  recvS = recvBase;
  recvPart = 0;
  eventS = eventBase;
  eventPart = 0;
}

/** Finds units and bases by every so many-th tick. Returns whether all those looked at have tsEvent = tsRecv. */
function findUnits(count: u32, stride: u32): bool {
  let recv: u32 = 3;
  let event: u32 = 3;
  const firstS = load<u32>(RECORDS, AT_RECV);
  let base = firstS;
  let isFirst = true;
  let differences: u64 = 0;
  const end = RECORDS + <usize>count * RECORD;
  for (let p = RECORDS; p < end; p += <usize>stride * RECORD) {
    const recvTime = load<u64>(p, AT_RECV);
    const eventTime = load<u64>(p, AT_EVENT);
    differences |= recvTime ^ eventTime;
    if (recv > 0) recv = unitOf(<u32>(recvTime >> 32), recv);
    if (eventTime === NO_TIME) continue;
    if (event > 0) event = unitOf(<u32>(eventTime >> 32), event);
    if (isFirst) base = <u32>eventTime;
    isFirst = false;
  }
  setUnits(recv, event);
  setBases(firstS, base);
  return differences === 0 && load<u32>(RECORDS, AT_EVENT) !== NO_TIME_S;
}

function bitsOf(step: i64): i64 {
  const size = abs(step);
  return 64 - clz(min<i64>(size, i32.MAX_VALUE)) + (size >= STEP_MAX ? WIDE_BITS : 0);
}

function floorDivide(value: i64, by: i64): i64 {
  const quotient = value / by;
  return quotient * by > value ? quotient - 1 : quotient;
}

/** A time in the units of the other. */
function convert(units: i64, fromUnit: u32, fromBase: u32, toUnit: u32, toBase: u32): i64 {
  const from = <i64>unitNs(fromUnit);
  const to = <i64>unitNs(toUnit);
  const plus = (<i64>fromBase - <i64>toBase) * <i64>perSecond(toUnit);
  return (from >= to ? units * (from / to) : floorDivide(units, to / from)) + plus;
}

function unitsOf(time: u64, unit: u32, base: u32): i64 {
  return (<i64>(<u32>time) - <i64>base) * <i64>perSecond(unit) + <i64>(<u32>(time >> 32) / unitNs(unit));
}

/** Estimates each mode's bits from pairs of neighbours all over the block. */
function findMode(count: u32): void {
  setMode(MODE_APART, 0);
  if (abs(<i64>recvBase - <i64>eventBase) * <i64>SECOND_NS >= SPAN_MAX) return;
  const stride = max<u32>(1, (count - 1) / SAMPLES_MAX);
  let taken: usize = 0;
  let eventLagLeast = i64.MAX_VALUE;
  let recvLagLeast = i64.MAX_VALUE;
  let apart: i64 = 0;
  let eventLags: i64 = 0;
  let recvLags: i64 = 0;
  for (let i: u32 = 1; i < count && taken < SAMPLES_MAX; i += stride) {
    const p = RECORDS + <usize>i * RECORD;
    const before = p - RECORD;
    if (load<u32>(p, AT_EVENT) === NO_TIME_S || load<u32>(before, AT_EVENT) === NO_TIME_S) continue;
    const recv = unitsOf(load<u64>(p, AT_RECV), recvUnit, recvBase);
    const event = unitsOf(load<u64>(p, AT_EVENT), eventUnit, eventBase);
    const recvBits = bitsOf(recv - unitsOf(load<u64>(before, AT_RECV), recvUnit, recvBase));
    const eventBits = bitsOf(event - unitsOf(load<u64>(before, AT_EVENT), eventUnit, eventBase));
    const eventLag = event - convert(recv, recvUnit, recvBase, eventUnit, eventBase);
    const recvLag = recv - convert(event, eventUnit, eventBase, recvUnit, recvBase);
    eventLagLeast = min(eventLagLeast, eventLag);
    recvLagLeast = min(recvLagLeast, recvLag);
    store<i64>(SAMPLES + 16 * taken, eventLag);
    store<i64>(SAMPLES + 16 * taken, recvLag, 8);
    taken++;
    apart += recvBits + eventBits;
    eventLags += recvBits;
    recvLags += eventBits;
  }
  for (let k: usize = 0; k < taken; k++) {
    eventLags += bitsOf(load<i64>(SAMPLES + 16 * k) - eventLagLeast);
    recvLags += bitsOf(load<i64>(SAMPLES + 16 * k, 8) - recvLagLeast);
  }
  if (eventLags < apart && eventLags <= recvLags) setMode(MODE_EVENT_LAGS, eventLagLeast);
  else if (recvLags < apart) setMode(MODE_RECV_LAGS, recvLagLeast);
  if (abs(leastLag) >= 2 * SPAN_MAX) setMode(MODE_APART, 0);
}

/** Fills the columns of ticks `from` … `to` − 1, which follow those of the last call. */
export function gatherTimes(from: u32, to: u32): void {
  if (isSame) gatherOne(from, to);
  else gatherBoth(from, to);
}

/** Where both times are the same: tsEvent lags by nothing. Four ticks at a time, as far as they are in order and fit. */
function gatherOne(from: u32, to: u32): void {
  let i = from;
  while (i < to) {
    i = gatherRising(i, to);
    const end = min(i + 4, to);
    gatherAny(i, end);
    i = end;
  }
}

/**
 * Fills the columns up to the first tick, counted in fours, whose time is odd, before the last one, or far behind it.
 * Returns it. Units are counted in float64: below SPAN_MAX they are exact.
 */
function gatherRising(from: u32, to: u32): u32 {
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
  different |= i64x2.extract_lane(differences, 0) | i64x2.extract_lane(differences, 1);
  const time = load<u64>(RECORDS + <usize>(i - 1) * RECORD, AT_RECV);
  recvS = <u32>time;
  recvPart = <u32>(time >> 32) / unitNs(recvUnit);
  const firstS = load<u32>(RECORDS + <usize>from * RECORD, AT_RECV);
  const firstNs = load<u32>(RECORDS + <usize>from * RECORD, AT_RECV + 4);
  recvLeast = min(
    recvLeast,
    (<i64>firstS - <i64>recvBase) * <i64>perSecond(recvUnit) + <i64>(firstNs / unitNs(recvUnit)),
  );
  recvMost = max(recvMost, <i64>f64x2.extract_lane(last, 1));
  return i;
}

/** The same of any times, one by one. */
function gatherAny(from: u32, to: u32): void {
  const unit = unitNs(recvUnit);
  const perS = <i64>perSecond(recvUnit);
  const base = <i64>recvBase;
  let last = (<i64>recvS - base) * perS + <i64>recvPart;
  let least = recvLeast;
  let most = recvMost;
  let negative: u32 = 0;
  let differences: u64 = 0;
  let odd: u32 = 0;
  for (let i = from; i < to; i++) {
    const p = RECORDS + <usize>i * RECORD;
    const time = load<u64>(p, AT_RECV);
    differences |= time ^ load<u64>(p, AT_EVENT);
    const ns = <u32>(time >> 32);
    let part = ns;
    if (unit !== 1) {
      part = ns / unit;
      odd |= (part * unit) ^ ns;
    }
    let recv = (<i64>(<u32>time) - base) * perS + <i64>part;
    if (ns >= SECOND_NS || abs(recv) >= SPAN_MAX) {
      unfit++;
      addMisfit(i, RECV_PAIR);
      addMisfit(i, EVENT_PAIR);
      recv = last;
    } else {
      recvS = <u32>time;
      recvPart = part;
    }
    let step = recv - last;
    last = recv;
    least = min(least, recv);
    most = max(most, recv);
    if (abs(step) >= STEP_MAX) step = addWide(i, COLUMN_RECV, step);
    store<i32>(RECV_COLUMN + <usize>i * 4, <i32>step);
    negative += <u32>step >> 31;
  }
  recvLeast = least;
  recvMost = most;
  recvNegative += negative;
  different |= differences;
  broken |= odd;
}

function gatherBoth(from: u32, to: u32): void {
  const recvNs = unitNs(recvUnit);
  const eventNs = unitNs(eventUnit);
  const recvPerS = <i64>perSecond(recvUnit);
  const eventPerS = <i64>perSecond(eventUnit);
  const how = mode;
  const isEventLag = how === MODE_EVENT_LAGS;
  const isRecvLag = how === MODE_RECV_LAGS;
  // The other time's part of a second in the units of the one that lags: times the one, by the other.
  const fromNs = isRecvLag ? eventNs : recvNs;
  const toNs = isRecvLag ? recvNs : eventNs;
  const times = fromNs >= toNs ? fromNs / toNs : 1;
  const by = fromNs >= toNs ? 1 : toNs / fromNs;
  // What the other time is told from must stay exact in the other's units.
  const recvSpan = isEventLag ? SPAN_MAX / <i64>times : SPAN_MAX;
  const eventSpan = isRecvLag ? SPAN_MAX / <i64>times : SPAN_MAX;
  const least = leastLag;
  let lastRecv = (<i64>recvS - <i64>recvBase) * recvPerS + <i64>recvPart;
  let lastEvent = (<i64>eventS - <i64>eventBase) * eventPerS + <i64>eventPart;
  for (let i = from; i < to; i++) {
    const p = RECORDS + <usize>i * RECORD;
    const recvTime = load<u64>(p, AT_RECV);
    const eventTime = load<u64>(p, AT_EVENT);
    let recv = lastRecv;
    let hasRecv = false;
    let ns = <u32>(recvTime >> 32);
    let part = ns;
    if (recvNs !== 1) {
      part = ns / recvNs;
      broken |= (part * recvNs) ^ ns;
    }
    const recvUnits = (<i64>(<u32>recvTime) - <i64>recvBase) * recvPerS + <i64>part;
    if (ns >= SECOND_NS || abs(recvUnits) >= recvSpan) {
      unfit++;
      addMisfit(i, RECV_PAIR);
    } else {
      hasRecv = true;
      recv = recvUnits;
      recvS = <u32>recvTime;
      recvPart = part;
    }
    let event = lastEvent;
    let hasEvent = false;
    let isPresent = 0;
    if (eventTime === NO_TIME) {
      absent++;
    } else {
      isPresent = 1;
      ns = <u32>(eventTime >> 32);
      part = ns;
      if (eventNs !== 1) {
        part = ns / eventNs;
        broken |= (part * eventNs) ^ ns;
      }
      const eventUnits = (<i64>(<u32>eventTime) - <i64>eventBase) * eventPerS + <i64>part;
      if (ns >= SECOND_NS || abs(eventUnits) >= eventSpan) {
        unfit++;
        addMisfit(i, EVENT_PAIR);
      } else {
        hasEvent = true;
        event = eventUnits;
        eventS = <u32>eventTime;
        eventPart = part;
        eventLeast = min(eventLeast, event);
        eventMost = max(eventMost, event);
      }
    }
    store<i32>(PRESENT_COLUMN_AT + <usize>i * 4, isPresent);
    let recvStep = recv - lastRecv;
    let eventStep = event - lastEvent;
    if (isEventLag) {
      const told = (recvPart * times) / by;
      eventStep = (<i64>eventS - <i64>recvS) * eventPerS + <i64>eventPart - <i64>told - least;
      if (!hasEvent) eventStep = 0;
    } else if (isRecvLag) {
      const told = (eventPart * times) / by;
      recvStep = (<i64>recvS - <i64>eventS) * recvPerS + <i64>recvPart - <i64>told - least;
      if (!hasRecv) recvStep = 0;
    }
    lastRecv = recv;
    lastEvent = event;
    recvLeast = min(recvLeast, recv);
    recvMost = max(recvMost, recv);
    if (abs(recvStep) >= STEP_MAX) recvStep = addWide(i, COLUMN_RECV, recvStep);
    if (abs(eventStep) >= STEP_MAX) eventStep = addWide(i, COLUMN_EVENT, eventStep);
    store<i32>(RECV_COLUMN + <usize>i * 4, <i32>recvStep);
    store<i32>(EVENT_COLUMN + <usize>i * 4, <i32>eventStep);
    recvNegative += <u32>recvStep >> 31;
    eventNegative += <u32>eventStep >> 31;
  }
}

/** Brings the columns into their final form. False when the times are not what a sample of them let expect. */
export function endTimes(count: u32): bool {
  if (broken !== 0 || different !== 0) return false;
  if (isSame) memory.fill(EVENT_COLUMN, 0, <usize>count * 4);
  setColumns(
    absent === 0 ? PRESENT_ALL : absent === count ? PRESENT_NONE : PRESENT_COLUMN,
    recvNegative * NEGATIVE_SHARE > count,
    eventNegative * NEGATIVE_SHARE > count,
  );
  if (recvZigzag) zigzagAll(RECV_COLUMN, count);
  if (eventZigzag) zigzagAll(EVENT_COLUMN, count);
  return true;
}

/** Lowest and highest tsRecv, then tsEvent, of times that all fit. False where they cannot be told. */
export function ranges(): bool {
  if (unfit > 0) return false;
  const least = isSame ? recvLeast : eventLeast;
  const most = isSame ? recvMost : eventMost;
  putTime(RANGES, recvLeast, recvBase, recvUnit);
  putTime(RANGES + 8, recvMost, recvBase, recvUnit);
  if (least <= most) {
    putTime(RANGES + 16, least, eventBase, eventUnit);
    putTime(RANGES + 24, most, eventBase, eventUnit);
  } else {
    store<u32>(RANGES + 16, LATEST_WORD);
    store<u32>(RANGES + 20, LATEST_WORD);
    store<u64>(RANGES + 24, 0);
  }
  // Times of that second are none, and do not count.
  return (
    load<u32>(RANGES) <= load<u32>(RANGES + 8) &&
    load<u32>(RANGES + 8) !== NO_TIME_S &&
    load<u32>(RANGES + 24) !== NO_TIME_S
  );
}

function putTime(at: usize, units: i64, base: u32, unit: u32): void {
  const perS = <i64>perSecond(unit);
  const s = floorDivide(units, perS);
  store<u32>(at, base + <u32>s);
  store<u32>(at, <u32>(units - s * perS) * unitNs(unit), 4);
}
