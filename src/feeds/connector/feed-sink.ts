/**
 * Where a connector puts its ticks: the producer's side of the raw rings of one feed.
 *
 * Ticks become visible to the shards at `commit`, together with the feed's counters, positions and
 * checkpoint, in one flip. What was not committed when the thread dies never happened, and the connector
 * starts again from its checkpoint.
 */
import type { Clock } from '../../core/clock.js';
import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_PRICE,
  F64_SIZE,
  F64_TRADE_ID,
  FLAGS_MASK,
  KIND_MASK,
  Kind,
  RECORD_F64,
  RECORD_U32,
  type Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  writeGap,
  writeHeader,
  writeQuote,
  writeStatus,
  writeTimes,
  writeTrade,
} from '../../core/tick.js';
import { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { FeedWord, Reject, type RejectReason, SHARD_WORDS } from '../../pipeline/memory/counters.js';
import { Doorbell, turn, YieldThenPark } from '../../pipeline/memory/doorbell.js';
import { type EngineMemory, feedStage } from '../../pipeline/memory/engine-memory.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import { BlockWriter } from './block-writer.js';
import { Conflation } from './conflation.js';
import { ConflationBuffer } from './conflation-buffer.js';
import { RingWriter } from './ring-writer.js';
import { HALVES, Positions, positionWord, type Source } from './source-positions.js';

export type { Source } from './source-positions.js';

/** What became of an offered tick. */
export const Take = {
  /** It is new: write its records. */
  accepted: 0,
  /** It is not new: it was counted and must be skipped. */
  duplicate: 1,
  /** No room (policy `block`): nothing was counted; offer it again later. */
  full: 2,
  /** Of a split tick the quote is known and the trade is not: write only the trade, and count no split. */
  rest: 3,
  /** The symbol was never defined: it was counted and must be skipped. */
  rejected: 4,
} as const;

/** In place of a symbol's id where a definition was refused; ids have 24 bits. Its ticks must be rejected as `refused_symbol`. */
export const REFUSED_SYMBOL = 0xffffffff;

/** Raw records that one source tick can become: a quote and a trade. */
const RECORDS_PER_TICK = 2;

export class FeedSink {
  recvS = 0;
  recvNs = 0;
  readonly policy: 'block' | 'conflate';
  readonly #writer: RingWriter;
  readonly #blocks: BlockWriter;
  readonly #positions: Positions;
  readonly #conflation: Conflation | undefined;
  readonly #wait: YieldThenPark;
  readonly #shardCount: number;
  /** Where the slot that `#critical` gave last lies. */
  #target: Records;

  /**
   * @param mayPark whether the thread may sleep for milliseconds when a ring is full: not on a host's thread
   */
  constructor(
    readonly memory: EngineMemory,
    readonly feed: number,
    readonly registry: Registry,
    readonly clock: Clock,
    readonly mayPark: boolean,
  ) {
    const { feeds, maxSymbols, shards } = memory.plan;
    this.policy = feeds[feed].policy;
    this.#shardCount = shards;
    const shardCells = memory.shardCells.map((m) => new CommitCells(m, SHARD_WORDS));
    this.#writer = new RingWriter(memory, feed, shardCells);
    this.#blocks = new BlockWriter(this.#writer, registry);
    this.#positions = new Positions(memory, feed, registry, this.#writer, shardCells);
    this.#wait = new YieldThenPark(new Doorbell(memory.doorbells, feedStage(feed)));
    this.#target = this.#writer.rings[0].records;
    if (this.policy === 'block') return;
    this.#conflation = new Conflation(this.#writer, new ConflationBuffer(maxSymbols, shards), registry, this);
    const { next } = this.#writer;
    if (next[FeedWord.conflating] === 0 && next[FeedWord.unmarked] === 0) return;
    this.stamp();
    this.#conflation.admitLoss();
    this.commit();
  }

  /** The connector's checkpoint as it will be committed next. */
  state(): Float64Array {
    return this.#writer.next.subarray(FeedWord.state);
  }

  /** Takes the time of receipt that the following ticks carry. Once per batch. */
  stamp(): void {
    this.clock.stamp();
    this.recvS = this.clock.seconds;
    this.recvNs = this.clock.nanos;
  }

  /** Opens a source, or finds it again with the position that it had. */
  open(feedName: string, name: string, stream?: string, info?: Record<string, string | number>): Source {
    return this.#positions.open(feedName, name, stream, info);
  }

  /** Reports that a source has gone: when there are many, another may take its slot. It may be opened again. */
  release(source: Source): void {
    this.#positions.release(source);
  }

  /** The position up to which everything of a source was offered in this run; 0: not known. */
  reachedPosition(source: Source): number {
    return this.#positions.reached(source);
  }

  /**
   * Offers one tick of a source.
   * @param position the source's count with this tick (base included), or 0 where it has none
   */
  take(source: Source, symbolId: number, position: number): number {
    const bucket = this.registry.bucket[symbolId];
    if (bucket === undefined) {
      this.reject('unknown_symbol');
      return Take.rejected;
    }
    const { next } = this.#writer;
    const at = positionWord(source, bucket);
    const known = next[at];
    if (position !== 0 && position * HALVES <= known) {
      this.#positions.reach(source, position);
      next[FeedWord.received]++;
      next[FeedWord.duplicate]++;
      return Take.duplicate;
    }
    const shard = bucket % this.#shardCount;
    if (this.#conflation === undefined && !this.#writer.hasRoom(shard, RECORDS_PER_TICK)) return Take.full;
    next[FeedWord.received]++;
    if (position === 0) return Take.accepted;
    next[at] = position * HALVES;
    this.#positions.reach(source, position);
    return position * HALVES - 1 === known ? Take.rest : Take.accepted;
  }

  /**
   * Offers quotes and trades that are raw records already, of a source without positions: the fast way in.
   * @param block records with the ids of their symbols and of the source, their times with less than 1e9 ns; the
   *   time of receipt is filled in here
   * @param live whether tsEvent must be the time of receipt
   * @returns how many were accepted: fewer than `count` when a ring is full
   */
  offer(source: Source, block: Records, from: number, count: number, live: boolean): number {
    if (this.#conflation !== undefined) return this.#offerEach(source, block, from, count, live);
    return this.#blocks.offer(block, from, count, live, this.recvS, this.recvNs);
  }

  /** The same with conflation: tick by tick. */
  #offerEach(source: Source, block: Records, from: number, count: number, live: boolean): number {
    for (let i = from; i < from + count; i++) {
      const w = i * RECORD_U32;
      const d = i * RECORD_F64;
      const id = block.u32[w + U32_SYMBOL];
      if (this.take(source, id, 0) !== Take.accepted) continue;
      const eventS = live ? this.recvS : block.u32[w + U32_TS_EVENT_S];
      const eventNs = live ? this.recvNs : block.u32[w + U32_TS_EVENT_NS];
      const kindFlags = block.u32[w + U32_KIND_FLAGS_SOURCE];
      const flags = kindFlags & FLAGS_MASK;
      const f = block.f64;
      if ((kindFlags & KIND_MASK) === Kind.quote) {
        const [bid, ask] = [f[d + F64_BID], f[d + F64_ASK]];
        this.quote(source, id, flags, 0, eventS, eventNs, bid, ask, f[d + F64_BID_SIZE], f[d + F64_ASK_SIZE]);
      } else {
        this.trade(
          source,
          id,
          flags,
          0,
          eventS,
          eventNs,
          f[d + F64_PRICE],
          f[d + F64_SIZE],
          f[d + F64_TRADE_ID],
        );
      }
    }
    return count;
  }

  /** Counts a source tick that cannot be used at all. */
  reject(reason: RejectReason, count = 1): void {
    this.#writer.next[FeedWord.received] += count;
    this.#writer.next[FeedWord.rejected + Reject[reason]] += count;
  }

  /**
   * Counts a tick of a resumable source that cannot be used at all. Its position counts as dealt with: it
   * holds up no acknowledgement, and sent again it is a duplicate.
   */
  refuse(source: Source, position: number, reason: RejectReason): void {
    if (this.#positions.isReached(source, position)) {
      this.duplicate(1);
      return;
    }
    this.#positions.reach(source, position);
    this.reject(reason);
  }

  /** Counts ticks that a resuming source sends again although they were dealt with, without offering each. */
  duplicate(count: number): void {
    this.#writer.next[FeedWord.received] += count;
    this.#writer.next[FeedWord.duplicate] += count;
  }

  /** Counts that the accepted tick becomes two records: a quote and a trade. */
  split(): void {
    this.#writer.next[FeedWord.split]++;
  }

  /**
   * Writes a quote of an accepted tick. A missing side is NO_PRICE, a missing size NO_SIZE.
   * @param position what `take` was given; half a tick less for the quote of a split tick
   */
  quote(
    source: Source,
    symbolId: number,
    flags: number,
    position: number,
    eventS: number,
    eventNs: number,
    bid: number,
    ask: number,
    bidSize: number,
    askSize: number,
  ): void {
    const shard = this.registry.bucket[symbolId] % this.#shardCount;
    const conflation = this.#conflation;
    const half = position * HALVES;
    if (conflation !== undefined && !conflation.isDirect(shard)) {
      conflation.quote(shard, source.id, symbolId, flags, half, eventS, eventNs, bid, ask, bidSize, askSize);
      return;
    }
    const r = this.#writer.rings[shard].records;
    const i = this.#writer.claim(shard);
    writeHeader(r, i, symbolId, Kind.quote | flags, source.id, half, 0);
    writeTimes(r, i, eventS, eventNs, this.recvS, this.recvNs);
    writeQuote(r, i, bid, ask, bidSize, askSize);
  }

  /** Writes a trade of an accepted tick. */
  trade(
    source: Source,
    symbolId: number,
    flags: number,
    position: number,
    eventS: number,
    eventNs: number,
    price: number,
    size: number,
    tradeId: number,
  ): void {
    const shard = this.registry.bucket[symbolId] % this.#shardCount;
    const slot = this.#critical(shard);
    if (slot < 0) return;
    const r = this.#target;
    writeHeader(r, slot, symbolId, Kind.trade | flags, source.id, position * HALVES, 0);
    writeTimes(r, slot, eventS, eventNs, this.recvS, this.recvNs);
    writeTrade(r, slot, price, size, tradeId);
  }

  /** Writes a status of the connector itself; counted as `generated`. False when a `block` ring is full. */
  status(
    source: Source,
    symbolId: number,
    code: number,
    arg0: number,
    arg1 = 0,
    arg2 = 0,
    arg3 = 0,
  ): boolean {
    const shard = this.registry.bucket[symbolId] % this.#shardCount;
    if (!this.#roomForGenerated(shard)) return false;
    this.#writer.next[FeedWord.generated]++;
    const slot = this.#critical(shard);
    if (slot < 0) return true;
    const r = this.#target;
    writeHeader(r, slot, symbolId, Kind.status, source.id, 0, 0);
    writeTimes(r, slot, this.recvS, this.recvNs, this.recvS, this.recvNs);
    writeStatus(r, slot, code, arg0, arg1, arg2, arg3);
    return true;
  }

  /** Writes a gap record; counted as `generated`. False when a `block` ring is full. */
  gap(source: Source, symbolId: number, reason: number, first: number, last: number, count: number): boolean {
    const shard = this.registry.bucket[symbolId] % this.#shardCount;
    if (!this.#roomForGenerated(shard)) return false;
    this.#writer.next[FeedWord.generated]++;
    const slot = this.#critical(shard);
    if (slot < 0) return true;
    const r = this.#target;
    writeHeader(r, slot, symbolId, Kind.gap, source.id, 0, 0);
    writeTimes(r, slot, this.recvS, this.recvNs, this.recvS, this.recvNs);
    writeGap(r, slot, reason, first, last, count);
    return true;
  }

  /** Publishes everything since the last commit, and moves the conflation buffer. */
  commit(): void {
    this.#conflation?.drain();
    this.#writer.commit();
  }

  /** Ticks in the conflation buffer; `commit` moves them when the rings have room. */
  get conflating(): number {
    return this.#writer.next[FeedWord.conflating];
  }

  /** Commits, then waits until the shards have made room (or a moment has passed). */
  async room(): Promise<void> {
    this.commit();
    this.#wait.before();
    if (this.#writer.isCrowded()) await this.#wait.after(0, this.mayPark);
    else await turn();
  }

  /**
   * The highest position of the source such that it and all before it that were offered in this run are
   * durable or shed by the log (numbered, without a log). 0 at first: after a restart of the process the log may hold the ticks
   * of one shard up to a higher position than those of another, so nothing is known until they are offered again.
   * Cheap; to be asked every few milliseconds by connectors that acknowledge.
   */
  durablePosition(source: Source): number {
    return this.#positions.durable(source);
  }

  /** Whether there is room for a record of the connector itself; with conflation there always is. */
  #roomForGenerated(shard: number): boolean {
    return this.#conflation !== undefined || this.#writer.hasRoom(shard, 1);
  }

  /** Slot for a critical tick in `#target`, or -1 when it was dropped. */
  #critical(shard: number): number {
    const conflation = this.#conflation;
    if (conflation === undefined) {
      this.#target = this.#writer.rings[shard].records;
      return this.#writer.claim(shard);
    }
    const slot = conflation.critical(shard);
    this.#target = conflation.target;
    return slot;
  }
}
