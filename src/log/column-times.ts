/** Both times of a block's ticks as columns and back: see `columns.ts`. */
import {
  NO_TIME_S,
  RECORD_U32,
  type Records,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../tick.js';
import {
  Column,
  type Columns,
  Presence,
  SECOND_NS,
  SPAN_MAX,
  STEP_MAX,
  TimeMode,
  UNITS_NS,
  unzigzag,
  WIDE_WORDS,
  zigzag,
} from './columns.js';

const RECV_PAIR = U32_TS_RECV_S / 2;
const EVENT_PAIR = U32_TS_EVENT_S / 2;
const LATEST_STEP = 2 ** 31 - 1;
/** Pairs of neighbours that decide how the times of a block hang together. */
const SAMPLES = 128;
/** Bits that a step beyond STEP_MAX costs besides its own. */
const WIDE_BITS = 64;
/** With more negative steps than this share, a column is zigzag. */
const NEGATIVE_SHARE = 16;

/** How the times of a block are written. Times in units are counted from the bases. */
export class TimeShape {
  recvUnit = 0;
  eventUnit = 0;
  mode = 0;
  recvZigzag = false;
  eventZigzag = false;
  presence = 0;
  recvBase = 0;
  eventBase = 0;
  leastLag = 0;

  /** As the header's word has it. */
  get bits(): number {
    return (
      this.recvUnit |
      (this.eventUnit << 2) |
      (this.mode << 4) |
      (this.recvZigzag ? 64 : 0) |
      (this.eventZigzag ? 128 : 0) |
      (this.presence << 8)
    );
  }

  set bits(word: number) {
    this.recvUnit = word & 3;
    this.eventUnit = (word >>> 2) & 3;
    this.mode = (word >>> 4) & 3;
    this.recvZigzag = (word & 64) !== 0;
    this.eventZigzag = (word & 128) !== 0;
    this.presence = (word >>> 8) & 3;
  }
}

/** A time in the units of the other: `floor(units × times / by) + plus`. Both sides compute it alike. */
class Conversion {
  times = 1;
  by = 1;
  plus = 0;

  set(fromUnit: number, fromBase: number, toUnit: number, toBase: number): void {
    const from = UNITS_NS[fromUnit];
    const to = UNITS_NS[toUnit];
    this.times = from >= to ? from / to : 1;
    this.by = from >= to ? 1 : to / from;
    this.plus = (fromBase - toBase) * (SECOND_NS / to);
  }

  of(units: number): number {
    return Math.floor((units * this.times) / this.by) + this.plus;
  }
}

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
  /** Steps below 0: of tsRecv, of tsEvent; ticks without tsEvent. */
  #recvNegative = 0;
  #eventNegative = 0;
  #absent = 0;
  // Last times in units.
  #recv = 0;
  #event = 0;

  /** Looks at a block's times, to decide how to write them. */
  begin(r: Records, count: number): void {
    const { shape } = this;
    this.#findUnits(r, count);
    this.#findMode(r, count);
    if (shape.mode === TimeMode.eventLags) {
      this.#convert.set(shape.recvUnit, shape.recvBase, shape.eventUnit, shape.eventBase);
    } else {
      this.#convert.set(shape.eventUnit, shape.eventBase, shape.recvUnit, shape.recvBase);
    }
    this.#recvNegative = 0;
    this.#eventNegative = 0;
    this.#absent = 0;
    this.#recv = 0;
    this.#event = 0;
  }

  #findUnits(r: Records, count: number): void {
    const { u32 } = r;
    const { shape } = this;
    let recvUnit = UNITS_NS.length - 1;
    let eventUnit = UNITS_NS.length - 1;
    shape.recvBase = u32[U32_TS_RECV_S];
    shape.eventBase = shape.recvBase;
    let isFirst = true;
    for (let w = 0; w < count * RECORD_U32; w += RECORD_U32) {
      if (recvUnit > 0) recvUnit = unitOf(u32[w + U32_TS_RECV_NS], recvUnit);
      if (u32[w + U32_TS_EVENT_S] !== NO_TIME_S || u32[w + U32_TS_EVENT_NS] !== 0) {
        if (eventUnit > 0) eventUnit = unitOf(u32[w + U32_TS_EVENT_NS], eventUnit);
        if (isFirst) shape.eventBase = u32[w + U32_TS_EVENT_S];
        isFirst = false;
      }
      if (recvUnit + eventUnit === 0 && !isFirst) break;
    }
    shape.recvUnit = recvUnit;
    shape.eventUnit = eventUnit;
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
    const { u32 } = r;
    const { shape } = this;
    const { recv: recvColumn, event: eventColumn, present } = columns;
    const { times, by, plus } = this.#convert;
    const { recvBase, eventBase, leastLag, mode } = shape;
    const recvUnit = UNITS_NS[shape.recvUnit];
    const eventUnit = UNITS_NS[shape.eventUnit];
    const recvPerS = SECOND_NS / recvUnit;
    const eventPerS = SECOND_NS / eventUnit;
    // What the other time is told from must stay exact in the other's units.
    const recvSpan = mode === TimeMode.eventLags ? SPAN_MAX / times : SPAN_MAX;
    const eventSpan = mode === TimeMode.recvLags ? SPAN_MAX / times : SPAN_MAX;
    let lastRecv = this.#recv;
    let lastEvent = this.#event;
    let recvNegative = 0;
    let eventNegative = 0;
    let absent = 0;
    for (let i = from; i < to; i++) {
      const w = i * RECORD_U32;
      const recvNs = u32[w + U32_TS_RECV_NS];
      const eventS = u32[w + U32_TS_EVENT_S];
      const eventNs = u32[w + U32_TS_EVENT_NS];
      let recv = (u32[w + U32_TS_RECV_S] - recvBase) * recvPerS + recvNs / recvUnit;
      let recvFits = 1;
      if (recvNs >= SECOND_NS || recv >= recvSpan || recv <= -recvSpan) {
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
        event = (eventS - eventBase) * eventPerS + eventNs / eventUnit;
        eventFits = 1;
        if (eventNs >= SECOND_NS || event >= eventSpan || event <= -eventSpan) {
          columns.addMisfit(r, i, EVENT_PAIR);
          event = lastEvent;
          eventFits = 0;
        }
      }
      let recvStep = recv - lastRecv;
      let eventStep = event - lastEvent;
      if (mode === TimeMode.eventLags) {
        eventStep = eventFits === 0 ? 0 : event - (Math.floor((recv * times) / by) + plus) - leastLag;
      } else if (mode === TimeMode.recvLags) {
        recvStep = recvFits === 0 ? 0 : recv - (Math.floor((event * times) / by) + plus) - leastLag;
      }
      if (recvStep >= STEP_MAX || recvStep <= -STEP_MAX) recvStep = columns.addWide(i, Column.recv, recvStep);
      if (eventStep >= STEP_MAX || eventStep <= -STEP_MAX)
        eventStep = columns.addWide(i, Column.event, eventStep);
      recvColumn[i] = recvStep;
      eventColumn[i] = eventStep;
      recvNegative += recvColumn[i] >>> 31;
      eventNegative += eventColumn[i] >>> 31;
      lastRecv = recv;
      lastEvent = event;
    }
    this.#recv = lastRecv;
    this.#event = lastEvent;
    this.#recvNegative += recvNegative;
    this.#eventNegative += eventNegative;
    this.#absent += absent;
  }

  /** Brings the columns into their final form. */
  end(count: number, columns: Columns): void {
    const { shape } = this;
    shape.presence =
      this.#absent === 0 ? Presence.all : this.#absent === count ? Presence.none : Presence.column;
    shape.recvZigzag = this.#recvNegative * NEGATIVE_SHARE > count;
    shape.eventZigzag = this.#eventNegative * NEGATIVE_SHARE > count;
    if (shape.recvZigzag) zigzagAll(columns.recv, count);
    if (shape.eventZigzag) zigzagAll(columns.event, count);
  }
}

function zigzagAll(column: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) column[i] = zigzag(column[i]);
}

function unzigzagAll(column: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) column[i] = unzigzag(column[i]);
}

export class TimeDecoder {
  readonly shape = new TimeShape();
  readonly #convert = new Conversion();
  #recv = 0;
  #event = 0;
  /** Next wide step of the columns. */
  #wide = 0;

  /** Takes the columns as they were unpacked; `shape` is set. */
  begin(count: number, columns: Columns): void {
    const { shape } = this;
    if (shape.mode === TimeMode.eventLags) {
      this.#convert.set(shape.recvUnit, shape.recvBase, shape.eventUnit, shape.eventBase);
    } else {
      this.#convert.set(shape.eventUnit, shape.eventBase, shape.recvUnit, shape.recvBase);
    }
    if (shape.recvZigzag) unzigzagAll(columns.recv, count);
    if (shape.eventZigzag) unzigzagAll(columns.event, count);
    this.#recv = 0;
    this.#event = 0;
    this.#wide = 0;
  }

  /** Writes the times of ticks `from` … `to` − 1, which follow those of the last call. */
  scatter(from: number, to: number, columns: Columns, into: Records): void {
    const { wide, wides } = columns;
    let next = from;
    let recvMore = 0;
    let eventMore = 0;
    while (this.#wide < wides) {
      const word = wide[WIDE_WORDS * this.#wide];
      const tick = word & 0xffff;
      const column = word >>> 16;
      if (tick >= to || column > Column.event) break;
      if (tick > next || (tick === next && recvMore === 0 && eventMore === 0)) {
        this.#run(next, tick, 0, 0, columns, into);
        next = tick;
      }
      const more = wide[WIDE_WORDS * this.#wide + 1] * STEP_MAX;
      if (column === Column.recv) recvMore = more;
      else eventMore = more;
      this.#wide++;
      const following = this.#wide < wides ? wide[WIDE_WORDS * this.#wide] : -1;
      if ((following & 0xffff) === tick && following >>> 16 === Column.event) continue;
      this.#run(tick, tick + 1, recvMore, eventMore, columns, into);
      next = tick + 1;
      recvMore = 0;
      eventMore = 0;
    }
    this.#run(next, to, 0, 0, columns, into);
  }

  #run(from: number, to: number, recvMore: number, eventMore: number, columns: Columns, into: Records): void {
    const { u32 } = into;
    const { shape } = this;
    const { recv: recvColumn, event: eventColumn, present } = columns;
    const { times, by, plus } = this.#convert;
    const { recvBase, eventBase, leastLag, mode } = shape;
    const recvUnit = UNITS_NS[shape.recvUnit];
    const eventUnit = UNITS_NS[shape.eventUnit];
    const recvPerS = SECOND_NS / recvUnit;
    const eventPerS = SECOND_NS / eventUnit;
    let recv = this.#recv;
    let event = this.#event;
    for (let i = from; i < to; i++) {
      const w = i * RECORD_U32;
      const isPresent = present[i] !== 0;
      const recvStep = recvColumn[i] + recvMore;
      const eventStep = eventColumn[i] + eventMore;
      if (mode === TimeMode.apart) {
        recv += recvStep;
        event += eventStep;
      } else if (mode === TimeMode.eventLags) {
        recv += recvStep;
        if (isPresent) event = Math.floor((recv * times) / by) + plus + leastLag + eventStep;
      } else {
        event += eventStep;
        recv = Math.floor((event * times) / by) + plus + leastLag + recvStep;
      }
      const recvS = Math.floor(recv / recvPerS);
      u32[w + U32_TS_RECV_S] = recvBase + recvS;
      u32[w + U32_TS_RECV_NS] = (recv - recvS * recvPerS) * recvUnit;
      if (isPresent) {
        const eventS = Math.floor(event / eventPerS);
        u32[w + U32_TS_EVENT_S] = eventBase + eventS;
        u32[w + U32_TS_EVENT_NS] = (event - eventS * eventPerS) * eventUnit;
      } else {
        u32[w + U32_TS_EVENT_S] = NO_TIME_S;
        u32[w + U32_TS_EVENT_NS] = 0;
      }
    }
    this.#recv = recv;
    this.#event = event;
  }
}
