/**
 * How far each source of a feed has come: which decides whether a tick is new or sent again, and
 * what may be acknowledged.
 */
import { TickwireError } from '../../core/errors.js';
import { BUCKETS, FEED_SOURCES_KEPT, FEED_SOURCES_MAX } from '../../core/limits.js';
import type { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { FeedWord } from '../../pipeline/memory/counters.js';
import type { EngineMemory } from '../../pipeline/memory/engine-memory.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import { Departed, type DepartedSource } from './departed-sources.js';
import { DurablePositions } from './durable-positions.js';
import type { RingWriter } from './ring-writer.js';

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

/** Where a source's position in a bucket is among the feed's words. */
export function positionWord(source: Source, bucket: number): number {
  return FeedWord.positions + source.local * BUCKETS + bucket;
}

export class Positions {
  readonly #acks: DurablePositions;
  readonly #departed: Departed;
  /** Local sources that are open; and those that were and are not, the one that was released first in front. */
  readonly #open = new Set<number>();
  readonly #released = new Set<number>();

  constructor(
    readonly memory: EngineMemory,
    feed: number,
    readonly registry: Registry,
    readonly writer: RingWriter,
    shardCells: CommitCells[],
  ) {
    this.#acks = new DurablePositions(memory, feed, shardCells);
    this.#departed = new Departed(memory.departed[feed]);
  }

  /**
   * Opens a source, or finds it again with the position that it had.
   * @throws TickwireError limit_exceeded, bad_input, registry_full
   */
  open(feedName: string, name: string, stream?: string, info?: Record<string, string | number>): Source {
    this.registry.refresh();
    const known = this.registry.source(feedName, name);
    // A source that takes over an id counts on from where the id had come, as a new stream of a source does.
    const reused = known === undefined ? this.registry.idToReuse(feedName, this.#isOpen) : undefined;
    const sameStream = known !== undefined && known.stream === stream;
    const before = known?.id ?? reused;
    let base = 0;
    if (stream !== undefined && before !== undefined) {
      base = sameStream ? (known.base ?? 0) : this.#highest(before);
    }
    if (this.#open.size === FEED_SOURCES_MAX && (known === undefined || !this.#isOpen(known.id))) {
      throw new TickwireError(
        'limit_exceeded',
        `A feed has at most ${FEED_SOURCES_MAX} different sources open at once. Spread them over several feeds.`,
      );
    }
    const entry = this.registry.defineSource(
      {
        feed: feedName,
        name,
        ...(stream === undefined ? {} : { stream, base }),
        ...(info === undefined ? {} : { info }),
      },
      reused,
    );
    return { id: entry.id, local: this.#localOf(entry.id), name, base };
  }

  /** Gives the slot of a source that has gone to another. Opened again, the source continues where it was. */
  release({ local, id }: Source): void {
    if (this.writer.next[FeedWord.sourceIds + local] !== id) return;
    this.#open.delete(local);
    this.#released.delete(local);
    this.#released.add(local);
  }

  readonly #isOpen = (sourceId: number): boolean => {
    for (const local of this.#open) {
      if (this.writer.next[FeedWord.sourceIds + local] === sourceId) return true;
    }
    return false;
  };

  /** Position up to which everything of a source was offered in this run. */
  reached(source: Source): number {
    return this.writer.next[FeedWord.reached + source.local];
  }

  /** Whether everything of a source up to `position` was offered in this run. */
  isReached(source: Source, position: number): boolean {
    return position <= this.reached(source);
  }

  /** Notes that everything of a source up to `position` was offered in this run. */
  reach(source: Source, position: number): void {
    const { next } = this.writer;
    const at = FeedWord.reached + source.local;
    if (position > next[at]) next[at] = position;
  }

  /** See `FeedSink.durablePosition`. */
  durable(source: Source): number {
    return this.#acks.position(this.writer.committed, source.local, source.id);
  }

  /** The highest position that a source has ever come to. */
  #highest(sourceId: number): number {
    let highest = 0;
    const look = (reached: number, buckets: Iterable<number>) => {
      highest = Math.max(highest, reached, Math.ceil(Math.max(...buckets) / HALVES));
    };
    for (let local = 0; local < FEED_SOURCES_MAX; local++) {
      if (this.writer.next[FeedWord.sourceIds + local] !== sourceId) continue;
      const { reached, buckets } = this.#at(local);
      look(reached, buckets);
    }
    const departed = this.#departed.find(sourceId);
    if (departed !== undefined) look(departed.reached, departed.buckets);
    for (const known of this.memory.positions) if (known.sourceId === sourceId) look(0, known.buckets);
    return highest;
  }

  #at(local: number): DepartedSource {
    const { next } = this.writer;
    const at = FeedWord.positions + local * BUCKETS;
    return { reached: next[FeedWord.reached + local], buckets: next.subarray(at, at + BUCKETS) };
  }

  #localOf(sourceId: number): number {
    const { next } = this.writer;
    let local = 0;
    while (local < FEED_SOURCES_MAX && next[FeedWord.sourceIds + local] !== 0) {
      if (next[FeedWord.sourceIds + local] === sourceId) return this.#took(local);
      local++;
    }
    if (local === FEED_SOURCES_MAX) local = this.#vacate();
    next[FeedWord.sourceIds + local] = sourceId;
    const departed = this.#departed.find(sourceId);
    const known = departed?.buckets ?? this.memory.positions.find((p) => p.sourceId === sourceId)?.buckets;
    next.fill(0, FeedWord.positions + local * BUCKETS, FeedWord.positions + (local + 1) * BUCKETS);
    if (known !== undefined) next.set(known, FeedWord.positions + local * BUCKETS);
    next[FeedWord.reached + local] = departed?.reached ?? 0;
    return this.#took(local);
  }

  #took(local: number): number {
    this.#open.add(local);
    this.#released.delete(local);
    return local;
  }

  /** Takes the slot of a source that is not open: of one that this thread never opened, or of the one released first. */
  #vacate(): number {
    const all = Array.from({ length: FEED_SOURCES_MAX }, (_, local) => local);
    const local =
      all.find((l) => !this.#open.has(l) && !this.#released.has(l)) ?? this.#released.values().next().value;
    const id = local === undefined ? 0 : this.writer.next[FeedWord.sourceIds + local];
    if (local === undefined || !this.#departed.keep(id, this.#at(local))) {
      throw new TickwireError(
        'limit_exceeded',
        `A feed opens at most ${FEED_SOURCES_KEPT} different sources in one run. Restart the engine, or spread them over several feeds.`,
      );
    }
    return local;
  }
}
