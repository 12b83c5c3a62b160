/**
 * One order for all shards of an epoch: by running maximum of tsRecv, then shard, then seq. Order within a
 * shard is kept whatever its times do.
 */
import { BLOCK_TICKS } from '../limits.js';
import { RECORD_U32, Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../tick.js';
import type { LogGap, LogReader } from './reader.js';

export interface MergeOptions {
  epoch: number;
  /** By shard: where to start. */
  from: number[];
  /** By shard, inclusive; absent: up to the newest at the start. */
  to?: number[];
  watch?: Uint8Array | null;
  kindsMask?: number;
  /** Told of seqs that are not in the log. */
  onGap?: (shard: number, gap: LogGap) => void;
}

/** The tick at hand; the same object every time, its records are overwritten later. */
export interface MergedTick {
  shard: number;
  seq: number;
  records: Records;
  index: number;
}

class Cursor {
  readonly records = Records.allocate(BLOCK_TICKS);
  readonly seqs = new Float64Array(BLOCK_TICKS);
  index = 0;
  /** Running maximum of tsRecv. */
  s = 0;
  ns = 0;
  #count = 0;
  #next: number;
  readonly #last: number;

  constructor(
    readonly reader: LogReader,
    readonly shard: number,
    readonly options: MergeOptions,
  ) {
    this.#next = options.from[shard] ?? 1;
    this.#last = options.to?.[shard] ?? reader.bounds(options.epoch, shard).newest;
    this.index = -1;
  }

  /** Goes to the next tick; false at the end. */
  advance(): boolean {
    this.index++;
    while (this.index >= this.#count) {
      if (this.#next > this.#last) return false;
      const { epoch, watch, kindsMask, onGap } = this.options;
      const result = this.reader.read(
        {
          epoch,
          shard: this.shard,
          fromSeq: this.#next,
          toSeq: this.#last,
          maxTicks: BLOCK_TICKS,
          ...(watch === undefined ? {} : { watch }),
          ...(kindsMask === undefined ? {} : { kindsMask }),
        },
        this.records,
        this.seqs,
      );
      for (const gap of result.gaps) onGap?.(this.shard, gap);
      if (result.nextSeq === this.#next) return false;
      this.#next = result.nextSeq;
      this.#count = result.count;
      this.index = 0;
    }
    const w = this.index * RECORD_U32;
    const s = this.records.u32[w + U32_TS_RECV_S];
    const ns = this.records.u32[w + U32_TS_RECV_NS];
    if (s > this.s || (s === this.s && ns > this.ns)) {
      this.s = s;
      this.ns = ns;
    }
    return true;
  }
}

export function* mergeShards(reader: LogReader, options: MergeOptions): Generator<MergedTick> {
  const cursors = options.from
    .map((_, shard) => new Cursor(reader, shard, options))
    .filter((c) => c.advance());
  const tick: MergedTick = { shard: 0, seq: 0, records: Records.allocate(0), index: 0 };
  while (cursors.length > 0) {
    let first = 0;
    // Cursors stand in the order of their shards, so equal times fall to the lower shard.
    for (let c = 1; c < cursors.length; c++) {
      const a = cursors[c];
      const b = cursors[first];
      if (a.s < b.s || (a.s === b.s && a.ns < b.ns)) first = c;
    }
    const cursor = cursors[first];
    tick.shard = cursor.shard;
    tick.seq = cursor.seqs[cursor.index];
    tick.records = cursor.records;
    tick.index = cursor.index;
    yield tick;
    if (!cursor.advance()) cursors.splice(first, 1);
  }
}
