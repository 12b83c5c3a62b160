import { RECORD_U32, Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../core/tick.js';
import type { LogGap, LogReader } from '../log/read/log-reader.js';
import type { TimeBound } from './range.js';
import type { CursorOptions } from './stream-options.js';

/** Ticks that are read of a shard at a time. */
const READ_TICKS = 4_096;

/** One shard of one epoch: read in pieces, with the tick that is next. */
export class ShardCursor {
  readonly records = Records.allocate(READ_TICKS);
  readonly seqs = new Float64Array(READ_TICKS);
  at = 0;
  /** The running maximum of tsRecv, with the tick that is next. */
  recvS = 0;
  recvNs = 0;
  #count = 0;
  /** Gaps that the cursor has not reached yet. */
  #gaps: LogGap[] = [];
  #isLooked = false;
  /** Whether a tick was beyond the end of the range. */
  #isOver = false;

  constructor(
    readonly reader: LogReader,
    readonly options: CursorOptions,
    readonly epoch: number,
    readonly shard: number,
    public nextSeq: number,
    public lastSeq: number,
  ) {}

  /** Whether there is a tick; reads more when needed. */
  fill(): boolean {
    const { from, to } = this.options;
    for (;;) {
      if (this.at >= this.#count && !this.#read()) return false;
      if (this.#gaps.length > 0) this.#reportGaps(this.seqs[this.at]);
      if (this.#isOver) return false;
      if (!this.#isLooked) this.#look();
      if (to?.kind === 'time' && !this.#isBeforeTime(to)) {
        this.#end();
        return false;
      }
      // The index of times finds the block; within it the first ticks may be older.
      if (from?.kind !== 'time' || !this.#isBeforeTime(from)) return true;
      this.advance();
    }
  }

  /** The first seq that was not returned yet. */
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

  #end(): void {
    this.lastSeq = 0;
    this.#count = 0;
    this.#gaps = [];
    this.#isOver = true;
  }

  /** Reports the gaps before a seq, up to the end of the range. */
  #reportGaps(seq: number): void {
    const { to, onGap } = this.options;
    const { epoch, shard } = this;
    while (this.#gaps.length > 0 && this.#gaps[0].first < seq) {
      const gap = this.#gaps.shift()!;
      const last =
        to?.kind === 'time' ? this.reader.lostUntil(epoch, shard, gap, to.seconds, to.nanos) : gap.last;
      if (last >= gap.first) onGap?.(epoch, shard, { ...gap, last });
      // All later ticks were received after the end, too.
      if (last < gap.last) this.#end();
    }
  }

  #read(): boolean {
    const { reader, options } = this;
    options.onRead?.();
    this.#reportGaps(Number.POSITIVE_INFINITY);
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
          filter: options.filter,
          maxTicks: READ_TICKS,
        },
        this.records,
        this.seqs,
      );
      this.#gaps.push(...result.gaps);
      this.#count = result.count;
      // Retention has cut the log meanwhile: no more ticks follow.
      if (result.nextSeq <= this.nextSeq) this.lastSeq = 0;
      this.nextSeq = result.nextSeq;
      if (this.#count === 0) this.#reportGaps(Number.POSITIVE_INFINITY);
    }
    return this.#count > 0;
  }
}
