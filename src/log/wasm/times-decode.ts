/** The decoder of both times of a block's ticks: see `format.ts`. Times are seconds and units beyond them. */
import {
  AT_EVENT,
  AT_RECV,
  COLUMN_EVENT,
  COLUMN_RECV,
  MODE_APART,
  MODE_EVENT_LAGS,
  NO_TIME_S,
  PRESENT_ALL,
  RECORD,
  STEP_BITS,
  WIDE,
} from './format';
import { EVENT_COLUMN, PRESENT_COLUMN_AT, RECV_COLUMN, WIDES } from './layout';
import { wides } from './oddities';
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

let recvS: u32 = 0;
let recvPart: i64 = 0;
let eventS: u32 = 0;
let eventPart: i64 = 0;
/** The next wide step. */
let wide: usize = 0;
/** tsEvent is tsRecv, and no step is wide. */
let isSame: bool = false;

/** Takes the columns as they were unpacked, that of tsEvent as nothing but 0 if `isEventZero`. */
export function beginTimes(count: u32, isEventZero: bool): void {
  isSame =
    isEventZero &&
    mode === MODE_EVENT_LAGS &&
    presence === PRESENT_ALL &&
    recvUnit === eventUnit &&
    leastLag === 0 &&
    (wides === 0 || load<u32>(WIDES) >> 16 > COLUMN_EVENT);
  if (recvZigzag) unzigzagAll(RECV_COLUMN, count);
  if (eventZigzag) unzigzagAll(EVENT_COLUMN, count);
  recvS = recvBase;
  recvPart = 0;
  eventS = eventBase;
  eventPart = 0;
  wide = 0;
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
    run(next, tick, first, 0, 0);
    let recvMore: i64 = 0;
    let eventMore: i64 = 0;
    for (; wide < wides; wide++) {
      const other = load<u32>(WIDES + wide * WIDE);
      const column = other >> 16;
      if ((other & 0xffff) !== tick || column > COLUMN_EVENT) break;
      const more = (<i64>load<i32>(WIDES + wide * WIDE, 4)) << STEP_BITS;
      if (column === COLUMN_RECV) recvMore = more;
      else eventMore = more;
    }
    run(tick, tick + 1, first, recvMore, eventMore);
    next = tick + 1;
  }
  run(next, to, first, 0, 0);
}

/** Whole seconds in units, of any sign. */
function secondsIn(units: i64, perS: i64): i64 {
  const quotient = units / perS;
  return quotient * perS > units ? quotient - 1 : quotient;
}

function runSame(from: u32, to: u32, first: usize): void {
  const unit = unitNs(recvUnit);
  const perS = perSecond(recvUnit);
  let s = recvS;
  let part = <i32>recvPart;
  for (let i = from; i < to; i++) {
    const p = first + <usize>i * RECORD;
    // Both are below 2^30.
    part += load<i32>(RECV_COLUMN + <usize>i * 4);
    if (<u32>part >= perS) {
      const seconds = <i32>secondsIn(part, perS);
      s += seconds;
      part -= seconds * perS;
    }
    const time = <u64>s | ((<u64>(<u32>part * unit)) << 32);
    store<u64>(p, time, AT_EVENT);
    store<u64>(p, time, AT_RECV);
  }
  recvS = s;
  recvPart = part;
}

function run(from: u32, to: u32, first: usize, recvMore: i64, eventMore: i64): void {
  const recvNs = unitNs(recvUnit);
  const eventNs = unitNs(eventUnit);
  const recvPerS = <i64>perSecond(recvUnit);
  const eventPerS = <i64>perSecond(eventUnit);
  const how = mode;
  const isRecvTold = how !== MODE_APART && how !== MODE_EVENT_LAGS;
  const fromNs = isRecvTold ? eventNs : recvNs;
  const toNs = isRecvTold ? recvNs : eventNs;
  const times = fromNs >= toNs ? fromNs / toNs : 1;
  const by = fromNs >= toNs ? 1 : toNs / fromNs;
  const least = leastLag;
  for (let i = from; i < to; i++) {
    const p = first + <usize>i * RECORD;
    const isPresent = load<i32>(PRESENT_COLUMN_AT + <usize>i * 4) !== 0;
    const recvStep = <i64>load<i32>(RECV_COLUMN + <usize>i * 4) + recvMore;
    const eventStep = <i64>load<i32>(EVENT_COLUMN + <usize>i * 4) + eventMore;
    if (isRecvTold) {
      eventPart += eventStep;
      settleEvent(eventPerS);
      recvS = eventS;
      recvPart = <i64>((<u32>eventPart * times) / by) + least + recvStep;
      settleRecv(recvPerS);
    } else {
      recvPart += recvStep;
      settleRecv(recvPerS);
      if (how === MODE_APART) {
        eventPart += eventStep;
        settleEvent(eventPerS);
      } else if (isPresent) {
        eventS = recvS;
        eventPart = <i64>((<u32>recvPart * times) / by) + least + eventStep;
        settleEvent(eventPerS);
      }
    }
    store<u64>(p, <u64>recvS | ((<u64>(<u32>recvPart * recvNs)) << 32), AT_RECV);
    const event = <u64>eventS | ((<u64>(<u32>eventPart * eventNs)) << 32);
    store<u64>(p, isPresent ? event : <u64>NO_TIME_S, AT_EVENT);
  }
}

/** Makes whole seconds of what is beyond one. */
function settleRecv(perS: i64): void {
  if (<u64>recvPart < <u64>perS) return;
  const seconds = secondsIn(recvPart, perS);
  recvS += <u32>seconds;
  recvPart -= seconds * perS;
}

function settleEvent(perS: i64): void {
  if (<u64>eventPart < <u64>perS) return;
  const seconds = secondsIn(eventPart, perS);
  eventS += <u32>seconds;
  eventPart -= seconds * perS;
}
