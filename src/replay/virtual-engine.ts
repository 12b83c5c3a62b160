/**
 * An engine in one thread on a virtual clock. It has the sinks, shards and fan-out of the real engine, and its owner runs
 * them in turns. The output depends only on the input.
 */
import { VirtualClock } from '../core/clock.js';
import { BROADCAST_RING_SLOTS, CRITICAL_RING_SLOTS, RAW_RING_SLOTS } from '../core/limits.js';
import type { Logger } from '../core/logger.js';
import type { Records } from '../core/tick.js';
import { Frame } from '../fanout/batch/frame.js';
import { SharedView } from '../fanout/batch/shared-view.js';
import { fanoutOptionsSchema } from '../fanout/contract/options.js';
import { CallbackSubscriber } from '../fanout/session/callback-subscriber.js';
import type { FeedContext } from '../feeds/connector/feed.js';
import { createContext, type FeedRun } from '../feeds/stage.js';
import { BroadcastReader } from '../pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../pipeline/memory/commit-cells.js';
import { CounterReader } from '../pipeline/memory/counter-reader.js';
import { SHARD_WORDS, ShardWord } from '../pipeline/memory/counters.js';
import {
  allocateMemory,
  Control,
  type EngineMemory,
  type FeedPlan,
  feedStage,
  HOST_STAGE,
} from '../pipeline/memory/engine-memory.js';
import { Registry } from '../pipeline/memory/registry.js';
import { Shard } from '../pipeline/shard/shard.js';
import type { Encoding } from '../wire/ticks.js';

/** The log id of an engine without a log. */
const NO_LOG = '0'.repeat(16);
/** The ring is flushed before so much of it is new: readers in this thread are never overtaken. */
const FLUSH_SHARE = 4;

export interface VirtualPlan {
  shards: number;
  feeds: FeedPlan[];
  maxSymbols: number;
  epoch: number;
}

/** A sequenced tick and its position. */
export interface SequencedTick {
  records: Records;
  index: number;
  seq: number;
  epoch: number;
  shard: number;
}

export class VirtualEngine {
  readonly memory: EngineMemory;
  readonly clock = new VirtualClock();
  readonly registry: Registry;
  readonly #contexts: FeedContext[];
  readonly #shards: Shard[];
  readonly #rings: BroadcastReader[];
  readonly #stream: SharedView;
  readonly #frame = new Frame();
  readonly #subscribers: CallbackSubscriber[] = [];
  /** By shard: the last seq that was passed to `onTick`. */
  readonly #handed: number[];
  #flushedHead = 0;

  /**
   * @param restore fills the memory with what an engine knew at its start
   * @param onTick gets every sequenced tick, in the order of its shard
   */
  constructor(
    readonly plan: VirtualPlan,
    log: Logger,
    restore: (memory: EngineMemory) => void,
    readonly aliases: (feed: number) => Record<string, string>,
    readonly onTick?: (tick: SequencedTick) => void,
  ) {
    const { shards, feeds, maxSymbols, epoch } = plan;
    const memory = allocateMemory({
      shards,
      feeds,
      maxSymbols,
      log: false,
      rawSlots: RAW_RING_SLOTS,
      ringSlots: BROADCAST_RING_SLOTS,
      criticalSlots: CRITICAL_RING_SLOTS,
    });
    restore(memory);
    this.memory = memory;
    this.registry = new Registry(memory.registry, maxSymbols, HOST_STAGE);
    this.registry.refresh();
    this.#contexts = feeds.map((_, feed) => this.#context(feed, log));
    this.#shards = Array.from(
      { length: shards },
      (_, s) => new Shard(memory, s, new Registry(memory.registry, maxSymbols, s)),
    );
    this.#rings = memory.broadcast.map((ring, s) => {
      const cells = new CommitCells(memory.shardCells[s], SHARD_WORDS);
      return new BroadcastReader(ring, BROADCAST_RING_SLOTS, { cells, word: ShardWord.head });
    });
    this.#handed = this.#rings.map(() => 0);
    this.#stream = new SharedView(
      {
        memory,
        registry: this.registry,
        identity: { logId: NO_LOG, epoch },
        logger: log,
        clock: this.clock,
        feeds: () => [],
        readiness: () => ({ ready: true, reasons: [] }),
      },
      fanoutOptionsSchema.parse({}).limits,
      () => {},
    );
  }

  #context(feed: number, log: Logger): FeedContext {
    const run: FeedRun = {
      memory: this.memory,
      stage: HOST_STAGE,
      control: new Control(this.memory.control, feedStage(feed)),
      feed,
      resumed: false,
      aliases: this.aliases(feed),
      clock: this.clock,
      post: (message) => {
        if (message.type === 'log') log[message.level](message.details, message.message);
      },
    };
    return createContext(run, new AbortController().signal);
  }

  /** The context of a connector. */
  feed(index: number): FeedContext {
    return this.#contexts[index];
  }

  totals() {
    return new CounterReader(this.memory).totals();
  }

  /** Adds a subscriber; it is flushed with the others. */
  subscriber(encoding: Encoding, take: (message: Uint8Array) => void): CallbackSubscriber {
    const subscriber = new CallbackSubscriber(this.#stream, encoding, take);
    this.#subscribers.push(subscriber);
    return subscriber;
  }

  /** Virtual milliseconds at which some subscription has something to send, ticks or not. */
  get dueAtMs(): number {
    return this.#stream.dueAtMs;
  }

  /** Sequences all ticks of the feeds. Returns true when a flush must come before more ticks. */
  work(): boolean {
    for (const context of this.#contexts) context.sink.commit();
    while (this.#shards.some((shard) => shard.doWork() > 0));
    if (this.onTick !== undefined) this.#hand(this.onTick);
    return this.#head - this.#flushedHead >= BROADCAST_RING_SLOTS / FLUSH_SHARE;
  }

  get #head(): number {
    let head = 0;
    for (const ring of this.#rings) head += ring.head();
    return head;
  }

  #hand(onTick: (tick: SequencedTick) => void): void {
    const { epoch } = this.plan;
    for (const [shard, ring] of this.#rings.entries()) {
      const head = ring.head();
      while (this.#handed[shard] < head) {
        const seq = ++this.#handed[shard];
        onTick({ records: ring.records, index: ring.slot(seq), seq, epoch, shard });
      }
    }
  }

  /** Sends every subscriber its pending ticks, as of a virtual time. */
  flush(nowMs: number): void {
    this.#flushedHead = this.#head;
    for (let more = true; more; ) {
      more = false;
      this.#stream.beginRound();
      this.#stream.advance(nowMs);
      for (const subscriber of this.#subscribers) if (subscriber.flush(this.#frame)) more = true;
    }
  }
}
