/**
 * A small engine in one thread: the memory, feed sinks and shards of the real one, driven by hand. Every stage
 * has a registry of its own, as it has on its own thread.
 */
import { VirtualClock } from '../../src/core/clock.js';
import { copyRecord, NO_SIZE, NO_TRADE_ID, Records } from '../../src/core/tick.js';
import { type TickRecord, toTick } from '../../src/core/tick-record.js';
import { FeedSink, type Source, Take } from '../../src/feeds/connector/feed-sink.js';
import { BroadcastReader } from '../../src/pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../../src/pipeline/memory/commit-cells.js';
import { CounterReader, type Totals } from '../../src/pipeline/memory/counter-reader.js';
import { LOG_WORDS, LogWord, SHARD_WORDS, ShardWord } from '../../src/pipeline/memory/counters.js';
import {
  allocateMemory,
  type EngineMemory,
  feedStage,
  HOST_STAGE,
  type MemoryPlan,
} from '../../src/pipeline/memory/engine-memory.js';
import { LastValueTable } from '../../src/pipeline/memory/last-value-table.js';
import { Registry } from '../../src/pipeline/memory/registry.js';
import type { SymbolDefinition } from '../../src/pipeline/memory/registry-entries.js';
import { Shard } from '../../src/pipeline/shard/shard.js';

export function smallMemory(plan: Partial<MemoryPlan> = {}): EngineMemory {
  return allocateMemory({
    shards: 1,
    feeds: [{ name: 'test', policy: 'block', stateWords: 4 }],
    log: false,
    maxSymbols: 64,
    rawSlots: 64,
    ringSlots: 8192,
    criticalSlots: 8192,
    ...plan,
  });
}

export interface Sequenced extends TickRecord {
  seq: number;
  seqLow: number;
  position: number;
}

export class SmallEngine {
  readonly memory: EngineMemory;
  readonly clock = new VirtualClock();
  readonly registry: Registry;
  readonly table: LastValueTable;
  readonly sinks: FeedSink[];
  readonly shards: Shard[];

  constructor(plan: Partial<MemoryPlan> = {}, memory = smallMemory(plan)) {
    this.memory = memory;
    this.clock.set(1_700_000_000, 0);
    this.registry = new Registry(memory.registry, memory.plan.maxSymbols, HOST_STAGE);
    this.table = new LastValueTable(memory.table, memory.plan.maxSymbols);
    this.sinks = memory.plan.feeds.map((_, feed) => this.newSink(feed));
    this.shards = memory.broadcast.map((_, shard) => this.newShard(shard));
  }

  get sink(): FeedSink {
    return this.sinks[0];
  }

  /** A sink on the same memory, as a feed's new thread makes it after the old one died. */
  newSink(feed = 0): FeedSink {
    const registry = new Registry(this.memory.registry, this.memory.plan.maxSymbols, feedStage(feed));
    const sink = new FeedSink(this.memory, feed, registry, this.clock, false);
    sink.stamp();
    return sink;
  }

  /** A shard on the same memory, as its new thread makes it after the old one died. */
  newShard(index = 0): Shard {
    return new Shard(
      this.memory,
      index,
      new Registry(this.memory.registry, this.memory.plan.maxSymbols, index),
    );
  }

  define(name: string, digits = 5, more: Partial<SymbolDefinition> = {}): number {
    const id = this.registry.defineSymbol({ name, digits, ...more });
    for (const sink of this.sinks) sink.registry.refresh();
    return id;
  }

  shardOf(id: number): number {
    this.registry.refresh();
    return this.registry.bucket[id] % this.memory.plan.shards;
  }

  /** Lets every shard work until none finds anything more to do. */
  work(): void {
    while (this.shards.some((shard) => shard.doWork() > 0));
  }

  totals(): Totals {
    return new CounterReader(this.memory).totals();
  }

  shardWord(word: number, shard = 0): number {
    return new CommitCells(this.memory.shardCells[shard], SHARD_WORDS).read(word);
  }

  /** Plays the log: everything up to `seq` of the shard is visible and durable. */
  setVisible(seq: number, shard = 0): void {
    const cells = new CommitCells(this.memory.logCells, LOG_WORDS);
    const next = cells.prime();
    next[LogWord.visible + shard] = seq;
    next[LogWord.durable + shard] = seq;
    next[LogWord.logged + shard] = seq;
    cells.commit();
  }

  reader(shard = 0): BroadcastReader {
    const cells = new CommitCells(this.memory.shardCells[shard], SHARD_WORDS);
    return new BroadcastReader(this.memory.broadcast[shard], this.memory.plan.ringSlots, {
      cells,
      word: ShardWord.head,
    });
  }

  criticalReader(shard = 0): BroadcastReader {
    const cells = new CommitCells(this.memory.shardCells[shard], SHARD_WORDS);
    return new BroadcastReader(this.memory.critical[shard], this.memory.plan.criticalSlots, {
      cells,
      word: ShardWord.criticalHead,
    });
  }

  /** Numbered ticks from `from` on, as objects. */
  ticks(shard = 0, from = 1): Sequenced[] {
    const reader = this.reader(shard);
    const ticks: Sequenced[] = [];
    for (let seq = from; seq <= reader.head(); seq++) {
      const slot = reader.slot(seq);
      ticks.push({
        seq,
        seqLow: reader.records.u32[slot * 16 + 2],
        // In memory positions count half ticks.
        position: reader.positions[slot] / 2,
        ...toTick(reader.records, slot),
      });
    }
    return ticks;
  }

  /** Records of the critical ring, from the first on, as objects. */
  criticals(shard = 0): TickRecord[] {
    const reader = this.criticalReader(shard);
    return Array.from({ length: reader.head() }, (_, i) => toTick(reader.records, reader.slot(i + 1)));
  }

  /** A private copy of the sequenced records. */
  copyOfRing(shard = 0): Records {
    const reader = this.reader(shard);
    const copy = Records.allocate(reader.head());
    for (let seq = 1; seq <= reader.head(); seq++)
      copyRecord(reader.records, reader.slot(seq), copy, seq - 1);
    return copy;
  }
}

/** Offers and writes one quote; what `take` answered. */
export function offerQuote(
  sink: FeedSink,
  source: Source,
  id: number,
  bid: number,
  ask: number,
  more: {
    s?: number;
    ns?: number;
    bidSize?: number;
    askSize?: number;
    flags?: number;
    position?: number;
  } = {},
): number {
  const taken = sink.take(source, id, more.position ?? 0);
  if (taken === Take.accepted) {
    sink.quote(
      source,
      id,
      more.flags ?? 0,
      more.position ?? 0,
      more.s ?? 0xffffffff,
      more.ns ?? 0,
      bid,
      ask,
      more.bidSize ?? NO_SIZE,
      more.askSize ?? NO_SIZE,
    );
  }
  return taken;
}

/** Offers and writes one trade; what `take` answered. */
export function offerTrade(
  sink: FeedSink,
  source: Source,
  id: number,
  price: number,
  more: { s?: number; ns?: number; size?: number; flags?: number; position?: number; tradeId?: number } = {},
): number {
  const taken = sink.take(source, id, more.position ?? 0);
  if (taken === Take.accepted) {
    sink.trade(
      source,
      id,
      more.flags ?? 0,
      more.position ?? 0,
      more.s ?? 0xffffffff,
      more.ns ?? 0,
      price,
      more.size ?? NO_SIZE,
      more.tradeId ?? NO_TRADE_ID,
    );
  }
  return taken;
}
