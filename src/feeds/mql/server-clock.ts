/**
 * The clock of a trade server: from its wall clock, which MT5 encodes as if it were UTC, to UTC and back.
 *
 * A rule is a fixed offset (`UTC`, `UTC+3`, `GMT-5`, `+02:00`), or an IANA zone with an optional shift:
 * `Europe/Athens`, or `America/New_York+7h` for what brokers call "GMT+2, GMT+3 on US daylight saving":
 * their midnight is 17:00 in New York all year round.
 *
 * From UTC to the wall clock the answer is exact, so the raw value of a tick can always be had again. From
 * the wall clock to UTC two hours a year are special:
 *
 * - In autumn one wall hour happens twice. The first of the two is meant, unless the source had by then come
 *   further than that, by more than a minute: then it is the second. So times of one source do not go back,
 *   and a slightly late tick of another symbol does not tip the choice.
 * - In spring one wall hour does not happen. A clock that shows it all the same is read as if it had not
 *   been put forward yet.
 *
 * Offsets change on quarters of an hour in every zone since 1973. So one offset is kept for the quarter that
 * is under way, some for the quarters seen lately, and a tick costs a comparison and a subtraction.
 */
import { IANAZone } from 'luxon';
import { TickwireError } from '../../core/errors.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const QUARTER_MS = 15 * MINUTE_MS;
/** Around a wall time read as UTC: wide enough to lie on both sides of a change, whatever the offset. */
const AROUND_MS = 48 * HOUR_MS;
const SHIFT_MAX_MS = 14 * HOUR_MS;
/** How far back a time of the repeated hour may lie and still belong to its first pass. */
const DISORDER_MS = MINUTE_MS;
/** A newest time further ahead than this is itself in doubt, and does not choose a pass. */
const PLAUSIBLE_MS = 3 * HOUR_MS;
/** Quarters remembered in each direction. More: all are forgotten and looked up again. */
const QUARTERS_MAX = 1_024;

const OFFSET = /^(?:UTC|GMT|Z)?(?:([+-])(\d{1,2})(?::?(\d{2}))?h?)?$/i;
const SHIFTED = /^(.+?)([+-])(\d{1,2})(?::(\d{2}))?h?$/;

/** A rule: which offset the wall clock has at a moment of UTC. */
export interface ZoneRule {
  /** The rule as it was written. */
  readonly text: string;
  /** Milliseconds that the wall clock is ahead of UTC. */
  offsetAt(utcMs: number): number;
}

function shiftOf(sign: string | undefined, hours = '0', minutes = '0'): number {
  const ms = Number(hours) * HOUR_MS + Number(minutes) * MINUTE_MS;
  return sign === '-' ? -ms : ms;
}

/**
 * Reads a rule.
 * @throws TickwireError bad_input for text that is none
 */
export function parseZone(text: string): ZoneRule {
  const rule = text.trim();
  const fixed = rule === '' ? null : OFFSET.exec(rule);
  if (fixed !== null) {
    const shift = shiftOf(fixed[1], fixed[2], fixed[3]);
    if (isShift(shift, fixed[3])) return { text, offsetAt: () => shift };
  }
  // The whole comes first: in a name such as Etc/GMT+3 the last part is no shift.
  if (isZoneName(rule)) return zoneRule(text, rule, 0);
  const named = SHIFTED.exec(rule);
  if (named !== null && isZoneName(named[1])) {
    const shift = shiftOf(named[2], named[3], named[4]);
    if (isShift(shift, named[4])) return zoneRule(text, named[1], shift);
  }
  throw new TickwireError(
    'bad_input',
    `Zone rule ${JSON.stringify(text.slice(0, 80))} is not known. Give an offset such as "UTC+3" or "+02:00", or an IANA zone with an optional shift in hours, such as "Europe/Athens" or "America/New_York+7h".`,
  );
}

function isZoneName(name: string): boolean {
  return /^[A-Za-z]/.test(name) && IANAZone.isValidZone(name);
}

function zoneRule(text: string, name: string, shiftMs: number): ZoneRule {
  const zone = IANAZone.create(name);
  return { text, offsetAt: (utcMs) => zone.offset(utcMs) * MINUTE_MS + shiftMs };
}

function isShift(ms: number, minutes = '0'): boolean {
  return Math.abs(ms) <= SHIFT_MAX_MS && Number(minutes) < 60 && ms % QUARTER_MS === 0;
}

/** The clock of one source. It remembers the newest time of the source, to know the first of the two autumn hours from the second. */
export class ServerClock {
  readonly rule: ZoneRule;
  /** The newest UTC time given so far. */
  #newestMs = Number.NEGATIVE_INFINITY;
  /** The wall quarter under way, and its offset if it has but one. */
  #wallFrom = 0;
  #wallTo = 0;
  #wallOffset = 0;
  /** The UTC quarter under way, for the way back. */
  #utcFrom = 0;
  #utcTo = 0;
  #utcOffset = 0;
  /** Offsets by quarter; a wall quarter that happens twice has its second one in `#second`. */
  readonly #first = new Map<number, number>();
  readonly #second = new Map<number, number>();
  readonly #byUtc = new Map<number, number>();

  constructor(rule: ZoneRule | string) {
    this.rule = typeof rule === 'string' ? parseZone(rule) : rule;
  }

  /**
   * UTC milliseconds of a wall time in milliseconds. Times of the source must be given as they come.
   * @param recvMs when it was received, UTC: the source has come no further by then, whatever it says
   */
  toUtc(wallMs: number, recvMs = Number.POSITIVE_INFINITY): number {
    const utc =
      wallMs >= this.#wallFrom && wallMs < this.#wallTo ? wallMs - this.#wallOffset : this.#lookUp(wallMs);
    // A newest time that the source falls far behind of was an error of the source, and is forgotten.
    if (this.#newestMs - utc > PLAUSIBLE_MS) this.#newestMs = utc;
    else if (utc > this.#newestMs) this.#newestMs = Math.max(this.#newestMs, Math.min(utc, recvMs));
    return utc;
  }

  /** Wall milliseconds of a UTC time in milliseconds: what the terminal showed. Exact. */
  toWall(utcMs: number): number {
    if (utcMs < this.#utcFrom || utcMs >= this.#utcTo) {
      const quarter = Math.floor(utcMs / QUARTER_MS);
      this.#utcOffset = this.#offsetOf(quarter);
      this.#utcFrom = quarter * QUARTER_MS;
      this.#utcTo = this.#utcFrom + QUARTER_MS;
    }
    return utcMs + this.#utcOffset;
  }

  #lookUp(wallMs: number): number {
    const quarter = Math.floor(wallMs / QUARTER_MS);
    let first = this.#first.get(quarter);
    let second = this.#second.get(quarter);
    if (first === undefined) {
      [first, second] = this.#offsetsOfWall(quarter);
      if (this.#first.size >= QUARTERS_MAX) {
        this.#first.clear();
        this.#second.clear();
      }
      this.#first.set(quarter, first);
      if (second !== undefined) this.#second.set(quarter, second);
    }
    if (second !== undefined) return this.#choose(wallMs - first, wallMs - second);
    this.#wallOffset = first;
    this.#wallFrom = quarter * QUARTER_MS;
    this.#wallTo = this.#wallFrom + QUARTER_MS;
    return wallMs - first;
  }

  /** Of the two passes of a repeated hour, the one that fits what came before. */
  #choose(firstMs: number, secondMs: number): number {
    const hasPassed = this.#newestMs - firstMs > DISORDER_MS;
    return hasPassed && this.#newestMs - secondMs < PLAUSIBLE_MS ? secondMs : firstMs;
  }

  /** The offset of a wall quarter, and the second one where the quarter happens twice. */
  #offsetsOfWall(quarter: number): [number, number | undefined] {
    const wallMs = quarter * QUARTER_MS;
    const before = this.rule.offsetAt(wallMs - AROUND_MS);
    const after = this.rule.offsetAt(wallMs + AROUND_MS);
    if (before === after) return [before, undefined];
    const isBefore = this.rule.offsetAt(wallMs - before) === before;
    const isAfter = this.rule.offsetAt(wallMs - after) === after;
    if (isBefore && isAfter) return [before, after];
    return [isAfter ? after : before, undefined];
  }

  #offsetOf(quarter: number): number {
    let offset = this.#byUtc.get(quarter);
    if (offset === undefined) {
      offset = this.rule.offsetAt(quarter * QUARTER_MS);
      if (this.#byUtc.size >= QUARTERS_MAX) this.#byUtc.clear();
      this.#byUtc.set(quarter, offset);
    }
    return offset;
  }
}
