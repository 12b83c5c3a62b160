/** The segments that retention must keep for one reader. */
import type { LogStore } from '../storage/log-store.js';
import { Lease } from '../storage/reader-lease.js';
import type { SegmentRange, SegmentRecord } from '../storage/segment-record.js';
import { IMPORTS_FROM } from '../storage/segments.js';

export class SegmentHold {
  #held: readonly SegmentRecord[] = [];
  #lease: Lease | undefined;

  constructor(readonly store: LogStore) {}

  /** @param warn gets a sentence when this process may not write to the data folder */
  take(warn: (message: string) => void): void {
    const { dataFolder } = this.store;
    this.store.refresh();
    this.#held = this.store.segments();
    this.#lease ??= Lease.take(
      dataFolder,
      this.#held.map((r) => r.number),
    );
    if (this.#lease === undefined) {
      warn(
        `This process may not write to ${dataFolder}, so it cannot hold what it reads: retention may remove ` +
          'ticks before they are read, which then read as a gap.',
      );
    }
    // Segments that were removed while the lease was written are gone.
    this.store.refresh();
  }

  /** Releases the segments whose ticks are all before a position; see `LogReader.letGo`. */
  letGo(epoch: number, seqs: readonly number[], imports: ReadonlyMap<number, number>): void {
    const isPassed = (r: SegmentRange) => {
      if (r.epoch >= IMPORTS_FROM) return r.last < (imports.get(r.epoch) ?? Number.POSITIVE_INFINITY);
      return r.epoch < epoch || (r.epoch === epoch && r.last < (seqs[r.shard] ?? 0));
    };
    // A segment that was open then may be closed now.
    const now = new Map(this.store.segments().map((record) => [record.number, record]));
    const kept = this.#held.filter(({ number }) => {
      const record = now.get(number);
      return record !== undefined && record.ranges?.every(isPassed) !== true;
    });
    if (kept.length === this.#held.length) return;
    this.#held = kept;
    this.#lease?.hold(kept.map((r) => r.number));
  }

  release(): void {
    this.#lease?.release();
  }
}
