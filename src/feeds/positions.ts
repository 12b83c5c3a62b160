/**
 * How far each source of a feed has come: what tells a tick that is new from one that is sent again, and
 * what may be acknowledged.
 */
import { TickwireError } from '../errors.js';
import { BUCKETS, FEED_SOURCES_MAX } from '../limits.js';
import type { CommitCells } from '../pipeline/cells.js';
import { FeedWord } from '../pipeline/counters.js';
import type { EngineMemory } from '../pipeline/memory.js';
import type { Registry } from '../pipeline/registry.js';
import { Acknowledger } from './acknowledger.js';
import type { Outlet } from './outlet.js';

/** One stream of ticks within a feed: a terminal, a file, a session with a venue. */
export interface Source {
  /** The u16 that records carry. */
  readonly id: number;
  /** Index among the sources that this feed has opened in this run. */
  readonly local: number;
  readonly name: string;
  /** Added to a resumable stream's own tick counts, so that positions of one source only ever grow. */
  readonly base: number;
}

/** Positions are kept in half ticks: a tick that was split counts one for its quote and one for its trade. */
export const HALVES = 2;

/** Where a source's position in a bucket stands among the feed's words. */
export function positionWord(source: Source, bucket: number): number {
  return FeedWord.positions + source.local * BUCKETS + bucket;
}

export class Positions {
  readonly #acks: Acknowledger;

  constructor(
    readonly memory: EngineMemory,
    feed: number,
    readonly registry: Registry,
    readonly outlet: Outlet,
    shardCells: CommitCells[],
  ) {
    this.#acks = new Acknowledger(memory, feed, shardCells);
  }

  /** Opens a source, or finds it again with the position that it had. */
  open(feedName: string, name: string, stream?: string, info?: Record<string, string | number>): Source {
    const known = this.registry.sources.find((s) => s?.feed === feedName && s.name === name);
    const sameStream = known !== undefined && known.stream === stream;
    let base = 0;
    if (stream !== undefined && known !== undefined) {
      base = sameStream ? (known.base ?? 0) : this.#highest(known.id);
    }
    const entry = this.registry.defineSource({
      feed: feedName,
      name,
      ...(stream === undefined ? {} : { stream, base }),
      ...(info === undefined ? {} : { info }),
    });
    return { id: entry.id, local: this.#localOf(entry.id), name, base };
  }

  /** Whether everything of a source up to `position` was offered in this run. */
  isReached(source: Source, position: number): boolean {
    return position <= this.outlet.next[FeedWord.reached + source.local];
  }

  /** Notes that everything of a source up to `position` was offered in this run. */
  reach(source: Source, position: number): void {
    const { next } = this.outlet;
    const at = FeedWord.reached + source.local;
    if (position > next[at]) next[at] = position;
  }

  /** See `FeedSink.durablePosition`. */
  durable(source: Source): number {
    return this.#acks.position(this.outlet.committed, source.local);
  }

  #highest(sourceId: number): number {
    const { next } = this.outlet;
    let highest = 0;
    for (let local = 0; local < FEED_SOURCES_MAX; local++) {
      if (next[FeedWord.sourceIds + local] !== sourceId) continue;
      highest = Math.max(highest, next[FeedWord.reached + local]);
      for (let b = 0; b < BUCKETS; b++) {
        highest = Math.max(highest, Math.ceil(next[FeedWord.positions + local * BUCKETS + b] / HALVES));
      }
    }
    for (const known of this.memory.positions) {
      if (known.sourceId === sourceId)
        highest = Math.max(highest, Math.ceil(Math.max(...known.buckets) / HALVES));
    }
    return highest;
  }

  #localOf(sourceId: number): number {
    const { next } = this.outlet;
    for (let local = 0; local < FEED_SOURCES_MAX; local++) {
      const there = next[FeedWord.sourceIds + local];
      if (there === sourceId) return local;
      if (there !== 0) continue;
      next[FeedWord.sourceIds + local] = sourceId;
      const known = this.memory.positions.find((p) => p.sourceId === sourceId);
      if (known !== undefined) next.set(known.buckets, FeedWord.positions + local * BUCKETS);
      return local;
    }
    throw new TickwireError(
      'limit_exceeded',
      `A feed opens at most ${FEED_SOURCES_MAX} different sources in one run. Spread them over several feeds.`,
    );
  }
}
