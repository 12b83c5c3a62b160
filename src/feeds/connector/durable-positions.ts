/** When a connector may acknowledge ticks to its source. */
import { FEED_SOURCES_MAX } from '../../core/limits.js';
import { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { FeedWord, LOG_WORDS, LogWord, ShardWord } from '../../pipeline/memory/counters.js';
import type { EngineMemory } from '../../pipeline/memory/engine-memory.js';

/**
 * Finds out what is durable. It notes how far the feed had written, waits until the shards have consumed
 * that much, notes how far they had numbered by then, and waits until the log holds that, or was left behind
 * without it (`log.onStall = shed`). One question is under way at a time; its answer covers every source of the feed.
 */
export class DurablePositions {
  readonly #log: CommitCells | undefined;
  readonly #heads: Float64Array;
  readonly #needed: Float64Array;
  /** By local source: whom it was asked of and answered for, as another may take the slot, and the position. */
  readonly #askedIds = new Float64Array(FEED_SOURCES_MAX);
  readonly #knownIds = new Float64Array(FEED_SOURCES_MAX);
  readonly #asked = new Float64Array(FEED_SOURCES_MAX);
  readonly #known = new Float64Array(FEED_SOURCES_MAX);
  readonly #words = new Float64Array(ShardWord.pendingList);
  #underWay = false;

  constructor(
    memory: EngineMemory,
    readonly feed: number,
    readonly shards: CommitCells[],
  ) {
    this.#log = memory.plan.log ? new CommitCells(memory.logCells, LOG_WORDS) : undefined;
    this.#heads = new Float64Array(shards.length);
    this.#needed = new Float64Array(shards.length);
  }

  position(committed: Float64Array, local: number, sourceId: number): number {
    if (!this.#underWay) this.#ask(committed);
    if (this.#isAnswered()) {
      this.#known.set(this.#asked);
      this.#knownIds.set(this.#askedIds);
      this.#underWay = false;
    }
    return this.#knownIds[local] === sourceId ? this.#known[local] : 0;
  }

  #ask(committed: Float64Array): void {
    for (let s = 0; s < this.#heads.length; s++) this.#heads[s] = committed[FeedWord.heads + s];
    for (let local = 0; local < FEED_SOURCES_MAX; local++) {
      if (committed[FeedWord.sourceIds + local] === 0) break;
      this.#askedIds[local] = committed[FeedWord.sourceIds + local];
      this.#asked[local] = committed[FeedWord.reached + local];
    }
    this.#needed.fill(-1);
    this.#underWay = true;
  }

  #isAnswered(): boolean {
    for (let s = 0; s < this.#heads.length; s++) {
      if (this.#needed[s] < 0) {
        const words = this.shards[s].readInto(this.#words);
        if (words[ShardWord.tails + this.feed] < this.#heads[s]) return false;
        this.#needed[s] = words[ShardWord.head];
      }
      if (this.#log !== undefined && settledOf(this.#log, s) < this.#needed[s]) return false;
    }
    return true;
  }
}

/** Seq up to which the log holds every tick of a shard durably, or never will. */
function settledOf(log: CommitCells, shard: number): number {
  return Math.max(log.read(LogWord.durable + shard), log.read(LogWord.settled + shard));
}
