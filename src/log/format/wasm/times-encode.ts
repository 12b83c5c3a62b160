/** How a block writes both times of its ticks: chosen by a look at some of them, before `times-gather.ts` gathers them all. */
import {
  AT_EVENT,
  AT_RECV,
  MODE_APART,
  MODE_EVENT_LAGS,
  MODE_RECV_LAGS,
  NO_TIME_S,
  PRESENT_ALL,
  PRESENT_COLUMN,
  PRESENT_NONE,
  RECORD,
  SECOND_NS,
  SPAN_MAX,
  STEP_MAX,
} from './format';
import { EVENT_COLUMN, RANGES, RECORDS, RECV_COLUMN, SAMPLES, SAMPLES_MAX } from './layout';
import {
  eventBase,
  eventUnit,
  eventZigzag,
  leastLag,
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
import {
  absent,
  beginGathering,
  broken,
  different,
  eventLeast,
  eventMost,
  eventNegative,
  isSame,
  recvLeast,
  recvMost,
  recvNegative,
  unfit,
} from './times-each';
import { beginSimdPairs } from './times-simd-pairs';
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
  start(count, findUnits(count, isTrusted ? max<u32>(1, count / UNIT_SAMPLES) : 1));
}

/** The same after `endTimes` found that the sample told wrong: looks at all times. */
export function beginTimesAgain(count: u32): void {
  distrust = DISTRUST_BLOCKS;
  start(count, findUnits(count, 1));
}

function start(count: u32, areSame: bool): void {
  if (areSame) setMode(MODE_EVENT_LAGS, 0);
  else findMode(count);
  beginGathering(areSame);
  if (!areSame) beginSimdPairs();
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

/** Converts a time to the units of the other time. */
function convert(units: i64, fromUnit: u32, fromBase: u32, toUnit: u32, toBase: u32): i64 {
  const from = <i64>unitNs(fromUnit);
  const to = <i64>unitNs(toUnit);
  const plus = (<i64>fromBase - <i64>toBase) * <i64>perSecond(toUnit);
  return (from >= to ? units * (from / to) : floorDivide(units, to / from)) + plus;
}

function unitsOf(time: u64, unit: u32, base: u32): i64 {
  return (<i64>(<u32>time) - <i64>base) * <i64>perSecond(unit) + <i64>(<u32>(time >> 32) / unitNs(unit));
}

/** Estimates the bits of each mode from pairs of neighbours all over the block. */
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

/** Brings the columns into their final form. Returns false when the sample was wrong about some of the times. */
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

/** Writes the lowest and highest tsRecv, then tsEvent. Returns false when some times are exceptions. */
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
  // A time with that second counts as missing.
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
