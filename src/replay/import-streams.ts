/** The imports of a log as streams of their own, to be merged with the epochs of engines by time. */

import { Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../core/tick.js';
import type { EpochRecord, LogReader } from '../log/read/log-reader.js';
import { ShardCursor } from './shard-cursor.js';
import type { CursorOptions } from './stream-options.js';

/** An import has one shard. */
const SHARD = 0;

/** An import that the stream has not reached yet. */
interface Waiting {
  epoch: number;
  fromSeq: number;
  lastSeq: number;
  /** Receipt of its first tick in the range. */
  s: number;
  ns: number;
}

export class ImportStreams {
  /** By time, the first one last. */
  readonly #waiting: Waiting[] = [];
  #open: ShardCursor[] = [];

  /** @param epochs all of the log, or none */
  constructor(
    epochs: readonly EpochRecord[],
    readonly reader: LogReader,
    readonly options: CursorOptions,
  ) {
    const { from } = options;
    for (const { epoch, import: isImport } of epochs) {
      if (isImport === undefined) continue;
      const { oldest, newest } = reader.bounds(epoch, SHARD);
      const fromSeq =
        from?.kind === 'time' ? reader.seekTime(epoch, SHARD, from.seconds, from.nanos) : oldest;
      if (fromSeq > newest) continue;
      this.#waiting.push({
        epoch,
        fromSeq,
        lastSeq: newest,
        ...firstReceipt(reader, epoch, fromSeq, newest),
      });
    }
    this.#waiting.sort((a, b) => b.s - a.s || b.ns - a.ns || b.epoch - a.epoch);
  }

  /** The imports that were not reached yet. */
  *ranges(): Generator<{ epoch: number; shard: number; first: number; last: number }> {
    for (const { epoch, fromSeq, lastSeq } of this.#waiting) {
      yield { epoch, shard: SHARD, first: fromSeq, last: lastSeq };
    }
  }

  /** By epoch, the first seq of each import that is not handed over yet. */
  wanted(): Map<number, number> {
    const wanted = new Map(this.#waiting.map(({ epoch, fromSeq }) => [epoch, fromSeq]));
    for (const cursor of this.#open) wanted.set(cursor.epoch, cursor.wantedSeq);
    return wanted;
  }

  /** The import with the next tick, if that comes before the one of `other`; at equal times it does not. */
  before(other: ShardCursor | undefined): ShardCursor | undefined {
    this.#reach(other);
    let first: ShardCursor | undefined;
    let isOver = false;
    for (const cursor of this.#open) {
      if (!cursor.fill()) isOver = true;
      else if (first === undefined || comesBefore(cursor, first)) first = cursor;
    }
    if (isOver) this.#open = this.#open.filter((cursor) => cursor.fill());
    return first !== undefined && (other === undefined || first.isBefore(other)) ? first : undefined;
  }

  /** Opens those whose time has come. */
  #reach(other: ShardCursor | undefined): void {
    for (let next = this.#waiting.at(-1); next !== undefined; next = this.#waiting.at(-1)) {
      const { s, ns } = next;
      if (other !== undefined && (s > other.recvS || (s === other.recvS && ns >= other.recvNs))) return;
      const head = this.#open.find((cursor) => cursor.fill());
      if (
        other === undefined &&
        head !== undefined &&
        (s > head.recvS || (s === head.recvS && ns > head.recvNs))
      )
        return;
      this.#waiting.pop();
      const { epoch, fromSeq, lastSeq } = next;
      this.#open.push(new ShardCursor(this.reader, this.options, epoch, SHARD, fromSeq, lastSeq));
    }
  }
}

/** When the first tick was received that can be read; without one, the beginning, so that what is lost is told. */
function firstReceipt(
  reader: LogReader,
  epoch: number,
  fromSeq: number,
  toSeq: number,
): { s: number; ns: number } {
  const record = Records.allocate(1);
  const seqs = new Float64Array(1);
  for (let seq = fromSeq; seq <= toSeq; ) {
    const { count, nextSeq } = reader.read(
      { epoch, shard: SHARD, fromSeq: seq, toSeq, maxTicks: 1 },
      record,
      seqs,
    );
    if (count > 0) return { s: record.u32[U32_TS_RECV_S], ns: record.u32[U32_TS_RECV_NS] };
    if (nextSeq <= seq) break;
    seq = nextSeq;
  }
  return { s: 0, ns: 0 };
}

/** By time, then by the number of the epoch, as pages of REST have it. */
function comesBefore(a: ShardCursor, b: ShardCursor): boolean {
  return a.isBefore(b) || (!b.isBefore(a) && a.epoch < b.epoch);
}
