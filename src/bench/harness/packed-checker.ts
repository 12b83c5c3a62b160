/**
 * The hot part of the load generator: checks every tick of every client, in the bytes that a socket read.
 * One instance serves all clients; what it keeps of each is in typed arrays.
 *
 * ```
 * pairs, by client and symbol: i32 symbolSeq seen last │ i32 check of the newest quote's prices
 * others, by client and symbol: i32 symbolSeq of the last trade or status │ i32 of the last quote, where the
 *   tick seen last is no quote; kept in mode `latest` only, as in `every` one order holds for all of them
 * ```
 *
 * All of it is more than a core's cache holds: what is not touched costs nothing.
 */
import { KIND_MASK, Kind } from '../../core/tick.js';
import { BadFrame, FORM_BYTES, FORM_SHIFT, Form, POW10 } from '../../wire/packed.js';
import type { LatencySamples } from './latency.js';
import type { TracedTicks } from './traced.js';

/** Kind and form in the first word of a record: it distinguishes compact quotes from all others. */
const KIND_AND_FORM = (KIND_MASK | (3 << FORM_SHIFT)) << 16;
const COMPACT_QUOTE = ((Form.compact << FORM_SHIFT) | Kind.quote) << 16;
const SIZED_QUOTE = ((Form.sized << FORM_SHIFT) | Kind.quote) << 16;
const FORM_BITS = 3 << (FORM_SHIFT + 16);
/** `FORM_BYTES` as constants: elements of an array are none to the compiler. */
const WIDE_BYTES = 64;
const COMPACT_BYTES = 24;
const SIZED_BYTES = 32;
/** Offsets of the times and prices in a wide record. */
const WIDE_TIME_AT = 16;
const WIDE_PRICES_AT = 32;
/** Of how many ticks one has its latency taken, where nothing else is said: a prime, so that no rhythm of batches hits it. */
const SAMPLE_EVERY = 127;
const NEVER = 0x3fffffff;
/** Records of a batch from which on its client's pairs are brought into the cache first. */
const MANY = 64;
/** 32-bit words of a cache line. */
const LINE_WORDS = 16;

/** One word made of a quote's prices, given as integers of the symbol's digits. */
export function quoteCheck(bid: number, spread: number): number {
  return Math.imul(bid, 0x2c1b3c6d) ^ spread;
}

export class TickCheck {
  /** Ticks that advanced their client's symbolSeq, by group of clients. */
  readonly delivered = new Float64Array(2);
  lost = 0;
  reordered = 0;
  /** Records that the last call left: it saw the end of what was read. */
  left = 0;
  /** Microseconds since the anchor, as of the read at hand. */
  nowUs = 0;
  /** UNIX second that event times are counted from. */
  anchorS = 0;
  /** Event time of the batch in µs since the anchor, and µs per unit of its records. */
  batchUs = 0;
  unitUs = 0;
  /** Of how many ticks one has its latency taken. */
  sampleEvery = SAMPLE_EVERY;
  /** Takes ticks whose latency is taken, to follow them through the stages. */
  traced: TracedTicks | undefined;
  /** By symbol id. */
  readonly digits: Uint8Array;
  readonly #pairs: Int32Array;
  readonly #others: Int32Array;
  readonly #stride: number;
  #untilSample = SAMPLE_EVERY;
  /** What `#touch` read, so that it is not compiled away. */
  touched = 0;

  /**
   * @param view the memory that records are in
   * @param symbols symbol ids go from 1 to this
   * @param dense whether symbolSeq has to advance by exactly one (mode `every`)
   */
  constructor(
    readonly view: DataView,
    clients: number,
    readonly symbols: number,
    readonly dense: boolean,
    readonly latency: LatencySamples,
  ) {
    this.#stride = 2 * (symbols + 1);
    this.digits = new Uint8Array(symbols + 1);
    this.#pairs = new Int32Array(clients * this.#stride);
    this.#others = new Int32Array(clients * this.#stride);
  }

  reset(client: number): void {
    const at = client * this.#stride;
    this.#pairs.fill(0, at, at + this.#stride);
    this.#others.fill(0, at, at + this.#stride);
  }

  symbolSeq(client: number, symbol: number): number {
    return this.#pairs[client * this.#stride + 2 * symbol];
  }

  /** `quoteCheck` of the last quote. */
  check(client: number, symbol: number): number {
    return this.#pairs[client * this.#stride + 2 * symbol + 1];
  }

  /** symbolSeq of the last trade or status; mode `latest` only. */
  otherSeq(client: number, symbol: number): number {
    return this.#others[client * this.#stride + 2 * symbol];
  }

  /** symbolSeq of the last quote; mode `latest` only. */
  quoteSeq(client: number, symbol: number): number {
    const i = client * this.#stride + 2 * symbol;
    return this.#isOther(i) ? this.#others[i + 1] : this.#pairs[i];
  }

  /** Whether the tick seen last is no quote. */
  #isOther(i: number): boolean {
    return this.#others[i] !== 0 && this.#others[i] === this.#pairs[i];
  }

  /**
   * Checks the records from `from` on, as many as are whole; `left` is then how many are not.
   * @param group what they count for; only group 0 has its latency taken
   * @returns the offset of the first one that is left
   */
  ticks(client: number, group: number, from: number, end: number, records: number): number {
    const v = this.view;
    const pairs = this.#pairs;
    const { dense, symbols } = this;
    const base = client * this.#stride;
    const safe = end - WIDE_BYTES;
    let until = group === 0 ? this.#untilSample : NEVER;
    let delivered = 0;
    let left = records;
    let at = from;
    if (records > MANY) this.#touch(base);
    for (; left > 0; left--) {
      if (at > safe && !isWhole(v, at, end)) break;
      const word = v.getInt32(at, true);
      const symbol = word & 0xffff;
      const form = word & KIND_AND_FORM;
      if (symbol > symbols) throw new BadFrame(`symbol ${symbol} was never announced`);
      if (form === SIZED_QUOTE || form === COMPACT_QUOTE) {
        const i = base + (symbol << 1);
        const symbolSeq = v.getInt32(at + 4, true);
        const step = (symbolSeq - pairs[i]) | 0;
        if (step === 1 || (step > 0 && !dense)) {
          pairs[i] = symbolSeq;
          delivered++;
        } else if (this.#oddQuote(i, symbolSeq, step)) delivered++;
        pairs[i + 1] = quoteCheck(v.getInt32(at + 8, true), v.getUint16(at + 12, true));
        if (--until === 0) {
          until = this.sampleEvery;
          this.#sample(client, at);
        }
        at += form === SIZED_QUOTE ? SIZED_BYTES : COMPACT_BYTES;
      } else {
        if (this.#wide(base, at)) delivered++;
        if (--until === 0) {
          until = this.sampleEvery;
          this.#sampleWide(at);
        }
        at += WIDE_BYTES;
      }
    }
    if (group === 0) this.#untilSample = until;
    this.delivered[group] += delivered;
    this.left = left;
    return at;
  }

  /** Brings a client's pairs into the cache: lines in a row come many at a time, those that ticks hit one by one. */
  #touch(base: number): void {
    const pairs = this.#pairs;
    const end = base + this.#stride;
    let bits = 0;
    for (let i = base; i < end; i += LINE_WORDS) bits |= pairs[i];
    this.touched = bits;
  }

  /** As `ticks`, for the records of a snapshot: they set the state, and count as nothing. */
  snapshot(client: number, from: number, end: number, records: number): number {
    const v = this.view;
    const pairs = this.#pairs;
    const others = this.#others;
    let at = from;
    let left = records;
    for (; left > 0 && isWhole(v, at, end); left--) {
      const word = v.getInt32(at, true);
      const symbol = word & 0xffff;
      const form = (word & FORM_BITS) >>> (FORM_SHIFT + 16);
      if (symbol > this.symbols) throw new BadFrame(`symbol ${symbol} was never announced`);
      const i = client * this.#stride + 2 * symbol;
      const symbolSeq = v.getInt32(at + 4, true);
      const isAhead = ((symbolSeq - pairs[i]) | 0) > 0;
      if (((word >>> 16) & KIND_MASK) === Kind.quote) {
        pairs[i + 1] =
          form === Form.wide
            ? this.#wideCheck(symbol, at)
            : quoteCheck(v.getInt32(at + 8, true), v.getUint16(at + 12, true));
        if (isAhead) pairs[i] = symbolSeq;
        else others[i + 1] = symbolSeq;
      } else if (isAhead) this.#setOther(i, symbolSeq);
      else if (((symbolSeq - others[i]) | 0) > 0) others[i] = symbolSeq;
      at += FORM_BYTES[form];
    }
    this.left = left;
    return at;
  }

  /**
   * A quote whose symbolSeq did not simply continue. Counts what is wrong with it.
   * @returns whether it advanced its symbol
   */
  #oddQuote(i: number, symbolSeq: number, step: number): boolean {
    const others = this.#others;
    if (step > 0) {
      this.lost += step - 1;
      this.#pairs[i] = symbolSeq;
      return true;
    }
    // In mode `latest` a trade may be ahead of a quote; quotes among themselves are in order.
    const isNext = !this.dense && this.#isOther(i) && ((symbolSeq - others[i + 1]) | 0) > 0;
    if (isNext) others[i + 1] = symbolSeq;
    else this.reordered++;
    return false;
  }

  /** A wide record outside of snapshots; true when it advanced its symbol. */
  #wide(base: number, at: number): boolean {
    const v = this.view;
    const word = v.getInt32(at, true);
    if ((word & FORM_BITS) !== 0) throw new BadFrame('unknown record form');
    const symbol = word & 0xffff;
    // The engine's own records are sequenced by shard, and gaps of this subscriber not at all.
    if (symbol === 0) return false;
    const i = base + (symbol << 1);
    const symbolSeq = v.getInt32(at + 4, true);
    const step = (symbolSeq - this.#pairs[i]) | 0;
    if (((word >>> 16) & KIND_MASK) !== Kind.quote) return this.#other(i, symbolSeq, step);
    this.#pairs[i + 1] = this.#wideCheck(symbol, at);
    if (step <= 0 || (step !== 1 && this.dense)) return this.#oddQuote(i, symbolSeq, step);
    this.#pairs[i] = symbolSeq;
    return true;
  }

  /** A trade or status; mode `latest` delivers them in order among themselves. */
  #other(i: number, symbolSeq: number, step: number): boolean {
    if (this.dense) {
      if (step > 0) {
        this.lost += step - 1;
        this.#pairs[i] = symbolSeq;
      } else this.reordered++;
    } else if (step > 0) {
      this.#setOther(i, symbolSeq);
    } else if (((symbolSeq - this.#others[i]) | 0) > 0) {
      this.#others[i] = symbolSeq;
    } else this.reordered++;
    return step > 0;
  }

  /** A trade or status that is ahead of all else. */
  #setOther(i: number, symbolSeq: number): void {
    if (!this.#isOther(i)) this.#others[i + 1] = this.#pairs[i];
    this.#others[i] = symbolSeq;
    this.#pairs[i] = symbolSeq;
  }

  #wideCheck(symbol: number, at: number): number {
    const pow = POW10[this.digits[symbol]];
    const bid = Math.round(this.view.getFloat64(at + WIDE_PRICES_AT, true) * pow);
    const ask = Math.round(this.view.getFloat64(at + WIDE_PRICES_AT + 8, true) * pow);
    return quoteCheck(bid, ask - bid);
  }

  #sample(client: number, at: number): void {
    const v = this.view;
    const dueUs = this.batchUs + v.getInt32(at + 16, true) * this.unitUs;
    this.latency.record(this.nowUs - dueUs);
    this.traced?.take(client, v.getUint16(at + 14, true), v.getInt32(at + 20, true), dueUs, this.nowUs);
  }

  #sampleWide(at: number): void {
    const kind = (this.view.getInt32(at, true) >>> 16) & KIND_MASK;
    if (kind !== Kind.quote && kind !== Kind.trade) return;
    const eventUs =
      (this.view.getUint32(at + WIDE_TIME_AT, true) - this.anchorS) * 1e6 +
      this.view.getUint32(at + WIDE_TIME_AT + 4, true) / 1e3;
    this.latency.record(this.nowUs - eventUs);
  }
}

/** Whether the record at `at` ends before `end`. */
function isWhole(v: DataView, at: number, end: number): boolean {
  if (at + COMPACT_BYTES > end) return false;
  const form = (v.getUint16(at + 2, true) >>> FORM_SHIFT) & 3;
  if (form === 3) throw new BadFrame('unknown record form');
  return at + FORM_BYTES[form] <= end;
}
