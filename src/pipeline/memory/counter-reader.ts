/** Reads the counters of all stages from shared memory: `counters.ts` has their words, and the sums that they satisfy. */
import { CommitCells } from './commit-cells.js';
import {
  FEED_WORDS,
  FeedWord,
  LOG_WORDS,
  LogWord,
  REJECT_REASONS,
  type RejectReason,
  SHARD_WORDS,
  ShardWord,
} from './counters.js';
import type { EngineMemory } from './engine-memory.js';

/** One reading of all counters. */
export interface Totals {
  received: number;
  split: number;
  generated: number;
  rejected: number;
  rejectedBy: Record<RejectReason, number>;
  duplicate: number;
  conflated: number;
  dropped: number;
  pendingOneSided: number;
  inFlight: number;
  sequenced: number;
  logged: number;
  shed: number;
  crossed: number;
  locked: number;
  late: number;
  suspicious: number;
}

export interface FeedTotals {
  feed: string;
  received: number;
  duplicate: number;
  rejected: number;
  dropped: number;
  conflated: number;
  /** Records in its raw rings and beside them. */
  inFlight: number;
}

/** Reads every counter. Exact once the stages are at rest; while they run, `inFlight` may lag the others. */
export class CounterReader {
  readonly #feeds: CommitCells[];
  readonly #shards: CommitCells[];
  readonly #log: CommitCells;

  constructor(readonly memory: EngineMemory) {
    this.#feeds = memory.feedCells.map(
      (m, i) => new CommitCells(m, FEED_WORDS + memory.plan.feeds[i].stateWords),
    );
    this.#shards = memory.shardCells.map((m) => new CommitCells(m, SHARD_WORDS));
    this.#log = new CommitCells(memory.logCells, LOG_WORDS);
  }

  /** Last numbered seq of a shard. */
  head(shard: number): number {
    return this.#shards[shard].read(ShardWord.head);
  }

  visible(shard: number): number {
    return this.#log.read(LogWord.visible + shard);
  }

  durable(shard: number): number {
    return this.#log.read(LogWord.durable + shard);
  }

  log(word: number): number {
    return this.#log.read(word);
  }

  /** Records waiting in the raw ring of a feed and shard. */
  rawDepth(feed: number, shard: number): number {
    const tail = this.#shards[shard].read(ShardWord.tails + feed);
    return Math.max(0, this.#feeds[feed].read(FeedWord.heads + shard) - tail);
  }

  feed(index: number): FeedTotals {
    const words = this.#feeds[index].readInto(new Float64Array(FeedWord.sourceIds));
    let inFlight = words[FeedWord.conflating];
    for (let s = 0; s < this.memory.plan.shards; s++) inFlight += this.rawDepth(index, s);
    return {
      feed: this.memory.plan.feeds[index].name,
      received: words[FeedWord.received],
      duplicate: words[FeedWord.duplicate],
      rejected: sum(words, FeedWord.rejected, REJECT_REASONS.length),
      dropped: words[FeedWord.dropped],
      conflated: words[FeedWord.conflated],
      inFlight,
    };
  }

  totals(): Totals {
    const t: Totals = {
      received: 0,
      split: 0,
      generated: 0,
      rejected: 0,
      rejectedBy: Object.fromEntries(REJECT_REASONS.map((r) => [r, 0])) as Record<RejectReason, number>,
      duplicate: 0,
      conflated: 0,
      dropped: 0,
      pendingOneSided: 0,
      inFlight: 0,
      sequenced: 0,
      logged: 0,
      shed: 0,
      crossed: 0,
      locked: 0,
      late: 0,
      suspicious: 0,
    };
    const shards = this.#shards.map((cells) => cells.readInto(new Float64Array(ShardWord.pendingList)));
    for (const words of shards) {
      t.generated += words[ShardWord.generated];
      t.conflated += words[ShardWord.conflated];
      t.pendingOneSided += words[ShardWord.pendingOneSided];
      t.sequenced += words[ShardWord.head];
      t.crossed += words[ShardWord.crossed];
      t.locked += words[ShardWord.locked];
      t.late += words[ShardWord.late];
      t.suspicious += words[ShardWord.suspicious];
      addRejected(t, words, ShardWord.rejected);
    }
    this.#feeds.forEach((cells, f) => {
      const words = cells.readInto(new Float64Array(FeedWord.sourceIds));
      t.received += words[FeedWord.received];
      t.duplicate += words[FeedWord.duplicate];
      t.split += words[FeedWord.split];
      t.generated += words[FeedWord.generated];
      t.conflated += words[FeedWord.conflated];
      t.dropped += words[FeedWord.dropped];
      t.inFlight += words[FeedWord.conflating];
      addRejected(t, words, FeedWord.rejected);
      shards.forEach((shard, s) => {
        t.inFlight += words[FeedWord.heads + s] - shard[ShardWord.tails + f];
      });
    });
    for (let s = 0; s < this.memory.plan.shards; s++) {
      t.logged += this.#log.read(LogWord.logged + s);
      t.shed += this.#log.read(LogWord.shed + s);
    }
    return t;
  }
}

function sum(words: Float64Array, from: number, count: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += words[from + i];
  return total;
}

function addRejected(t: Totals, words: Float64Array, from: number): void {
  REJECT_REASONS.forEach((reason, i) => {
    t.rejectedBy[reason] += words[from + i];
    t.rejected += words[from + i];
  });
}
