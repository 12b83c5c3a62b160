/**
 * The log as one stream: epochs in their order, and within an epoch the shards merged by the running
 * maximum of tsRecv, then shard, then seq. It ends at what the log held when it was opened.
 */
import type { LogGap, LogReader } from '../log/reader.js';
import { RECORD_U32, Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../tick.js';
import { type Bound, seqOf, type TimeBound } from './range.js';

/** Ticks that are read of a shard at a time. */
const READ_TICKS = 4_096;

export interface StreamOptions {
  /** Inclusive. */
  from?: Bound | undefined;
  /** A time is exclusive, a place inclusive. */
  to?: Bound | undefined;
  /** By symbol id, 1 = wanted; null: all. */
  watch: Uint8Array | null;
  /** Told of every part of the range that the log does not hold. */
  onGap?: (epoch: number, shard: number, gap: LogGap) => void;
}

export class LogStream {
  // The tick at hand, after `next` has returned true.
  records!: Records;
  index = 0;
  seq = 0;
  epoch = 0;
  shard = 0;
  readonly #epochs: { epoch: number; ends: number[] }[];
  #shards: ShardCursor[] = [];

  constructor(
    readonly reader: LogReader,
    readonly options: StreamOptions,
  ) {
    this.#epochs = reader.epochs().map(({ epoch, shards }) => ({
      epoch,
      ends: Array.from({ length: shards }, (_, shard) => reader.bounds(epoch, shard).newest),
    }));
  }

  /** Ticks of the range at most, wanted or not: what progress is measured against. */
  get length(): number {
    const { from, to } = this.options;
    let total = 0;
    for (const { epoch, ends } of this.#epochs) {
      if (isOutside(epoch, from, to)) continue;
      ends.forEach((end, shard) => {
        total += Math.max(0, lastOf(epoch, shard, end, to) - this.#firstOf(epoch, shard) + 1);
      });
    }
    return total;
  }

  /** Moves to the next tick; false at the end. */
  next(): boolean {
    for (;;) {
      let first: ShardCursor | undefined;
      for (const cursor of this.#shards) {
        if (cursor.fill() && (first === undefined || cursor.isBefore(first))) first = cursor;
      }
      if (first !== undefined) {
        this.records = first.records;
        this.index = first.at;
        this.seq = first.seqs[first.at];
        this.epoch = first.epoch;
        this.shard = first.shard;
        first.advance();
        return true;
      }
      if (!this.#nextEpoch()) return false;
    }
  }

  #nextEpoch(): boolean {
    const { from, to } = this.options;
    const next = this.#epochs.shift();
    if (next === undefined) return false;
    const { epoch, ends } = next;
    this.#shards = isOutside(epoch, from, to)
      ? []
      : ends.map((end, shard) => {
          const firstSeq = this.#firstOf(epoch, shard);
          return new ShardCursor(this, epoch, shard, firstSeq, lastOf(epoch, shard, end, to));
        });
    return true;
  }

  #firstOf(epoch: number, shard: number): number {
    const { from } = this.options;
    const { oldest } = this.reader.bounds(epoch, shard);
    if (from?.kind === 'time') {
      return Math.max(oldest, this.reader.seekTime(epoch, shard, from.seconds, from.nanos));
    }
    return from !== undefined && from.epoch === epoch ? Math.max(oldest, seqOf(from, shard)) : oldest;
  }
}

function isOutside(epoch: number, from: Bound | undefined, to: Bound | undefined): boolean {
  return (from?.kind === 'seq' && epoch < from.epoch) || (to?.kind === 'seq' && epoch > to.epoch);
}

function lastOf(epoch: number, shard: number, newest: number, to: Bound | undefined): number {
  return to?.kind === 'seq' && to.epoch === epoch ? Math.min(newest, seqOf(to, shard)) : newest;
}

/** One shard of one epoch: read in pieces, with the tick that is next. */
class ShardCursor {
  readonly records = Records.allocate(READ_TICKS);
  readonly seqs = new Float64Array(READ_TICKS);
  at = 0;
  /** The running maximum of tsRecv, with the tick that is next. */
  recvS = 0;
  recvNs = 0;
  #count = 0;
  #isLooked = false;

  constructor(
    readonly stream: LogStream,
    readonly epoch: number,
    readonly shard: number,
    public nextSeq: number,
    public lastSeq: number,
  ) {}

  /** Whether there is a tick; reads on where needed. */
  fill(): boolean {
    const { from, to } = this.stream.options;
    for (;;) {
      if (this.at >= this.#count && !this.#read()) return false;
      if (!this.#isLooked) this.#look();
      if (to?.kind === 'time' && !this.#isBeforeTime(to)) {
        this.lastSeq = 0;
        this.#count = 0;
        return false;
      }
      // The index of times finds the block; within it the first ticks may be older.
      if (from?.kind !== 'time' || !this.#isBeforeTime(from)) return true;
      this.advance();
    }
  }

  advance(): void {
    this.at++;
    this.#isLooked = false;
  }

  isBefore(other: ShardCursor): boolean {
    return this.recvS < other.recvS || (this.recvS === other.recvS && this.recvNs < other.recvNs);
  }

  #isBeforeTime(time: TimeBound): boolean {
    return this.recvS < time.seconds || (this.recvS === time.seconds && this.recvNs < time.nanos);
  }

  #look(): void {
    this.#isLooked = true;
    const w = this.at * RECORD_U32;
    const s = this.records.u32[w + U32_TS_RECV_S];
    const ns = this.records.u32[w + U32_TS_RECV_NS];
    if (s < this.recvS || (s === this.recvS && ns <= this.recvNs)) return;
    this.recvS = s;
    this.recvNs = ns;
  }

  #read(): boolean {
    const { reader, options } = this.stream;
    this.at = 0;
    this.#count = 0;
    while (this.#count === 0 && this.nextSeq <= this.lastSeq) {
      const { epoch, shard } = this;
      const result = reader.read(
        {
          epoch,
          shard,
          fromSeq: this.nextSeq,
          toSeq: this.lastSeq,
          watch: options.watch,
          maxTicks: READ_TICKS,
        },
        this.records,
        this.seqs,
      );
      for (const gap of result.gaps) options.onGap?.(epoch, shard, gap);
      this.#count = result.count;
      // A log that was cut behind the reader's back (retention) has nothing more to give.
      if (result.nextSeq <= this.nextSeq) this.lastSeq = 0;
      this.nextSeq = result.nextSeq;
    }
    return this.#count > 0;
  }
}
