/** Gathers the times of ticks one by one, valid or not, and keeps the statistics of all gathered times. */

import { addException, addWide } from './exceptions';
import {
  AT_EVENT,
  AT_RECV,
  COLUMN_EVENT,
  COLUMN_RECV,
  EVENT_PAIR,
  MODE_EVENT_LAGS,
  MODE_RECV_LAGS,
  NO_TIME_S,
  RECORD,
  RECV_PAIR,
  SECOND_NS,
  SPAN_MAX,
  STEP_MAX,
} from './format';
import { EVENT_COLUMN, PRESENT_COLUMN_AT, RECORDS, RECV_COLUMN } from './layout';
import { eventBase, eventUnit, leastLag, mode, perSecond, recvBase, recvUnit, unitNs } from './times';

/** A missing tsEvent. */
const NO_TIME: u64 = <u64>NO_TIME_S;

/** Whether every tsEvent is expected to equal its tsRecv; and the bits in which some differed. */
export let isSame: bool = false;
export let different: u64 = 0;
/** Times that the units do not divide. */
export let broken: u32 = 0;
/** Times that are exceptions. */
export let unfit: u32 = 0;
// Lowest and highest.
export let recvLeast: i64 = 0;
export let recvMost: i64 = 0;
export let eventLeast: i64 = 0;
export let eventMost: i64 = 0;
// Steps below 0, ticks without tsEvent.
export let recvNegative: u32 = 0;
export let eventNegative: u32 = 0;
export let absent: u32 = 0;
// The last valid times: seconds, and units beyond the second.
export let recvS: u32 = 0;
export let recvPart: u32 = 0;
export let eventS: u32 = 0;
export let eventPart: u32 = 0;

/** Begins a block, whose units, bases and mode are set. */
export function beginGathering(areSame: bool): void {
  isSame = areSame;
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

/** Continues after a record, when a vector loop has gathered the times up to that record. */
export function resumeAfter(record: usize): void {
  recvS = load<u32>(record, AT_RECV);
  recvPart = load<u32>(record, AT_RECV + 4) / unitNs(recvUnit);
  eventS = load<u32>(record, AT_EVENT);
  eventPart = load<u32>(record, AT_EVENT + 4) / unitNs(eventUnit);
}

export function widenRecv(least: i64, most: i64): void {
  recvLeast = min(recvLeast, least);
  recvMost = max(recvMost, most);
}

export function widenEvent(least: i64, most: i64): void {
  eventLeast = min(eventLeast, least);
  eventMost = max(eventMost, most);
}

export function countNegative(recv: u32, event: u32): void {
  recvNegative += recv;
  eventNegative += event;
}

export function noteDifferent(bits: u64): void {
  different |= bits;
}

/** Fills the columns of ticks `from` … `to` − 1, whose both times are expected to be the same. */
export function gatherSame(from: u32, to: u32): void {
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
      addException(i, RECV_PAIR);
      addException(i, EVENT_PAIR);
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

/** As `gatherSame`, for any times. */
export function gatherAny(from: u32, to: u32): void {
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
  // The prediction must stay exact in the units of the time that lags.
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
      addException(i, RECV_PAIR);
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
        addException(i, EVENT_PAIR);
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
      const predicted = (recvPart * times) / by;
      eventStep = (<i64>eventS - <i64>recvS) * eventPerS + <i64>eventPart - <i64>predicted - least;
      if (!hasEvent) eventStep = 0;
    } else if (isRecvLag) {
      const predicted = (eventPart * times) / by;
      recvStep = (<i64>recvS - <i64>eventS) * recvPerS + <i64>recvPart - <i64>predicted - least;
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
