/**
 * The log as one stream: epochs in their order, and within an epoch the shards merged by the running maximum of tsRecv, then
 * shard, then seq. Imports are merged in by their times. A range that begins or ends at a seq has no imports, or only the
 * import of that seq. The stream ends at the newest ticks of the log when it was opened, or extended last.
 */

import type { Records } from '../core/tick.js';
import type { EpochRecord, LogReader } from '../log/read/log-reader.js';
import { ImportStreams } from './import-streams.js';
import { type Bound, type SeqBound, seqOf } from './range.js';
import { ShardCursor } from './shard-cursor.js';
import { type CursorOptions, onlyOf, type StreamOptions } from './stream-options.js';

/** Reads between two releases of segments that the stream has passed. */
const LET_GO_READS = 64;

/** A part of one shard's sequence. */
export interface SeqRange {
  epoch: number;
  shard: number;
  first: number;
  last: number;
}

export class LogStream {
  // The current tick, after `next` has returned true.
  records!: Records;
  index = 0;
  seq = 0;
  epoch = 0;
  shard = 0;
  /** The running maximum of its shard's tsRecv, which decides order and pace. */
  recvS = 0;
  recvNs = 0;
  readonly #epochs: { epoch: number; ends: number[] }[];
  readonly #imports: ImportStreams;
  readonly #reading: CursorOptions;
  #shards: ShardCursor[] = [];
  /** The newest epoch that is known. */
  #newest = 0;
  #reads = 0;

  constructor(
    readonly reader: LogReader,
    readonly options: StreamOptions,
  ) {
    this.#epochs = this.#later();
    const isAll = onlyOf(options) === undefined;
    this.#reading = { ...options, onRead: () => this.#letGo() };
    this.#imports = new ImportStreams(isAll ? reader.epochs() : [], reader, this.#reading);
  }

  /** Epochs of engines; for a range at a seq of an import, only that import. */
  #known(): EpochRecord[] {
    const only = onlyOf(this.options);
    return this.reader
      .epochs()
      .filter((record) => (typeof only === 'number' ? record.epoch === only : record.import === undefined));
  }

  /** The new epochs, with the newest seqs of their shards. */
  #later(): { epoch: number; ends: number[] }[] {
    const later = this.#known().filter(({ epoch }) => epoch > this.#newest);
    this.#newest = later.at(-1)?.epoch ?? this.#newest;
    return later.map(({ epoch, shards }) => ({ epoch, ends: this.#ends(epoch, shards) }));
  }

  #ends(epoch: number, shards: number): number[] {
    return Array.from({ length: shards }, (_, shard) => this.reader.bounds(epoch, shard).newest);
  }

  /** Extends the stream by the ticks that were added to the log since. The caller uses this after `next` returned false. */
  extend(): void {
    // New epochs are read first: once an epoch has begun, the epoch before is complete.
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

  /** The position exactly after the current tick; undefined before the first tick. */
  position(): SeqBound | undefined {
    if (this.#shards.length === 0) return undefined;
    return {
      kind: 'seq',
      epoch: this.#shards[0].epoch,
      seqs: this.#shards.map((cursor) => cursor.wantedSeq),
    };
  }

  /** The most ticks of the range, wanted or not: the total for progress. */
  get length(): number {
    let total = 0;
    for (const { first, last } of this.ranges()) total += Math.max(0, last - first + 1);
    return total;
  }

  /** The ranges that follow, shard by shard; some seqs may be beyond the end of the range. */
  *ranges(): Generator<SeqRange> {
    const { from, to } = this.options;
    for (const { epoch, ends } of this.#epochs) {
      if (isOutside(epoch, from, to)) continue;
      for (const [shard, end] of ends.entries()) {
        yield { epoch, shard, first: this.#firstOf(epoch, shard), last: lastOf(epoch, shard, end, to) };
      }
    }
    yield* this.#imports.ranges();
  }

  /** Moves to the next tick; false at the end. */
  next(): boolean {
    const live = this.#firstOfEpochs();
    const first = this.#imports.before(live) ?? live;
    if (first === undefined) return false;
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

  #firstOfEpochs(): ShardCursor | undefined {
    for (;;) {
      let first: ShardCursor | undefined;
      for (const cursor of this.#shards) {
        if (cursor.fill() && (first === undefined || cursor.isBefore(first))) first = cursor;
      }
      if (first !== undefined || !this.#nextEpoch()) return first;
    }
  }

  /** From time to time, releases the segments that the stream has passed. */
  #letGo(): void {
    if (++this.#reads % LET_GO_READS !== 0) return;
    const position = this.position();
    this.reader.letGo(position?.epoch ?? 0, position?.seqs ?? [], this.#imports.wanted());
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
          return new ShardCursor(
            this.reader,
            this.#reading,
            epoch,
            shard,
            firstSeq,
            lastOf(epoch, shard, end, to),
          );
        });
    return true;
  }

  #firstOf(epoch: number, shard: number): number {
    const { from } = this.options;
    // After a seq, ticks that retention has removed are missing; any other range begins with the oldest tick in the log.
    if (from?.kind === 'seq') return epoch === from.epoch ? Math.max(1, seqOf(from, shard)) : 1;
    const { oldest } = this.reader.bounds(epoch, shard);
    if (from === undefined) return oldest;
    return Math.max(oldest, this.reader.seekTime(epoch, shard, from.seconds, from.nanos));
  }
}

function isOutside(epoch: number, from: Bound | undefined, to: Bound | undefined): boolean {
  return (from?.kind === 'seq' && epoch < from.epoch) || (to?.kind === 'seq' && epoch > to.epoch);
}

function lastOf(epoch: number, shard: number, newest: number, to: Bound | undefined): number {
  return to?.kind === 'seq' && to.epoch === epoch ? Math.min(newest, seqOf(to, shard)) : newest;
}
