/**
 * Builds the index pages of one shard in one segment while its blocks are written. A page is in the transaction of its last
 * block or in a later one, so a page never covers missing blocks.
 */
import { INDEX_LEVELS } from '../../core/limits.js';
import { lastSeqOf } from '../format/block.js';
import { BlockSummary } from '../format/block-summary.js';
import type { BlockSummaryReader } from '../format/block-summary-reader.js';
import { blockKey, pageKey, parseKey } from '../format/keys.js';
import { blocksIn, type Segment } from '../storage/segments.js';
import { IndexPage } from './page.js';
import { PageBuilder } from './page-builder.js';

/** Writes a page. */
export type PutPage = (key: Buffer, page: Uint8Array) => void;

export class ShardIndexWriter {
  readonly #builders: PageBuilder[];
  readonly #summary = new BlockSummary();

  constructor(
    readonly epoch: number,
    readonly shard: number,
    readonly summaries: BlockSummaryReader,
  ) {
    this.#builders = Array.from({ length: INDEX_LEVELS }, (_, n) => new PageBuilder(n, epoch, shard));
  }

  /** Continues after the stored pages and blocks. */
  restore(segment: Segment, put: PutPage): void {
    const { epoch, shard } = this;
    let next = 0;
    for (let level = INDEX_LEVELS - 1; level >= 0; level--) {
      this.#builders[level].clear();
      next = Math.max(next, endOfPages(segment, level, epoch, shard));
      if (level === 0) break;
      for (const page of pagesFrom(segment, level - 1, epoch, shard, next)) {
        page.summaryInto(this.#summary);
        this.#add(level, this.#summary, put);
      }
    }
    for (const [key, block] of blocksIn(
      segment,
      blockKey(epoch, shard, next),
      blockKey(epoch, shard + 1, 0),
    )) {
      const isWhole = this.summaries.read(block, parseKey(key).firstSeq, this.#summary);
      if (!isWhole) this.#summary.lastSeq = lastSeqOf(parseKey(key).firstSeq, block);
      this.#add(0, this.#summary, put);
    }
  }

  /** Adds a block that will be written. */
  add(block: Uint8Array, firstSeq: number, put: PutPage): void {
    this.summaries.read(block, firstSeq, this.#summary);
    this.#add(0, this.#summary, put);
  }

  /** As `add`, for a block with a known summary. */
  addSummary(summary: BlockSummary, put: PutPage): void {
    this.#add(0, summary, put);
  }

  /** Writes all pending pages, full or not: no more block follows in this segment. */
  finish(put: PutPage): void {
    for (const builder of this.#builders) {
      // A page over a single page would add nothing.
      if (builder.count > (builder.level === 0 ? 0 : 1)) this.#write(builder, put);
      builder.clear();
    }
  }

  #add(level: number, summary: BlockSummary, put: PutPage): void {
    const builder = this.#builders[level];
    builder.add(summary);
    if (builder.isFull) this.#write(builder, put);
  }

  #write(builder: PageBuilder, put: PutPage): void {
    const page = builder.build();
    builder.clear();
    const above = builder.level + 1;
    const read = IndexPage.read(page)!;
    put(pageKey(builder.level, this.epoch, this.shard, read.firstSeq), page);
    if (above === INDEX_LEVELS) return;
    read.summaryInto(this.#summary);
    this.#add(above, this.#summary, put);
  }
}

/** The seq after the newest page of a level that is whole; 0 without any. */
function endOfPages(segment: Segment, level: number, epoch: number, shard: number): number {
  const range = {
    start: pageKey(level, epoch, shard, Number.MAX_SAFE_INTEGER),
    end: pageKey(level, epoch, shard, 0),
    reverse: true,
    snapshot: false,
  } as const;
  for (const { value } of segment.blocks.getRange(range)) {
    const page = IndexPage.read(value);
    if (page !== undefined) return page.lastSeq + 1;
  }
  return 0;
}

/** The pages of a level that are whole, from a seq on. */
function* pagesFrom(
  segment: Segment,
  level: number,
  epoch: number,
  shard: number,
  from: number,
): Generator<IndexPage> {
  const range = { start: pageKey(level, epoch, shard, from), end: pageKey(level, epoch, shard + 1, 0) };
  for (const key of Array.from(segment.blocks.getKeys({ ...range, snapshot: false }))) {
    const bytes = segment.blocks.get(key);
    const page = bytes === undefined ? undefined : IndexPage.read(bytes);
    if (page !== undefined && page.firstSeq === parseKey(key).firstSeq) yield page;
  }
}

/**
 * Removes the pages that cover a seq or later ones, as their blocks were removed. Resolves when this is visible.
 */
export async function removePagesFrom(
  segment: Segment,
  epoch: number,
  shard: number,
  seq: number,
): Promise<void> {
  for (let level = 0; level < INDEX_LEVELS; level++) {
    const range = { start: pageKey(level, epoch, shard, 0), end: pageKey(level, epoch, shard + 1, 0) };
    const entries = Array.from(segment.blocks.getRange({ ...range, snapshot: false }));
    for (const { key, value } of entries) {
      const page = IndexPage.read(value);
      if (page === undefined || page.lastSeq >= seq) await segment.blocks.remove(key);
    }
  }
}
