/** How both times of a block's ticks hang together: what their encoder and decoder share. See `columns.ts`. */
import { SECOND_NS, UNITS_NS } from './columns.js';

/** What places in a block stay within: so V8 need not look for overflows of their multiples. */
export const PLACES = 0xffff;

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
export class Conversion {
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
