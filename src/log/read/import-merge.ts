/**
 * One symbol's ticks in all imports as one stream, ordered by time, epoch number and seq. A position in it is these three
 * values of the last tick, however many imports exist.
 */
import type { ImportGap, ImportPosition } from '../../core/log-port.js';
import { RECORD_U32, Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../core/tick.js';
import { isEarlier, type Time } from '../../core/time.js';
import { TimeAt } from '../format/block-summary.js';
import type { ImportSpan } from '../storage/imports.js';
import type { LogReader } from './log-reader.js';

/** An import has one shard. */
const SHARD = 0;
/** Ticks that are read of an import at a time. */
const READ_TICKS = 512;
const NANOS = 1_000_000_000;

/** One import, with the tick that is next. */
class ImportCursor {
  readonly records = Records.allocate(READ_TICKS);
  readonly seqs = new Float64Array(READ_TICKS);
  at = 0;
  readonly gaps: ImportGap[] = [];
  #count = 0;
  readonly #lastSeq: number;
  #nextSeq: number;
  readonly #filter: Uint8Array;

  constructor(
    readonly reader: LogReader,
    readonly epoch: number,
    symbolId: number,
    readonly after: ImportPosition,
    readonly to: Time | null,
  ) {
    this.#filter = new Uint8Array(symbolId + 1);
    this.#filter[symbolId] = 1;
    const { oldest, newest } = reader.bounds(epoch, SHARD);
    this.#lastSeq = newest;
    this.#nextSeq = Math.max(oldest, this.#firstSeq());
  }

  #firstSeq(): number {
    const { epoch, after, reader } = this;
    if (epoch === after.epoch) return after.seq + 1;
    const nanos = epoch < after.epoch ? after.nanos + 1 : after.nanos;
    const seconds = after.seconds + Math.floor(nanos / NANOS);
    return reader.seekTime(epoch, SHARD, seconds, nanos % NANOS);
  }

  get seconds(): number {
    return this.records.u32[this.at * RECORD_U32 + U32_TS_RECV_S];
  }

  get nanos(): number {
    return this.records.u32[this.at * RECORD_U32 + U32_TS_RECV_NS];
  }

  get seq(): number {
    return this.seqs[this.at];
  }

  /** Whether there is a tick; reads on where needed. */
  fill(): boolean {
    for (;;) {
      while (this.at >= this.#count) if (!this.#read()) return false;
      if (this.to !== null && !isEarlier(this, this.to)) {
        this.#nextSeq = this.#lastSeq + 1;
        this.#count = 0;
        return false;
      }
      // A block that cannot be read hides its times: what follows it may be older than was asked for.
      if (!isEarlier(this, this.after)) return true;
      this.at++;
    }
  }

  #read(): boolean {
    const { reader, epoch } = this;
    if (this.#nextSeq > this.#lastSeq) return false;
    const request = { epoch, shard: SHARD, fromSeq: this.#nextSeq, toSeq: this.#lastSeq };
    const result = reader.read(
      { ...request, filter: this.#filter, maxTicks: READ_TICKS },
      this.records,
      this.seqs,
    );
    for (const gap of result.gaps) {
      const { to } = this;
      const last = to === null ? gap.last : reader.lostUntil(epoch, SHARD, gap, to.seconds, to.nanos);
      if (last >= gap.first) this.gaps.push({ epoch, first: gap.first, last });
    }
    this.at = 0;
    this.#count = result.count;
    // The import was removed meanwhile: no more ticks follow.
    this.#nextSeq = result.nextSeq > this.#nextSeq ? result.nextSeq : this.#lastSeq + 1;
    return true;
  }
}

export class ImportMerge {
  /** The import with the current tick, after `next` has returned true. */
  at!: ImportCursor;
  /** Those that are not reached yet, the next one last, with the time before which they have nothing. */
  readonly #waiting: (Time & { epoch: number })[];
  #open: ImportCursor[] = [];
  readonly #all: ImportCursor[] = [];
  #isAhead = false;

  /** @param to exclusive; null: up to the end */
  constructor(
    readonly reader: LogReader,
    readonly symbolId: number,
    readonly after: ImportPosition,
    readonly to: Time | null,
  ) {
    const isWanted = ({ times }: ImportSpan) =>
      times === undefined ||
      ((to === null || isEarlier(timeAt(times, TimeAt.recvMin), to)) &&
        !isEarlier(timeAt(times, TimeAt.recvMax), after));
    this.#waiting = reader
      .importSpans()
      .filter(isWanted)
      .map(({ epoch, times }) => ({
        epoch,
        ...(times === undefined ? { seconds: 0, nanos: 0 } : timeAt(times, TimeAt.recvMin)),
      }))
      .sort((a, b) => (isEarlier(a, b) ? 1 : -1));
  }

  /** Moves to the next tick; false at the end. */
  next(): boolean {
    if (this.#isAhead) this.at.at++;
    this.#isAhead = false;
    for (;;) {
      const first = this.#first();
      const waiting = this.#waiting.at(-1);
      if (waiting === undefined || (first !== undefined && isEarlier(first, waiting))) {
        if (first === undefined) return false;
        this.at = first;
        this.#isAhead = true;
        return true;
      }
      this.#waiting.pop();
      const cursor = new ImportCursor(this.reader, waiting.epoch, this.symbolId, this.after, this.to);
      this.#open.push(cursor);
      this.#all.push(cursor);
    }
  }

  #first(): ImportCursor | undefined {
    this.#open = this.#open.filter((cursor) => cursor.fill());
    let first: ImportCursor | undefined;
    for (const cursor of this.#open) {
      if (first === undefined || isBefore(cursor, first)) first = cursor;
    }
    return first;
  }

  /** What the log does not hold of the imports, before the ticks that are next. */
  gaps(): ImportGap[] {
    return this.#all.flatMap((cursor) => {
      const before = this.#open.includes(cursor) ? cursor.seq : Number.POSITIVE_INFINITY;
      return cursor.gaps.filter(({ first }) => first < before);
    });
  }
}

function timeAt(times: readonly number[], word: number): Time {
  return { seconds: times[word], nanos: times[word + 1] };
}

function isBefore(a: ImportCursor, b: ImportCursor): boolean {
  return isEarlier(a, b) || (!isEarlier(b, a) && a.epoch < b.epoch);
}
