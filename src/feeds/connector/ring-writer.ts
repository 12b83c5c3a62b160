/** The raw rings of one feed, one a shard, and the words of the feed's cell that are committed with them. */
import { NAP_TICKS } from '../../core/limits.js';
import { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { FEED_WORDS, FeedWord, ShardWord } from '../../pipeline/memory/counters.js';
import { Doorbell } from '../../pipeline/memory/doorbell.js';
import type { EngineMemory } from '../../pipeline/memory/engine-memory.js';
import { failpoint } from '../../pipeline/memory/failpoint.js';
import { RingProducer } from '../../pipeline/memory/spsc-ring.js';

export class RingWriter {
  /** The feed's words as they will be committed next. */
  next: Float64Array;
  readonly rings: RingProducer[];
  readonly #cells: CommitCells;
  readonly #doorbells: Doorbell[];
  /** By shard: 1 = something was written since the last commit. */
  readonly #fresh: Uint8Array;

  constructor(memory: EngineMemory, feed: number, shardCells: CommitCells[]) {
    this.#cells = new CommitCells(memory.feedCells[feed], FEED_WORDS + memory.plan.feeds[feed].stateWords);
    this.next = this.#cells.prime();
    this.rings = memory.raw[feed].map(
      (slots, shard) =>
        new RingProducer(
          slots,
          { cells: this.#cells, word: FeedWord.heads + shard },
          { cells: shardCells[shard], word: ShardWord.tails + feed },
        ),
    );
    this.#doorbells = memory.shardCells.map((_, shard) => new Doorbell(memory.doorbells, shard));
    this.#fresh = new Uint8Array(this.rings.length);
  }

  /** The feed's words as the other stages see them. */
  get committed(): Float64Array {
    return this.#cells.current;
  }

  hasRoom(shard: number, want: number): boolean {
    return this.rings[shard].free(this.next[FeedWord.heads + shard], want) >= want;
  }

  /** The next slot of a shard's ring, which must have room. */
  claim(shard: number): number {
    const head = this.next[FeedWord.heads + shard];
    this.advance(shard, head + 1);
    failpoint();
    return this.rings[shard].slot(head);
  }

  /** Moves the head of a shard's ring on, past slots that were written. */
  advance(shard: number, head: number): void {
    this.next[FeedWord.heads + shard] = head;
    this.#fresh[shard] = 1;
  }

  /** Publishes everything since the last commit. */
  commit(): void {
    this.#cells.commit();
    this.next = this.#cells.prime();
    for (let shard = 0; shard < this.#fresh.length; shard++) {
      if (this.#fresh[shard] === 0) continue;
      this.#fresh[shard] = 0;
      this.#doorbells[shard].ring(this.#isUrgent(shard));
    }
  }

  #isUrgent(shard: number): boolean {
    const { capacity } = this.rings[shard].records;
    return !this.hasRoom(shard, capacity - Math.min(NAP_TICKS, capacity / 8));
  }

  /** Whether some ring is more than half full. */
  isCrowded(): boolean {
    return this.rings.some(({ records }, shard) => !this.hasRoom(shard, records.capacity / 2));
  }
}
