/**
 * The log as one stream: epochs in their order, and within an epoch the shards merged by the running
 * maximum of tsRecv, then shard, then seq. Imports are merged in by their times; a range that begins or ends at
 * a place has none of them, or only the one that the place is in. The stream ends at what the log held when it was
 * opened, or extended last; between shards, what is added by then is merged as far as it is there.
 */

import type { Records } from '../core/tick.js';
import type { EpochRecord, LogGap, LogReader } from '../log/read/log-reader.js';
import { IMPORTS_FROM } from '../log/storage/segments.js';
import { ImportStreams } from './import-streams.js';
import { type Bound, type SeqBound, seqOf } from './range.js';
import { type CursorOptions, ShardCursor } from './shard-cursor.js';

/** Reads between two looks at which segments were passed. */
const LET_GO_READS = 64;

export interface StreamOptions {
  /** Inclusive. */
  from?: Bound | undefined;
  /** A time is exclusive, a place inclusive. */
  to?: Bound | undefined;
  /** Only epochs of engines, or only this one; absent: by what `from` and `to` are. */
  only?: 'engines' | number | undefined;
  /** By symbol id, 1 = wanted; null: all. */
  filter: Uint8Array | null;
  /** Told of every part of the range that the log does not hold. */
  onGap?: (epoch: number, shard: number, gap: LogGap) => void;
}

/** A part of one shard's sequence. */
export interface SeqRange {
  epoch: number;
  shard: number;
  first: number;
  last: number;
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

  /** Epochs of engines; where the range is a place in an import, that alone. */
  #known(): EpochRecord[] {
    const only = onlyOf(this.options);
    return this.reader
      .epochs()
      .filter((record) => (typeof only === 'number' ? record.epoch === only : record.import === undefined));
  }

  /** The epochs that were not known so far, with what the log holds of them. */
  #later(): { epoch: number; ends: number[] }[] {
    const later = this.#known().filter(({ epoch }) => epoch > this.#newest);
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
    let total = 0;
    for (const { first, last } of this.ranges()) total += Math.max(0, last - first + 1);
    return total;
  }

  /** What is still to come, shard by shard; some of it may lie beyond the end of the range. */
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

  /** Now and then, lets retention have what the stream has passed. */
  #letGo(): void {
    if (++this.#reads % LET_GO_READS !== 0) return;
    const place = this.place();
    this.reader.letGo(place?.epoch ?? 0, place?.seqs ?? [], this.#imports.wanted());
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
    // From a place on, what retention has removed is missing; else a range begins with the oldest that is held.
    if (from?.kind === 'seq') return epoch === from.epoch ? Math.max(1, seqOf(from, shard)) : 1;
    const { oldest } = this.reader.bounds(epoch, shard);
    if (from === undefined) return oldest;
    return Math.max(oldest, this.reader.seekTime(epoch, shard, from.seconds, from.nanos));
  }
}

/** Which epochs a range is of: a place in an import is of that alone, any other place leaves imports out. */
export function onlyOf({ from, to, only }: Omit<StreamOptions, 'filter'>): StreamOptions['only'] {
  const place = from?.kind === 'seq' ? from : to?.kind === 'seq' ? to : undefined;
  if (only !== undefined || place === undefined) return only;
  return place.epoch >= IMPORTS_FROM ? place.epoch : 'engines';
}

function isOutside(epoch: number, from: Bound | undefined, to: Bound | undefined): boolean {
  return (from?.kind === 'seq' && epoch < from.epoch) || (to?.kind === 'seq' && epoch > to.epoch);
}

function lastOf(epoch: number, shard: number, newest: number, to: Bound | undefined): number {
  return to?.kind === 'seq' && to.epoch === epoch ? Math.min(newest, seqOf(to, shard)) : newest;
}
