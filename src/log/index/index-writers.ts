/** Builds the index pages of all shards for the log stage, into its batches. */

import { BlockSummary } from '../format/block-summary.js';
import type { BlockSummaryReader } from '../format/block-summary-reader.js';
import type { Put } from '../lmdb/transaction.js';
import type { CommitBatch } from '../storage/commit-batch.js';
import type { Segment } from '../storage/segments.js';
import { type PutPage, ShardIndexWriter } from './shard-index-writer.js';

export class IndexWriters {
  /** By shard, for the segment of the batch that is filled. */
  #writers: (ShardIndexWriter | undefined)[] = [];
  /** Whether the segment may hold blocks that were not added here. */
  #isRestored = true;
  readonly #summary = new BlockSummary();

  /** @param segment the one that is written; undefined before the first, which blocks begin */
  constructor(
    readonly epoch: number,
    readonly summaries: BlockSummaryReader,
    readonly segment: () => Segment | undefined,
  ) {}

  /** Adds a block of the batch, and puts the pages that it fills into the batch too. */
  add(block: Uint8Array, shard: number, firstSeq: number, batch: CommitBatch): void {
    const put = into(batch.puts);
    this.#writer(shard, put).add(block, firstSeq, put);
  }

  /** As `add`, for a block of `count` ticks that the codec has just encoded. */
  addEncoded(block: Uint8Array, shard: number, firstSeq: number, count: number, batch: CommitBatch): void {
    const put = into(batch.puts);
    // This must precede the restoring of a writer, which may use the codec.
    this.summaries.readEncoded(block, firstSeq, count, this.#summary);
    this.#writer(shard, put).addSummary(this.#summary, put);
  }

  #writer(shard: number, put: PutPage): ShardIndexWriter {
    let writer = this.#writers[shard];
    if (writer === undefined) {
      writer = new ShardIndexWriter(this.epoch, shard, this.summaries);
      const segment = this.#isRestored ? this.segment() : undefined;
      if (segment !== undefined) writer.restore(segment, put);
      this.#writers[shard] = writer;
    }
    return writer;
  }

  /** The last pages of a segment. Blocks that are added later belong to the next segment. */
  finish(): Put[] {
    const puts: Put[] = [];
    for (const writer of this.#writers) writer?.finish(into(puts));
    this.#writers = [];
    this.#isRestored = false;
    return puts;
  }

  /** Discards all blocks that were added and not committed. No commit may be under way. */
  forget(): void {
    this.#writers = [];
    this.#isRestored = true;
  }
}

function into(puts: Put[]): PutPage {
  return (key, value) => puts.push({ key, value, isNew: false });
}
