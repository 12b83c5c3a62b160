/**
 * A feed without an engine: its context, and instead of a shard a consumer of its raw ring, single-threaded.
 */
import { VirtualClock } from '../../../src/core/clock.js';
import { copyRecord, Records } from '../../../src/core/tick.js';
import { type TickRecord, toTick } from '../../../src/core/tick-record.js';
import type { FeedContext } from '../../../src/feeds/connector/feed.js';
import { FeedSink } from '../../../src/feeds/connector/feed-sink.js';
import type { Sleep } from '../../../src/feeds/connector/pause-gate.js';
import { CommitCells } from '../../../src/pipeline/memory/commit-cells.js';
import { CounterReader, type Totals } from '../../../src/pipeline/memory/counter-reader.js';
import { FEED_WORDS, FeedWord, SHARD_WORDS, ShardWord } from '../../../src/pipeline/memory/counters.js';
import { allocateMemory, type EngineMemory } from '../../../src/pipeline/memory/engine-memory.js';
import { Registry } from '../../../src/pipeline/memory/registry.js';
import { RingConsumer } from '../../../src/pipeline/memory/spsc-ring.js';

/** The real recordings, when they are there. */
export const DATA = process.env.TICKWIRE_DATA ?? '../shared/data';

export interface HarnessOptions {
  policy?: 'block' | 'conflate';
  stateWords: number;
  rawSlots?: number;
  /** Memory of an earlier harness whose feed thread has died. */
  memory?: EngineMemory;
}

export class Harness {
  readonly memory: EngineMemory;
  readonly clock = new VirtualClock();
  readonly registry: Registry;
  readonly context: FeedContext;
  readonly warnings: string[] = [];
  readonly #abort = new AbortController();
  readonly #shard: CommitCells;
  readonly #ring: RingConsumer;
  #nowMs = 1_700_000_000_000;

  constructor(options: HarnessOptions) {
    const feed = { name: 'f', policy: options.policy ?? 'block', stateWords: options.stateWords };
    this.memory =
      options.memory ??
      allocateMemory({
        shards: 1,
        feeds: [feed],
        log: false,
        maxSymbols: 2_048,
        rawSlots: options.rawSlots ?? 16_384,
        ringSlots: 1_024,
        criticalSlots: 1_024,
      });
    this.advance(0);
    this.registry = new Registry(this.memory.registry, 2_048);
    this.#shard = new CommitCells(this.memory.shardCells[0], SHARD_WORDS);
    const feedCells = new CommitCells(this.memory.feedCells[0], FEED_WORDS + options.stateWords);
    this.#ring = new RingConsumer(
      this.memory.raw[0][0],
      { cells: feedCells, word: FeedWord.heads },
      { cells: this.#shard, word: ShardWord.tails },
    );
    const sink = new FeedSink(this.memory, 0, this.registry, this.clock, false);
    const say = (_: object, message: string) => {
      this.warnings.push(message);
    };
    this.context = {
      name: 'f',
      sink,
      clock: this.clock,
      log: { info: () => {}, warn: say, error: say },
      signal: this.#abort.signal,
      state: () => sink.state(),
      resumed: options.memory !== undefined,
      symbol: (source, raw, { digitsFrom = source.id, ...definition }) =>
        this.registry.defineSymbol({ name: raw, ...definition }, digitsFrom),
      source: (name) => sink.open('f', name),
    };
  }

  /** Moves the feed's clock. */
  advance(ms: number): void {
    this.#nowMs += ms;
    this.clock.set(Math.floor(this.#nowMs / 1000), Math.round((this.#nowMs % 1000) * 1e6));
    this.clock.stamp();
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** A sleep that takes no time: it moves the clock, and lets the test look around. */
  sleep(onSleep: (ms: number) => void = () => {}): Sleep {
    return async (ms) => {
      this.advance(ms);
      onSleep(ms);
      await new Promise((resolve) => setImmediate(resolve));
    };
  }

  abort(): void {
    this.#abort.abort();
  }

  /** Takes up to `limit` records out of the raw ring, as a shard would; they count as numbered. */
  takeInto(visit: (records: Records, slot: number) => void, limit = Number.POSITIVE_INFINITY): number {
    const words = this.#shard.prime();
    let tail = words[ShardWord.tails];
    let count = 0;
    for (let ready = this.#ring.available(tail); ready > 0 && count < limit; ready--) {
      visit(this.#ring.records, this.#ring.slot(tail++));
      count++;
    }
    words[ShardWord.tails] = tail;
    words[ShardWord.head] += count;
    this.#shard.commit();
    return count;
  }

  take(limit?: number): TickRecord[] {
    const ticks: TickRecord[] = [];
    const copy = Records.allocate(1);
    this.takeInto((records, slot) => {
      copyRecord(records, slot, copy, 0);
      ticks.push(toTick(copy, 0));
    }, limit);
    return ticks;
  }

  /** Consumes until the condition holds. */
  async takeUntil(isDone: () => boolean): Promise<TickRecord[]> {
    const ticks: TickRecord[] = [];
    while (!isDone()) {
      ticks.push(...this.take());
      await new Promise((resolve) => setImmediate(resolve));
    }
    ticks.push(...this.take());
    return ticks;
  }

  totals(): Totals {
    return new CounterReader(this.memory).totals();
  }

  /** What is wrong with the sums of the counters; empty when they add up. */
  imbalance(): string {
    const t = this.totals();
    const came = t.received + t.split + t.generated;
    const went =
      t.rejected + t.duplicate + t.conflated + t.dropped + t.pendingOneSided + t.inFlight + t.sequenced;
    return came === went ? '' : `${came} came, ${went} went: ${JSON.stringify(t)}`;
  }
}
