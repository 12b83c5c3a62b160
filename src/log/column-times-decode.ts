/** The decoder of both times of a block's ticks: see `columns.ts`. */
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
  STEP_MAX,
  TimeMode,
  UNITS_NS,
  unzigzag,
  WIDE_WORDS,
} from './columns.js';

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
  /** tsEvent is tsRecv, and no step is wide: then tsRecv is counted in whole seconds and the units beyond. */
  #isSame = false;
  #recvS = 0;
  #rest = 0;

  /** Takes the columns as they were unpacked, that of tsEvent as nothing but 0 if `isEventZero`; `shape` is set. */
  begin(count: number, columns: Columns, isEventZero: boolean): void {
    const { shape } = this;
    this.#isSame =
      isEventZero &&
      shape.mode === TimeMode.eventLags &&
      shape.presence === Presence.all &&
      shape.recvUnit === shape.eventUnit &&
      shape.recvBase === shape.eventBase &&
      shape.leastLag === 0 &&
      (columns.wides === 0 || columns.wide[0] >>> 16 > Column.event);
    this.#recvS = shape.recvBase;
    this.#rest = 0;
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
    if (this.#isSame) {
      this.#runSame(from, to, columns, into);
      return;
    }
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

  #runSame(from: number, to: number, columns: Columns, into: Records): void {
    const { u32 } = into;
    const { recv } = columns;
    const unit = UNITS_NS[this.shape.recvUnit] | 0;
    const perS = (SECOND_NS / unit) | 0;
    let s = this.#recvS | 0;
    let rest = this.#rest;
    for (let k = from; k < to; k++) {
      const i = k & PLACES;
      const w = i * RECORD_U32;
      // Both are below 2^30.
      rest = (rest + recv[i]) | 0;
      if (rest >>> 0 >= perS) {
        const seconds = Math.floor(rest / perS);
        s = (s + seconds) | 0;
        rest = (rest - Math.imul(seconds, perS)) | 0;
      }
      const ns = Math.imul(rest, unit);
      u32[w + U32_TS_EVENT_S] = s;
      u32[w + U32_TS_EVENT_NS] = ns;
      u32[w + U32_TS_RECV_S] = s;
      u32[w + U32_TS_RECV_NS] = ns;
    }
    this.#recvS = s;
    this.#rest = rest;
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
