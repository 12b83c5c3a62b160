/** The index pages of all shards, as the log stage makes them: into which batch, and for which segment. */

import type { BlockExtents } from '../format/block-extent.js';
import { Extent } from '../format/extent.js';
import type { Put } from '../lmdb/transaction.js';
import type { CommitBatch } from '../storage/commit-batch.js';
import type { Segment } from '../storage/segments.js';
import { type PutPage, ShardIndexWriter } from './shard-index-writer.js';

export class IndexWriters {
  /** By shard, of the segment that the filling batch goes to. */
  #writers: (ShardIndexWriter | undefined)[] = [];
  /** Whether the segment may hold blocks that were not added here. */
  #isRestored = true;
  readonly #extent = new Extent();

  /** @param segment the one that is written; undefined before the first, which blocks begin */
  constructor(
    readonly epoch: number,
    readonly extents: BlockExtents,
    readonly segment: () => Segment | undefined,
  ) {}

  /** Takes in a block that joins the batch; pages that it fills join it too. */
  add(block: Uint8Array, shard: number, firstSeq: number, batch: CommitBatch): void {
    const put = into(batch.puts);
    this.#writer(shard, put).add(block, firstSeq, put);
  }

  /** The same of a block of `count` ticks that the codec has just made. */
  addMade(block: Uint8Array, shard: number, firstSeq: number, count: number, batch: CommitBatch): void {
    const put = into(batch.puts);
    // Before a writer is restored, which may use the codec.
    this.extents.readMade(block, firstSeq, count, this.#extent);
    this.#writer(shard, put).addExtent(this.#extent, put);
  }

  #writer(shard: number, put: PutPage): ShardIndexWriter {
    let writer = this.#writers[shard];
    if (writer === undefined) {
      writer = new ShardIndexWriter(this.epoch, shard, this.extents);
      const segment = this.#isRestored ? this.segment() : undefined;
      if (segment !== undefined) writer.restore(segment, put);
      this.#writers[shard] = writer;
    }
    return writer;
  }

  /** The last pages of a segment; what is added from now on goes to the next one. */
  finish(): Put[] {
    const puts: Put[] = [];
    for (const writer of this.#writers) writer?.finish(into(puts));
    this.#writers = [];
    this.#isRestored = false;
    return puts;
  }

  /** What was added and not committed is given up: nothing is under way. */
  forget(): void {
    this.#writers = [];
    this.#isRestored = true;
  }
}

function into(puts: Put[]): PutPage {
  return (key, value) => puts.push({ key, value, isNew: false });
}
