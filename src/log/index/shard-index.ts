/**
 * Reads the index of one shard of one epoch in one segment.
 *
 * ```
 *  level 1  [────────── page ──────────]
 *  level 0  [page][page] …       [page] [page][page]
 *  blocks   ▪▪▪▪▪▪▪▪▪▪▪▪ …   ▪▪▪▪▪▪▪▪▪▪ ▪▪▪▪▪▪▪▪▪▪▪▪ ▪▪▪
 *            └───── a page of level 1 ─────┘└ two roots ┘└ tail: not in any page yet
 * ```
 *
 * Pages with no page above them are the roots; the writer adds them from left to right. Pages are derived: where
 * one is missing or damaged, the level below takes its place, and below level 0 a page made here from the blocks.
 */
import { INDEX_CACHE_BYTES, INDEX_LEVELS } from '../../core/limits.js';
import { lastSeqOf } from '../format/block.js';
import { ahead, BlockSummary, type TimeAt, widenTimes } from '../format/block-summary.js';
import type { BlockSummaryReader } from '../format/block-summary-reader.js';
import { blockKey, pageKey, parseKey } from '../format/keys.js';
import { blocksIn, type Segment } from '../storage/segments.js';
import { IndexPage, reaches } from './page.js';
import { PageBuilder } from './page-builder.js';
import { PageCache } from './page-cache.js';

/** The next block that may have a wanted symbol. */
export interface Holding {
  /** First seq of the block; undefined when none follows. */
  block: number | undefined;
  /** No tick below this seq is missing, and none is wanted. */
  skipTo: number;
}

interface Root {
  level: number;
  firstSeq: number;
  lastSeq: number;
  /** Built here from blocks that are in no stored page. */
  isMade: boolean;
}

/** The result of a lookup when the page, or one below it, is damaged. */
const DAMAGED = Symbol('damaged');
type Look<T> = T | undefined | typeof DAMAGED;

export class ShardIndex {
  #roots: Root[] = [];
  /** Everything below is covered by the roots. */
  #rootsEnd = 0;
  /** The newest page of each level when the roots were looked up. */
  #newest = '';
  readonly #tail: PageBuilder;
  #tailPage: IndexPage | undefined;
  readonly #summary = new BlockSummary();
  /** Of `nextHolding`: by page, what holds the symbols it was last asked for. */
  #masks = new WeakMap<IndexPage, Uint8Array>();
  #masksOf = '';

  constructor(
    /** Tells its pages apart from others in the cache. */
    readonly name: string,
    /** May be closed between two lookups; then the reopened segment replaces it. */
    public segment: Segment,
    readonly epoch: number,
    readonly shard: number,
    readonly cache: PageCache,
    readonly summaries: BlockSummaryReader,
    /** Last seq of a damaged block. */
    readonly endOfDamaged: (key: Uint8Array, block: Buffer) => number,
  ) {
    this.#tail = new PageBuilder(0, epoch, shard);
  }

  /** Lowest and highest times of all blocks, into `into`; see `TimeAt`. */
  totals(into: Uint32Array): void {
    this.#lookup(0, (page) => widenTimes(into, 0, page.totals, 0));
  }

  /** First seq of the first block whose highest time is at or after the given time. */
  firstReaching(
    at: typeof TimeAt.recvMax | typeof TimeAt.eventMax,
    s: number,
    ns: number,
  ): number | undefined {
    const look = (page: IndexPage): Look<number> => {
      if (!reaches(page.totals, at, s, ns)) return undefined;
      const i = page.firstReaching(at, s, ns);
      return page.level === 0 ? page.firstSeqs[i] : this.#below(page, i, look);
    };
    return this.#lookup(0, look);
  }

  /** First seq of the first block that may have ticks of a symbol with the given symbolSeq or a later one. */
  symbolFrom(symbolId: number, symbolSeq: number): number | undefined {
    const look = (page: IndexPage): Look<number> => {
      const k = page.symbols.find(symbolId);
      if (k < 0 || ahead(page.symbols.lasts[k], symbolSeq) < 0) return undefined;
      // The last child that does not begin behind it; a page may end before it, and then the next one has it.
      let best = -1;
      let after = -1;
      const isWhole = page.places(k, (child, first) => {
        if (best < 0 || ahead(first, symbolSeq) <= 0) best = child;
        else if (after < 0) after = child;
      });
      if (!isWhole) return DAMAGED;
      if (page.level === 0) return page.firstSeqs[best];
      const found = this.#below(page, best, look);
      return found === undefined && after >= 0 ? this.#below(page, after, look) : found;
    };
    return this.#lookup(0, look);
  }

  /** The first block, from the one with `seq` on, that may have one of the symbols or follows missing seqs. */
  nextHolding(seq: number, symbolIds: readonly number[]): Holding {
    const name = symbolIds.join();
    if (name !== this.#masksOf) {
      this.#masksOf = name;
      this.#masks = new WeakMap();
    }
    let skipTo = seq;
    const look = (page: IndexPage): Look<number> => {
      const mask = this.#masks.get(page) ?? page.holding(symbolIds);
      if (mask === undefined) return DAMAGED;
      this.#masks.set(page, mask);
      for (let i = page.childAt(skipTo); i < page.children; i++) {
        if (page.firstSeqs[i] > skipTo) return page.firstSeqs[i];
        if (mask[i] === 1) {
          if (page.level === 0) return page.firstSeqs[i];
          const found = this.#below(page, i, look);
          if (found !== undefined) return found;
        }
        skipTo = page.lastSeqs[i] + 1;
      }
      return undefined;
    };
    const block = this.#lookup(seq, look);
    return { block, skipTo };
  }

  /** The first result of `look`, in the roots that reach `seq` and then in the tail. */
  #lookup<T>(seq: number, look: (page: IndexPage) => Look<T>): T | undefined {
    this.#refresh();
    for (let i = 0; ; ) {
      const root = this.#roots[i] as Root | undefined;
      if (root === undefined) {
        const tail = this.#readTail();
        // So many blocks were in no page that some became roots.
        if (i < this.#roots.length) continue;
        return tail === undefined ? undefined : (look(tail) as T | undefined);
      }
      const page = root.lastSeq < seq ? undefined : this.#pageOf(root);
      const found = root.lastSeq < seq ? undefined : page === undefined ? DAMAGED : look(page);
      if (found === DAMAGED) this.#replace(i);
      else if (found !== undefined) return found;
      else i++;
    }
  }

  /** Replaces a damaged root by the pages below it, or by nothing when its blocks are gone. */
  #replace(i: number): void {
    const { level, firstSeq, lastSeq, isMade } = this.#roots[i];
    this.#roots.splice(i, 1, ...(isMade ? [] : this.#cover(level - 1, firstSeq, lastSeq + 1)));
  }

  #below<T>(page: IndexPage, i: number, look: (page: IndexPage) => Look<T>): Look<T> {
    const child = this.#load(page.level - 1, page.firstSeqs[i]);
    return child === undefined || child.lastSeq !== page.lastSeqs[i] ? DAMAGED : look(child);
  }

  /** A stored page; undefined when it is missing or damaged. */
  #load(level: number, firstSeq: number): IndexPage | undefined {
    const name = `${this.name} ${level} ${firstSeq}`;
    const known = this.cache.get(name);
    if (known !== undefined) return known;
    const bytes = this.segment.blocks.get(pageKey(level, this.epoch, this.shard, firstSeq));
    if (bytes === undefined) return undefined;
    this.cache.pagesRead++;
    const page = IndexPage.read(bytes);
    const isIt =
      page?.level === level &&
      page.epoch === this.epoch &&
      page.shard === this.shard &&
      page.firstSeq === firstSeq;
    if (page === undefined || !isIt) return undefined;
    this.cache.set(name, page);
    return page;
  }

  #pageOf(root: Root): IndexPage | undefined {
    if (!root.isMade) return this.#load(root.level, root.firstSeq);
    const name = `${this.name} made ${root.firstSeq} ${root.lastSeq}`;
    const known = this.cache.get(name);
    if (known !== undefined) return known;
    const builder = new PageBuilder(0, this.epoch, this.shard);
    for (const summary of this.#blocks(root.firstSeq, root.lastSeq + 1)) {
      if (!builder.isFull) builder.add(summary);
    }
    if (builder.count === 0) return undefined;
    const page = IndexPage.read(builder.build())!;
    this.cache.set(name, page);
    return page;
  }

  /** Adds pages that were written since the last lookup. */
  #refresh(): void {
    const newest: (number | undefined)[] = [];
    for (let level = 0; level < INDEX_LEVELS; level++) newest.push(this.#pagesBefore(level).next().value);
    const name = newest.join();
    if (name === this.#newest) return;
    this.#newest = name;
    let end = 0;
    for (let level = 0; level < INDEX_LEVELS; level++) {
      for (const firstSeq of this.#pagesBefore(level)) {
        const page = this.#load(level, firstSeq);
        if (page === undefined) continue;
        end = Math.max(end, page.lastSeq + 1);
        break;
      }
    }
    this.#roots = [...this.#cover(INDEX_LEVELS - 1, 0, end)];
    this.#rootsEnd = end;
    this.#tail.clear();
    this.#tailPage = undefined;
  }

  /** First seqs of the pages of a level, the newest first. */
  *#pagesBefore(level: number): Generator<number, undefined> {
    for (let below = Number.MAX_SAFE_INTEGER; ; ) {
      const range = {
        start: pageKey(level, this.epoch, this.shard, below),
        end: pageKey(level, this.epoch, this.shard, 0),
        reverse: true,
        limit: 1,
        snapshot: false,
      } as const;
      const key = Array.from(this.segment.blocks.getKeys(range))[0];
      if (key === undefined) return undefined;
      const { firstSeq } = parseKey(key);
      yield firstSeq;
      if (firstSeq === 0) return undefined;
      below = firstSeq - 1;
    }
  }

  /** Roots for the seqs from `from` on and below `to`, of this level or, where it has none, of those below. */
  #cover(level: number, from: number, to: number): Root[] {
    if (from >= to) return [];
    if (level < 0) return this.#make(from, to);
    const roots: Root[] = [];
    const range = {
      start: pageKey(level, this.epoch, this.shard, from),
      end: pageKey(level, this.epoch, this.shard, to),
      snapshot: false,
    } as const;
    let next = from;
    for (const key of Array.from(this.segment.blocks.getKeys(range))) {
      const { firstSeq } = parseKey(key);
      const page = firstSeq < next ? undefined : this.#load(level, firstSeq);
      if (page === undefined || page.lastSeq >= to) continue;
      roots.push(...this.#cover(level - 1, next, firstSeq));
      roots.push({ level, firstSeq, lastSeq: page.lastSeq, isMade: false });
      next = page.lastSeq + 1;
    }
    roots.push(...this.#cover(level - 1, next, to));
    return roots;
  }

  /** Roots that are built from blocks. */
  #make(from: number, to: number): Root[] {
    const roots: Root[] = [];
    const builder = new PageBuilder(0, this.epoch, this.shard);
    for (const summary of this.#blocks(from, to)) {
      builder.add(summary);
      if (builder.isFull) roots.push(this.#made(builder));
    }
    if (builder.count > 0) roots.push(this.#made(builder));
    return roots;
  }

  /** Caches the builder's content as a page; if the cache drops the page, it is built again. */
  #made(builder: PageBuilder): Root {
    const page = IndexPage.read(builder.build())!;
    builder.clear();
    const { firstSeq, lastSeq } = page;
    this.cache.set(`${this.name} made ${firstSeq} ${lastSeq}`, page);
    return { level: 0, firstSeq, lastSeq, isMade: true };
  }

  /** A page over the blocks that are in no page yet; undefined when there are none. */
  #readTail(): IndexPage | undefined {
    const from = this.#tail.count === 0 ? this.#rootsEnd : this.#tail.nextSeq;
    for (const summary of this.#blocks(from, Number.MAX_SAFE_INTEGER)) {
      this.#tailPage = undefined;
      this.#tail.add(summary);
      if (!this.#tail.isFull) continue;
      const root = this.#made(this.#tail);
      this.#roots.push(root);
      this.#rootsEnd = root.lastSeq + 1;
    }
    if (this.#tail.count === 0) return undefined;
    this.#tailPage ??= IndexPage.read(this.#tail.build())!;
    return this.#tailPage;
  }

  /** The summaries of the blocks with a first seq from `from` on and below `to`; the summary is reused. */
  *#blocks(from: number, to: number): Generator<BlockSummary> {
    const { epoch, shard } = this;
    for (const [key, block] of blocksIn(
      this.segment,
      blockKey(epoch, shard, from),
      blockKey(epoch, shard, to),
    )) {
      this.cache.blocksRead++;
      const { firstSeq } = parseKey(key);
      const isWhole = this.summaries.read(block, firstSeq, this.#summary);
      if (!isWhole) this.#summary.lastSeq = this.endOfDamaged(key, block);
      yield this.#summary;
    }
  }
}

/** Lowest and highest times of a shard's blocks in a segment; see `TimeAt`. */
export function timesOf(
  segment: Segment,
  epoch: number,
  shard: number,
  summaries: BlockSummaryReader,
): number[] {
  const cache = new PageCache(INDEX_CACHE_BYTES);
  const index = new ShardIndex('', segment, epoch, shard, cache, summaries, (key, block) =>
    lastSeqOf(parseKey(key).firstSeq, block),
  );
  const all = new BlockSummary();
  all.clear();
  index.totals(all.times);
  return Array.from(all.times);
}
