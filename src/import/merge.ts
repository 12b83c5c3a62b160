/** Merges runs by time, and at equal times by their index in the list. A run is open only while it is needed. */

import { RECORD_U32, type Records, U32_TS_EVENT_NS, U32_TS_EVENT_S } from '../core/tick.js';
import type { BlockCodec } from '../log/format/block-codec.js';
import { type RunInfo, RunReader } from './spool.js';

interface Source {
  info: RunInfo;
  /** Index in the list. */
  rank: number;
  reader: RunReader | undefined;
  s: number;
  ns: number;
}

export class RunMerge {
  // The current tick, after `next` has returned true.
  records!: Records;
  index = 0;
  /** Index of its run in the list. */
  rank = 0;
  /** Runs that have ticks left, as a heap: the first is the next. */
  readonly #heap: Source[] = [];
  #isTaken = false;

  constructor(
    runs: readonly RunInfo[],
    readonly codec: BlockCodec,
  ) {
    runs.forEach((info, rank) => {
      if (info.ticks === 0) return;
      this.#heap.push({ info, rank, reader: undefined, s: info.fromS, ns: info.fromNs });
    });
    for (let i = (this.#heap.length >> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  next(): boolean {
    if (this.#isTaken) this.#pass();
    const first = this.#heap[0];
    if (first === undefined) return false;
    first.reader ??= new RunReader(first.info, this.codec);
    this.records = first.reader.records;
    this.index = first.reader.at;
    this.rank = first.rank;
    this.#isTaken = true;
    return true;
  }

  /** Advances the run of the current tick. */
  #pass(): void {
    this.#isTaken = false;
    const first = this.#heap[0];
    const reader = first.reader!;
    reader.advance();
    if (reader.isOver) {
      reader.close();
      const last = this.#heap.pop()!;
      if (this.#heap.length === 0) return;
      this.#heap[0] = last === first ? this.#heap[0] : last;
    } else {
      const w = reader.at * RECORD_U32;
      first.s = reader.records.u32[w + U32_TS_EVENT_S];
      first.ns = reader.records.u32[w + U32_TS_EVENT_NS];
    }
    this.#sink(0);
  }

  #sink(from: number): void {
    const heap = this.#heap;
    for (let i = from; ; ) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && isBefore(heap[child], heap[least])) least = child;
      }
      if (least === i) return;
      [heap[i], heap[least]] = [heap[least], heap[i]];
      i = least;
    }
  }

  close(): void {
    for (const { reader } of this.#heap) reader?.close();
    this.#heap.length = 0;
  }
}

function isBefore(a: Source, b: Source): boolean {
  return (a.s - b.s || a.ns - b.ns || a.rank - b.rank) < 0;
}
