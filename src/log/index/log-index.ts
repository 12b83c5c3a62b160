/** The index of the whole log: the indexes of each shard in each segment, in the order of seqs. */
import { INDEX_CACHE_BYTES } from '../../core/limits.js';
import { isBefore } from '../../core/time.js';
import type { TimeAt } from '../format/block-summary.js';
import type { BlockSummaryReader } from '../format/block-summary-reader.js';
import { type LogStore, lastSeqOfDamaged, rangeOf } from '../storage/log-store.js';
import { type SegmentRecord, segmentName } from '../storage/segment-record.js';
import { PageCache } from './page-cache.js';
import { type Holding, ShardIndex } from './shard-index.js';

/** The most indexes (of a shard in a segment) that are kept. */
const INDEXES_MAX = 256;

export class LogIndex {
  /** Counts pages and blocks read for lookups. */
  readonly pages = new PageCache(INDEX_CACHE_BYTES);
  /** Oldest use first. */
  readonly #indexes = new Map<string, ShardIndex>();

  constructor(
    readonly store: LogStore,
    readonly summaries: BlockSummaryReader,
  ) {}

  /** Undefined when the segment was removed meanwhile. */
  #of(record: SegmentRecord, epoch: number, shard: number): ShardIndex | undefined {
    const segment = this.store.open(record);
    if (segment === undefined) return undefined;
    const name = `${segmentName(record)} ${epoch} ${shard}`;
    let index = this.#indexes.get(name);
    index ??= new ShardIndex(name, segment, epoch, shard, this.pages, this.summaries, (key, block) =>
      lastSeqOfDamaged(this.store, key, block),
    );
    index.segment = segment;
    this.#indexes.delete(name);
    this.#indexes.set(name, index);
    for (const oldest of this.#indexes.keys()) {
      if (this.#indexes.size <= INDEXES_MAX) break;
      this.#indexes.delete(oldest);
    }
    return index;
  }

  /** First seq of the first block whose highest time is at or after the given time. */
  firstReaching(
    epoch: number,
    shard: number,
    at: typeof TimeAt.recvMax | typeof TimeAt.eventMax,
    s: number,
    ns: number,
  ): number | undefined {
    for (const record of this.store.segmentsOf(epoch, shard)) {
      const times = rangeOf(record, epoch, shard)?.times;
      if (times !== undefined && isBefore(times[at], times[at + 1], s, ns)) continue;
      const first = this.#of(record, epoch, shard)?.firstReaching(at, s, ns);
      if (first !== undefined) return first;
    }
    return undefined;
  }

  /** First seq of the first block that may have ticks of a symbol with the given symbolSeq or a later one. */
  symbolFrom(epoch: number, shard: number, symbolId: number, symbolSeq: number): number | undefined {
    for (const record of this.store.segmentsOf(epoch, shard)) {
      const first = this.#of(record, epoch, shard)?.symbolFrom(symbolId, symbolSeq);
      if (first !== undefined) return first;
    }
    return undefined;
  }

  /** The first block, from the one with `seq` on, that may have one of the symbols or follows missing seqs. */
  nextHolding(epoch: number, shard: number, seq: number, symbolIds: readonly number[]): Holding {
    let skipTo = seq;
    for (const record of this.store.segmentsOf(epoch, shard)) {
      if ((rangeOf(record, epoch, shard)?.last ?? skipTo) < skipTo) continue;
      const index = this.#of(record, epoch, shard);
      if (index === undefined) continue;
      const found = index.nextHolding(skipTo, symbolIds);
      if (found.block !== undefined) return found;
      skipTo = found.skipTo;
    }
    return { block: undefined, skipTo };
  }

  close(): void {
    this.#indexes.clear();
    this.pages.clear();
  }
}
