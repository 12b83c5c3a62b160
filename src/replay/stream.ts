/**
 * The log as one stream: epochs in their order, and within an epoch the shards merged by the running
 * maximum of tsRecv, then shard, then seq. It ends at what the log held when it was opened, or extended last;
 * between shards, what is added by then is merged as far as it is there.
 */
import type { LogGap, LogReader } from '../log/reader.js';
import { RECORD_U32, Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../tick.js';
import { type Bound, type SeqBound, seqOf, type TimeBound } from './range.js';

/** Ticks that are read of a shard at a time. */
const READ_TICKS = 4_096;
/** Reads between two looks at which segments were passed. */
const LET_GO_READS = 64;

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
  /** The running maximum of its shard's tsRecv: what the order goes by, and the pace. */
  recvS = 0;
  recvNs = 0;
  readonly #epochs: { epoch: number; ends: number[] }[];
  #shards: ShardCursor[] = [];
  /** The newest epoch that is known. */
  #newest = 0;
  #reads = 0;

  constructor(
    readonly reader: LogReader,
    readonly options: StreamOptions,
  ) {
    this.#epochs = this.#later();
  }

  /** The epochs that were not known so far, with what the log holds of them. */
  #later(): { epoch: number; ends: number[] }[] {
    const later = this.reader.epochs().filter(({ epoch }) => epoch > this.#newest);
    this.#newest = later.at(-1)?.epoch ?? this.#newest;
    return later.map(({ epoch, shards }) => ({ epoch, ends: this.#ends(epoch, shards) }));
  }

  #ends(epoch: number, shards: number): number[] {
    return Array.from({ length: shards }, (_, shard) => this.reader.bounds(epoch, shard).newest);
  }

  /** Takes in what was added to the log since; to be asked once `next` has said that there is no more. */
  extend(): void {
    // Later epochs first: one that has begun says that the one before it is complete.
    const later = this.#later();
    const { to } = this.options;
    if (this.#shards.length > 0) {
      const ends = this.#ends(this.#shards[0].epoch, this.#shards.length);
      for (const cursor of this.#shards) {
        cursor.extend(lastOf(cursor.epoch, cursor.shard, ends[cursor.shard], to));
      }
    }
    this.#epochs.push(...later);
  }

  /** Where a stream goes on exactly after the tick at hand; undefined before the first. */
  place(): SeqBound | undefined {
    if (this.#shards.length === 0) return undefined;
    return {
      kind: 'seq',
      epoch: this.#shards[0].epoch,
      seqs: this.#shards.map((cursor) => cursor.wantedSeq),
    };
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
        this.recvS = first.recvS;
        this.recvNs = first.recvNs;
        first.advance();
        return true;
      }
      if (!this.#nextEpoch()) return false;
    }
  }

  /** Now and then, lets retention have what the stream has passed. */
  letGo(): void {
    if (++this.#reads % LET_GO_READS !== 0) return;
    const place = this.place();
    if (place !== undefined) this.reader.letGo(place.epoch, place.seqs);
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
  /** Whether a tick lay beyond the end of the range. */
  #isOver = false;

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
        this.#isOver = true;
        return false;
      }
      // The index of times finds the block; within it the first ticks may be older.
      if (from?.kind !== 'time' || !this.#isBeforeTime(from)) return true;
      this.advance();
    }
  }

  /** The seq from which on ticks were not handed over. */
  get wantedSeq(): number {
    return this.at < this.#count ? this.seqs[this.at] : this.nextSeq;
  }

  extend(lastSeq: number): void {
    if (!this.#isOver) this.lastSeq = lastSeq;
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
    this.stream.letGo();
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
