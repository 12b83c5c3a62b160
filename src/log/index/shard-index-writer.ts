/**
 * Makes the index pages of one shard in one segment as its blocks are written. A page goes into the transaction of its last
 * block, or a later one: so a page never tells of blocks that are not there.
 */
import { INDEX_LEVELS } from '../../core/limits.js';
import { lastSeqOf } from '../format/block.js';
import type { BlockExtents } from '../format/block-extent.js';
import { Extent } from '../format/extent.js';
import { blockKey, pageKey, parseKey } from '../format/keys.js';
import { blocksIn, type Segment } from '../storage/segments.js';
import { IndexPage } from './page.js';
import { PageBuilder } from './page-builder.js';

/** What a page is written by. */
export type PutPage = (key: Buffer, page: Uint8Array) => void;

export class ShardIndexWriter {
  readonly #builders: PageBuilder[];
  readonly #extent = new Extent();

  constructor(
    readonly epoch: number,
    readonly shard: number,
    readonly extents: BlockExtents,
  ) {
    this.#builders = Array.from({ length: INDEX_LEVELS }, (_, n) => new PageBuilder(n, epoch, shard));
  }

  /** Takes up where the pages and blocks that are kept end. */
  restore(segment: Segment, put: PutPage): void {
    const { epoch, shard } = this;
    let next = 0;
    for (let level = INDEX_LEVELS - 1; level >= 0; level--) {
      this.#builders[level].clear();
      next = Math.max(next, endOfPages(segment, level, epoch, shard));
      if (level === 0) break;
      for (const page of pagesFrom(segment, level - 1, epoch, shard, next)) {
        page.extentInto(this.#extent);
        this.#add(level, this.#extent, put);
      }
    }
    for (const [key, block] of blocksIn(
      segment,
      blockKey(epoch, shard, next),
      blockKey(epoch, shard + 1, 0),
    )) {
      const isWhole = this.extents.read(block, parseKey(key).firstSeq, this.#extent);
      if (!isWhole) this.#extent.lastSeq = lastSeqOf(parseKey(key).firstSeq, block);
      this.#add(0, this.#extent, put);
    }
  }

  /** Takes in a block that is about to be written. */
  add(block: Uint8Array, firstSeq: number, put: PutPage): void {
    this.extents.read(block, firstSeq, this.#extent);
    this.#add(0, this.#extent, put);
  }

  /** The same, of one whose extent is known. */
  addExtent(extent: Extent, put: PutPage): void {
    this.#add(0, extent, put);
  }

  /** Writes what there is as pages, full or not: no block follows, or not in this segment. */
  finish(put: PutPage): void {
    for (const builder of this.#builders) {
      // A page over a single one would tell nothing new.
      if (builder.count > (builder.level === 0 ? 0 : 1)) this.#write(builder, put);
      builder.clear();
    }
  }

  #add(level: number, extent: Extent, put: PutPage): void {
    const builder = this.#builders[level];
    builder.add(extent);
    if (builder.isFull) this.#write(builder, put);
  }

  #write(builder: PageBuilder, put: PutPage): void {
    const page = builder.build();
    builder.clear();
    const above = builder.level + 1;
    const read = IndexPage.read(page)!;
    put(pageKey(builder.level, this.epoch, this.shard, read.firstSeq), page);
    if (above === INDEX_LEVELS) return;
    read.extentInto(this.#extent);
    this.#add(above, this.#extent, put);
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
 * Removes the pages that tell of a seq or later ones: their blocks were removed. Resolves when it is visible.
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
