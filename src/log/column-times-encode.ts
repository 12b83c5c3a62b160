/** The encoder of both times of a block's ticks: see `columns.ts`. */
import {
  NO_TIME_S,
  RECORD_U32,
  type Records,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../tick.js';
import { Conversion, PLACES, TimeShape } from './column-times.js';
import {
  Column,
  type Columns,
  Presence,
  SECOND_NS,
  SPAN_MAX,
  STEP_MAX,
  TimeMode,
  UNITS_NS,
  zigzag,
} from './columns.js';

const RECV_PAIR = U32_TS_RECV_S / 2;
const EVENT_PAIR = U32_TS_EVENT_S / 2;
const LATEST_WORD = 0xffffffff;
const LATEST_STEP = 2 ** 31 - 1;
/** Pairs of neighbours that decide how the times of a block hang together. */
const SAMPLES = 128;
/** Bits that a step beyond STEP_MAX costs besides its own. */
const WIDE_BITS = 64;
/** With more negative steps than this share, a column is zigzag. */
const NEGATIVE_SHARE = 16;

/** Ticks of the sample by which the units are told, at most. */
const UNIT_SAMPLES = 256;
/** Blocks whose times are all looked at after one whose sample told wrong. */
const DISTRUST_BLOCKS = 64;
/** Adding and subtracting it rounds a float64 below 2^51 to an integer. */
const ROUNDING = 1.5 * 2 ** 52;

/** The largest unit, at or below `unit`, that divides the nanoseconds. By constants: V8 divides by no others in integers. */
function unitOf(ns: number, unit: number): number {
  if (unit === 3 && ns !== 0) return unitOf(ns, 2);
  if (unit === 2 && ns % 1_000_000 !== 0) return unitOf(ns, 1);
  return unit === 1 && ns % 1_000 !== 0 ? 0 : unit;
}

function bitsOf(step: number): number {
  const size = Math.abs(step);
  return 32 - Math.clz32(Math.min(size, LATEST_STEP)) + (size >= STEP_MAX ? WIDE_BITS : 0);
}

export class TimeEncoder {
  readonly shape = new TimeShape();
  readonly #convert = new Conversion();
  readonly #samples = new Float64Array(4 * SAMPLES);
  /** Blocks to come whose times are all looked at first. */
  #distrust = 0;
  /** Every tsEvent is expected to be the tsRecv; bits in which one was not. */
  #isSame = false;
  #different = 0;
  /** Times that the units do not divide. */
  #broken = 0;
  /** Times that are misfits. */
  #unfit = 0;
  // Lowest and highest in units.
  #recvLeast = 0;
  #recvMost = 0;
  #eventLeast = 0;
  #eventMost = 0;
  /** Steps below 0: of tsRecv, of tsEvent; ticks without tsEvent. */
  #recvNegative = 0;
  #eventNegative = 0;
  #absent = 0;
  // Last times in units.
  #recv = 0;
  #event = 0;

  /** Looks at some of a block's times, to decide how to write them. */
  begin(r: Records, count: number): void {
    const isTrusted = this.#distrust === 0;
    if (!isTrusted) this.#distrust--;
    const stride = isTrusted ? Math.max(1, Math.floor(count / UNIT_SAMPLES)) : 1;
    this.#isSame = this.#findUnits(r, count, stride);
    this.#start(r, count);
  }

  /** The same after `end` found that the sample told wrong: looks at all times. */
  beginAgain(r: Records, count: number): void {
    this.#distrust = DISTRUST_BLOCKS;
    this.#isSame = this.#findUnits(r, count, 1);
    this.#start(r, count);
  }

  #start(r: Records, count: number): void {
    const { shape } = this;
    if (this.#isSame) {
      shape.mode = TimeMode.eventLags;
      shape.leastLag = 0;
    } else {
      this.#findMode(r, count);
    }
    if (shape.mode === TimeMode.eventLags) {
      this.#convert.set(shape.recvUnit, shape.recvBase, shape.eventUnit, shape.eventBase);
    } else {
      this.#convert.set(shape.eventUnit, shape.eventBase, shape.recvUnit, shape.recvBase);
    }
    this.#different = 0;
    this.#broken = 0;
    this.#unfit = 0;
    this.#recvLeast = Number.POSITIVE_INFINITY;
    this.#recvMost = Number.NEGATIVE_INFINITY;
    this.#eventLeast = Number.POSITIVE_INFINITY;
    this.#eventMost = Number.NEGATIVE_INFINITY;
    this.#recvNegative = 0;
    this.#eventNegative = 0;
    this.#absent = 0;
    this.#recv = 0;
    this.#event = 0;
  }

  /** Finds units and bases by every so many-th tick. Returns whether all those looked at have tsEvent = tsRecv. */
  #findUnits(r: Records, count: number, stride: number): boolean {
    const { u32 } = r;
    const { shape } = this;
    let recvUnit = UNITS_NS.length - 1;
    let eventUnit = UNITS_NS.length - 1;
    shape.recvBase = u32[U32_TS_RECV_S];
    shape.eventBase = shape.recvBase;
    let isFirst = true;
    let different = 0;
    for (let w = 0; w < count * RECORD_U32; w += stride * RECORD_U32) {
      const recvNs = u32[w + U32_TS_RECV_NS];
      const eventNs = u32[w + U32_TS_EVENT_NS];
      const eventS = u32[w + U32_TS_EVENT_S];
      different |= (recvNs ^ eventNs) | (u32[w + U32_TS_RECV_S] ^ eventS);
      if (recvUnit > 0) recvUnit = unitOf(recvNs, recvUnit);
      if (eventS !== NO_TIME_S || eventNs !== 0) {
        if (eventUnit > 0) eventUnit = unitOf(eventNs, eventUnit);
        if (isFirst) shape.eventBase = eventS;
        isFirst = false;
      }
    }
    shape.recvUnit = recvUnit;
    shape.eventUnit = eventUnit;
    return different === 0 && u32[U32_TS_EVENT_S] !== NO_TIME_S;
  }

  /** Estimates each mode's bits from pairs of neighbours all over the block. */
  #findMode(r: Records, count: number): void {
    const { shape } = this;
    shape.mode = TimeMode.apart;
    shape.leastLag = 0;
    const { recvBase, eventBase } = shape;
    if (Math.abs(recvBase - eventBase) * (SECOND_NS / UNITS_NS[0]) >= SPAN_MAX) return;
    const stride = Math.max(1, Math.floor((count - 1) / SAMPLES));
    const { u32 } = r;
    const samples = this.#samples;
    const toEvent = new Conversion();
    toEvent.set(shape.recvUnit, recvBase, shape.eventUnit, eventBase);
    const toRecv = new Conversion();
    toRecv.set(shape.eventUnit, eventBase, shape.recvUnit, recvBase);
    let taken = 0;
    let eventLeast = Number.POSITIVE_INFINITY;
    let recvLeast = Number.POSITIVE_INFINITY;
    let apart = 0;
    let eventLags = 0;
    let recvLags = 0;
    for (let i = 1; i < count && taken < SAMPLES; i += stride) {
      const w = i * RECORD_U32;
      const before = w - RECORD_U32;
      if (u32[w + U32_TS_EVENT_S] === NO_TIME_S || u32[before + U32_TS_EVENT_S] === NO_TIME_S) continue;
      const recv = this.#recvUnits(u32, w);
      const event = this.#eventUnits(u32, w);
      const recvBits = bitsOf(recv - this.#recvUnits(u32, before));
      const eventBits = bitsOf(event - this.#eventUnits(u32, before));
      const eventLag = event - toEvent.of(recv);
      const recvLag = recv - toRecv.of(event);
      eventLeast = Math.min(eventLeast, eventLag);
      recvLeast = Math.min(recvLeast, recvLag);
      samples[2 * taken] = eventLag;
      samples[2 * taken + 1] = recvLag;
      taken++;
      apart += recvBits + eventBits;
      eventLags += recvBits;
      recvLags += eventBits;
    }
    for (let k = 0; k < taken; k++) {
      eventLags += bitsOf(samples[2 * k] - eventLeast);
      recvLags += bitsOf(samples[2 * k + 1] - recvLeast);
    }
    if (eventLags < apart && eventLags <= recvLags) {
      shape.mode = TimeMode.eventLags;
      shape.leastLag = eventLeast;
    } else if (recvLags < apart) {
      shape.mode = TimeMode.recvLags;
      shape.leastLag = recvLeast;
    }
    if (Math.abs(shape.leastLag) >= 2 * SPAN_MAX) {
      shape.mode = TimeMode.apart;
      shape.leastLag = 0;
    }
  }

  #recvUnits(u32: Uint32Array, w: number): number {
    const unit = UNITS_NS[this.shape.recvUnit];
    return (
      (u32[w + U32_TS_RECV_S] - this.shape.recvBase) * (SECOND_NS / unit) + u32[w + U32_TS_RECV_NS] / unit
    );
  }

  #eventUnits(u32: Uint32Array, w: number): number {
    const unit = UNITS_NS[this.shape.eventUnit];
    return (
      (u32[w + U32_TS_EVENT_S] - this.shape.eventBase) * (SECOND_NS / unit) + u32[w + U32_TS_EVENT_NS] / unit
    );
  }

  /** Fills the columns of ticks `from` … `to` − 1, which follow those of the last call. */
  gather(r: Records, from: number, to: number, columns: Columns): void {
    if (this.#isSame) this.#gatherOne(r, from, to, columns);
    else this.#gatherBoth(r, from, to, columns);
  }

  /** Where both times are the same: tsEvent lags by nothing. */
  #gatherOne(r: Records, from: number, to: number, columns: Columns): void {
    const { u32 } = r;
    const { shape } = this;
    const { recv: recvColumn } = columns;
    const { recvBase } = shape;
    const unit = UNITS_NS[shape.recvUnit];
    const perNs = 1 / unit;
    const perS = SECOND_NS / unit;
    let last = this.#recv;
    let least = this.#recvLeast;
    let most = this.#recvMost;
    let negative = 0;
    let different = 0;
    let broken = 0;
    for (let k = from; k < to; k++) {
      const i = k & PLACES;
      const w = i * RECORD_U32;
      const s = u32[w + U32_TS_RECV_S];
      const ns = u32[w + U32_TS_RECV_NS];
      different |= (s ^ u32[w + U32_TS_EVENT_S]) | (ns ^ u32[w + U32_TS_EVENT_NS]);
      const part = ns * perNs + ROUNDING - ROUNDING;
      if (part * unit !== ns) broken++;
      let recv = (s - recvBase) * perS + part;
      if (ns >= SECOND_NS || Math.abs(recv) >= SPAN_MAX) {
        this.#unfit++;
        columns.addMisfit(r, i, RECV_PAIR);
        columns.addMisfit(r, i, EVENT_PAIR);
        recv = last;
      }
      let step = recv - last;
      last = recv;
      if (recv < least) least = recv;
      if (recv > most) most = recv;
      if (Math.abs(step) >= STEP_MAX) step = columns.addWide(i, Column.recv, step);
      const whole = step | 0;
      recvColumn[i] = whole;
      negative += whole >>> 31;
    }
    this.#recv = last;
    this.#recvLeast = least;
    this.#recvMost = most;
    this.#recvNegative += negative;
    this.#different |= different;
    this.#broken += broken;
  }

  #gatherBoth(r: Records, from: number, to: number, columns: Columns): void {
    const { u32 } = r;
    const { shape } = this;
    const { recv: recvColumn, event: eventColumn, present } = columns;
    const { times, by, plus } = this.#convert;
    const { recvBase, eventBase, leastLag, mode } = shape;
    const recvUnit = UNITS_NS[shape.recvUnit];
    const eventUnit = UNITS_NS[shape.eventUnit];
    const recvPerNs = 1 / recvUnit;
    const eventPerNs = 1 / eventUnit;
    const recvPerS = SECOND_NS / recvUnit;
    const eventPerS = SECOND_NS / eventUnit;
    // What the other time is told from must stay exact in the other's units.
    const recvSpan = mode === TimeMode.eventLags ? SPAN_MAX / times : SPAN_MAX;
    const eventSpan = mode === TimeMode.recvLags ? SPAN_MAX / times : SPAN_MAX;
    let lastRecv = this.#recv;
    let lastEvent = this.#event;
    let recvLeast = this.#recvLeast;
    let recvMost = this.#recvMost;
    let eventLeast = this.#eventLeast;
    let eventMost = this.#eventMost;
    let recvNegative = 0;
    let eventNegative = 0;
    let absent = 0;
    let broken = 0;
    for (let k = from; k < to; k++) {
      const i = k & PLACES;
      const w = i * RECORD_U32;
      const recvNs = u32[w + U32_TS_RECV_NS];
      const eventS = u32[w + U32_TS_EVENT_S];
      const eventNs = u32[w + U32_TS_EVENT_NS];
      const recvPart = recvNs * recvPerNs + ROUNDING - ROUNDING;
      if (recvPart * recvUnit !== recvNs) broken++;
      let recv = (u32[w + U32_TS_RECV_S] - recvBase) * recvPerS + recvPart;
      let recvFits = 1;
      if (recvNs >= SECOND_NS || Math.abs(recv) >= recvSpan) {
        this.#unfit++;
        columns.addMisfit(r, i, RECV_PAIR);
        recv = lastRecv;
        recvFits = 0;
      }
      let event = lastEvent;
      let eventFits = 0;
      present[i] = 1;
      if (eventS === NO_TIME_S && eventNs === 0) {
        present[i] = 0;
        absent++;
      } else {
        const eventPart = eventNs * eventPerNs + ROUNDING - ROUNDING;
        if (eventPart * eventUnit !== eventNs) broken++;
        event = (eventS - eventBase) * eventPerS + eventPart;
        eventFits = 1;
        if (eventNs >= SECOND_NS || Math.abs(event) >= eventSpan) {
          this.#unfit++;
          columns.addMisfit(r, i, EVENT_PAIR);
          event = lastEvent;
          eventFits = 0;
        } else {
          if (event < eventLeast) eventLeast = event;
          if (event > eventMost) eventMost = event;
        }
      }
      let recvStep = recv - lastRecv;
      let eventStep = event - lastEvent;
      if (mode === TimeMode.eventLags) {
        eventStep = eventFits === 0 ? 0 : event - (Math.floor((recv * times) / by) + plus) - leastLag;
      } else if (mode === TimeMode.recvLags) {
        recvStep = recvFits === 0 ? 0 : recv - (Math.floor((event * times) / by) + plus) - leastLag;
      }
      lastRecv = recv;
      lastEvent = event;
      if (recv < recvLeast) recvLeast = recv;
      if (recv > recvMost) recvMost = recv;
      if (Math.abs(recvStep) >= STEP_MAX) recvStep = columns.addWide(i, Column.recv, recvStep);
      if (Math.abs(eventStep) >= STEP_MAX) eventStep = columns.addWide(i, Column.event, eventStep);
      const recvWhole = recvStep | 0;
      const eventWhole = eventStep | 0;
      recvColumn[i] = recvWhole;
      eventColumn[i] = eventWhole;
      recvNegative += recvWhole >>> 31;
      eventNegative += eventWhole >>> 31;
    }
    this.#recv = lastRecv;
    this.#event = lastEvent;
    this.#recvLeast = recvLeast;
    this.#recvMost = recvMost;
    this.#eventLeast = eventLeast;
    this.#eventMost = eventMost;
    this.#recvNegative += recvNegative;
    this.#eventNegative += eventNegative;
    this.#absent += absent;
    this.#broken += broken;
  }

  /** Brings the columns into their final form. Returns false when the times are not what a sample of them let expect. */
  end(count: number, columns: Columns): boolean {
    const { shape } = this;
    if (this.#broken > 0 || this.#different !== 0) return false;
    if (this.#isSame) columns.event.fill(0, 0, count);
    shape.presence =
      this.#absent === 0 ? Presence.all : this.#absent === count ? Presence.none : Presence.column;
    shape.recvZigzag = this.#recvNegative * NEGATIVE_SHARE > count;
    shape.eventZigzag = this.#eventNegative * NEGATIVE_SHARE > count;
    if (shape.recvZigzag) zigzagAll(columns.recv, count);
    if (shape.eventZigzag) zigzagAll(columns.event, count);
    return true;
  }

  /** Lowest and highest tsRecv, then tsEvent, of times that all fit. False where they cannot be told. */
  ranges(into: Uint32Array): boolean {
    const { shape } = this;
    if (this.#unfit > 0) return false;
    const least = this.#isSame ? this.#recvLeast : this.#eventLeast;
    const most = this.#isSame ? this.#recvMost : this.#eventMost;
    putTime(into, 0, this.#recvLeast, shape.recvBase, shape.recvUnit);
    putTime(into, 2, this.#recvMost, shape.recvBase, shape.recvUnit);
    if (least <= most) {
      putTime(into, 4, least, shape.eventBase, shape.eventUnit);
      putTime(into, 6, most, shape.eventBase, shape.eventUnit);
    } else {
      into.fill(LATEST_WORD, 4, 6);
      into.fill(0, 6, 8);
    }
    // Times of that second are none, and do not count.
    return into[0] <= into[2] && into[2] !== NO_TIME_S && into[6] !== NO_TIME_S;
  }
}

function putTime(into: Uint32Array, at: number, units: number, base: number, unit: number): void {
  const perS = SECOND_NS / UNITS_NS[unit];
  const s = Math.floor(units / perS);
  into[at] = base + s;
  into[at + 1] = (units - s * perS) * UNITS_NS[unit];
}

function zigzagAll(column: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) column[i] = zigzag(column[i]);
}
