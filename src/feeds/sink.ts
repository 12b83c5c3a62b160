/**
 * Where a connector puts its ticks: the producer's side of the raw rings of one feed.
 *
 * Ticks become visible to the shards at `commit`, together with the feed's counters, positions and
 * checkpoint, in one flip. What was not committed when the thread dies never happened, and the connector
 * starts again from its checkpoint.
 */
import type { Clock } from '../clock.js';
import { TickwireError } from '../errors.js';
import { BUCKETS, FEED_SOURCES_MAX } from '../limits.js';
import { CommitCells } from '../pipeline/cells.js';
import {
  FEED_WORDS,
  FeedWord,
  Reject,
  type RejectReason,
  SHARD_WORDS,
  ShardWord,
} from '../pipeline/counters.js';
import { probe } from '../pipeline/fault.js';
import { type EngineMemory, feedStage } from '../pipeline/memory.js';
import { isMissing, quoteFault } from '../pipeline/normalise.js';
import type { Registry } from '../pipeline/registry.js';
import { RingProducer } from '../pipeline/ring.js';
import { Bell, turn, YieldThenPark } from '../pipeline/wait.js';
import {
  ENGINE_SYMBOL,
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_GAP_COUNT,
  F64_PRICE,
  F64_SIZE,
  F64_TRADE_ID,
  F64_TS_EVENT,
  F64_TS_RECV,
  FLAGS_MASK,
  GapReason,
  KIND_MASK,
  Kind,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  type Records,
  SLOT_BITS,
  U16_SOURCE,
  U32_KIND_FLAGS_SOURCE,
  U32_RAW_FOLDED,
  U32_RAW_POSITION,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  writeGap,
  writeHeader,
  writeQuote,
  writeStatus,
  writeTimes,
  writeTrade,
} from '../tick.js';
import { Acknowledger } from './acknowledger.js';
import { Aside } from './aside.js';

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

/** What became of an offered tick. */
export const Take = {
  /** It is new: write its records. */
  accepted: 0,
  /** It is not new: it was counted and is to be skipped. */
  duplicate: 1,
  /** No room (policy `block`): nothing was counted; offer it again later. */
  full: 2,
  /** Of a split tick the quote is known and the trade is not: write only the trade, and count no split. */
  rest: 3,
  /** The symbol was never defined: it was counted and is to be skipped. */
  rejected: 4,
} as const;

/** Source id of the records that the sink makes of itself; real ones start at 1. */
const NO_SOURCE = 0;
/** Positions are kept in half ticks: a tick that was split counts one for its quote and one for its trade. */
const HALVES = 2;

/** Raw records that one source tick can become: a quote and a trade. */
const RECORDS_PER_TICK = 2;

export class FeedSink {
  recvS = 0;
  recvNs = 0;
  readonly policy: 'block' | 'conflate';
  readonly #cells: CommitCells;
  #next: Float64Array;
  readonly #rings: RingProducer[];
  readonly #shardBells: Bell[];
  readonly #wait: YieldThenPark;
  readonly #aside: Aside | undefined;
  readonly #acks: Acknowledger;
  readonly #shardCount: number;
  readonly #fresh: Uint8Array;
  /** Free slots of each ring while a block is offered. */
  readonly #room: Int32Array;
  /** The head of each ring meanwhile. */
  readonly #heads: Float64Array;
  readonly #time = new Uint32Array(2);
  readonly #timeWord = new Float64Array(this.#time.buffer);
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
    const plan = memory.plan.feeds[feed];
    this.policy = plan.policy;
    this.#cells = new CommitCells(memory.feedCells[feed], FEED_WORDS + plan.stateWords);
    this.#next = this.#cells.prime();
    this.#shardCount = memory.plan.shards;
    const shardCells = memory.shardCells.map((m) => new CommitCells(m, SHARD_WORDS));
    this.#rings = memory.raw[feed].map(
      (slots, shard) =>
        new RingProducer(
          slots,
          { cells: this.#cells, word: FeedWord.heads + shard },
          { cells: shardCells[shard], word: ShardWord.tails + feed },
        ),
    );
    this.#shardBells = memory.shardCells.map((_, shard) => new Bell(memory.bells, shard));
    this.#wait = new YieldThenPark(new Bell(memory.bells, feedStage(feed)));
    this.#fresh = new Uint8Array(this.#shardCount);
    this.#room = new Int32Array(this.#shardCount);
    this.#heads = new Float64Array(this.#shardCount);
    this.#target = this.#rings[0].records;
    this.#acks = new Acknowledger(memory, feed, shardCells);
    if (plan.policy === 'conflate') this.#aside = new Aside(memory.plan.maxSymbols, this.#shardCount);
    this.#admitLoss();
  }

  /** The connector's checkpoint as it will be committed next. */
  state(): Float64Array {
    return this.#next.subarray(FeedWord.state);
  }

  /** Takes the time of receipt that the following ticks carry. Once per batch. */
  stamp(): void {
    this.clock.stamp();
    this.recvS = this.clock.seconds;
    this.recvNs = this.clock.nanos;
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
    const at = FeedWord.positions + source.local * BUCKETS + bucket;
    const known = this.#next[at];
    if (position !== 0 && position * HALVES <= known) {
      this.#reach(source, position);
      this.#next[FeedWord.received]++;
      this.#next[FeedWord.duplicate]++;
      return Take.duplicate;
    }
    if (this.#aside === undefined) {
      const shard = bucket % this.#shardCount;
      const head = this.#next[FeedWord.heads + shard];
      if (this.#rings[shard].free(head, RECORDS_PER_TICK) < RECORDS_PER_TICK) return Take.full;
    }
    this.#next[FeedWord.received]++;
    if (position === 0) return Take.accepted;
    this.#next[at] = position * HALVES;
    this.#reach(source, position);
    return position * HALVES - 1 === known ? Take.rest : Take.accepted;
  }

  /**
   * Offers quotes and trades that stand as records already, of a source without positions: the fast way in.
   * @param block records, their times with less than 1e9 ns, with the index of the symbol in place of its id
   * @param ids symbol ids by that index
   * @param live whether tsEvent is to be the time of receipt
   * @returns how many were accepted: fewer than `count` when a ring is full
   */
  offer(
    source: Source,
    block: Records,
    from: number,
    count: number,
    ids: Uint32Array,
    live: boolean,
  ): number {
    if (this.#aside !== undefined) return this.#offerAside(source, block, from, count, ids, live);
    const { bucket } = this.registry;
    const next = this.#next;
    const shardCount = this.#shardCount;
    const room = this.#room;
    const heads = this.#heads;
    for (let s = 0; s < shardCount; s++) {
      heads[s] = next[FeedWord.heads + s];
      room[s] = this.#rings[s].free(heads[s], count);
    }
    const sourceBits = source.id << 16;
    const receipt = this.#receipt();
    const { u32: from32, f64: from64 } = block;
    let done = 0;
    while (done < count) {
      const i = (from + done) & SLOT_BITS;
      const w = i * RECORD_U32;
      const d = i * RECORD_F64;
      const id = ids[from32[w + U32_SYMBOL]];
      const shard = shardCount === 1 ? 0 : bucket[id] % shardCount;
      if (--room[shard] < 0) break;
      const ring = this.#rings[shard];
      const { u32, f64 } = ring.records;
      const o = ring.slot(heads[shard]++);
      const v = o * RECORD_U32;
      const e = o * RECORD_F64;
      u32[v + U32_SYMBOL] = id;
      u32[v + U32_KIND_FLAGS_SOURCE] = from32[w + U32_KIND_FLAGS_SOURCE] | sourceBits;
      u32[v + U32_RAW_POSITION] = 0;
      u32[v + U32_RAW_FOLDED] = 0;
      f64[e + F64_TS_EVENT] = live ? receipt : from64[d + F64_TS_EVENT];
      f64[e + F64_TS_RECV] = receipt;
      f64[e + F64_BID] = from64[d + F64_BID];
      f64[e + F64_ASK] = from64[d + F64_ASK];
      f64[e + F64_BID_SIZE] = from64[d + F64_BID_SIZE];
      f64[e + F64_ASK_SIZE] = from64[d + F64_ASK_SIZE];
      done++;
      probe();
    }
    for (let s = 0; s < shardCount; s++) {
      if (heads[s] !== next[FeedWord.heads + s]) this.#fresh[s] = 1;
      next[FeedWord.heads + s] = heads[s];
    }
    next[FeedWord.received] += done;
    return done;
  }

  /** The time of receipt as the one word that it is in a record. */
  #receipt(): number {
    this.#time[0] = this.recvS;
    this.#time[1] = this.recvNs;
    return this.#timeWord[0];
  }

  #offerAside(
    source: Source,
    block: Records,
    from: number,
    count: number,
    ids: Uint32Array,
    live: boolean,
  ): number {
    for (let i = from; i < from + count; i++) {
      const w = i * RECORD_U32;
      const d = i * RECORD_F64;
      const id = ids[block.u32[w + U32_SYMBOL]];
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
    this.#next[FeedWord.received] += count;
    this.#next[FeedWord.rejected + Reject[reason]] += count;
  }

  /**
   * Counts a tick of a resumable source that cannot be used at all. Its position counts as dealt with: it
   * holds up no acknowledgement, and sent again it is a duplicate.
   */
  refuse(source: Source, position: number, reason: RejectReason): void {
    if (position <= this.#next[FeedWord.reached + source.local]) {
      this.duplicate(1);
      return;
    }
    this.#reach(source, position);
    this.reject(reason);
  }

  /** Counts ticks that a resuming source sends again although they were dealt with, without offering each. */
  duplicate(count: number): void {
    this.#next[FeedWord.received] += count;
    this.#next[FeedWord.duplicate] += count;
  }

  /** Counts that the accepted tick becomes two records: a quote and a trade. */
  split(): void {
    this.#next[FeedWord.split]++;
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
    const aside = this.#aside;
    if (aside !== undefined && !this.#direct(aside, shard)) {
      this.#quoteAside(
        aside,
        shard,
        source,
        symbolId,
        flags,
        position,
        eventS,
        eventNs,
        bid,
        ask,
        bidSize,
        askSize,
      );
      return;
    }
    const r = this.#rings[shard].records;
    const i = this.#claim(shard);
    writeHeader(r, i, symbolId, Kind.quote | flags, source.id, position * HALVES, 0);
    writeTimes(r, i, eventS, eventNs, this.recvS, this.recvNs);
    writeQuote(r, i, bid, ask, bidSize, askSize);
  }

  /**
   * Keeps a quote beside a full ring in place of the symbol's last one. A bad quote must not replace a good one,
   * so it is rejected here rather than by the shard; a half-quote takes its other side from the one it replaces.
   */
  #quoteAside(
    aside: Aside,
    shard: number,
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
    const signed = this.registry.negative[symbolId] !== 0;
    const scale = 10 ** this.registry.digits[symbolId];
    const fault = quoteFault(eventNs, bid, ask, bidSize, askSize, signed, scale);
    if (fault !== undefined) {
      this.#next[FeedWord.rejected + Reject[fault]]++;
      return;
    }
    const i = aside.quoteSlot(shard, symbolId);
    const r = aside.records;
    const d = i * RECORD_F64;
    const noBid = aside.replaced && isMissing(bid, signed);
    const noAsk = aside.replaced && isMissing(ask, signed);
    if (aside.replaced) this.#next[FeedWord.conflated]++;
    else this.#next[FeedWord.aside]++;
    writeHeader(r, i, symbolId, Kind.quote | flags, source.id, position * HALVES, aside.folded(i));
    writeTimes(r, i, eventS, eventNs, this.recvS, this.recvNs);
    writeQuote(
      r,
      i,
      noBid ? r.f64[d + F64_BID] : bid,
      noAsk ? r.f64[d + F64_ASK] : ask,
      noBid ? r.f64[d + F64_BID_SIZE] : bidSize,
      noAsk ? r.f64[d + F64_ASK_SIZE] : askSize,
    );
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

  /** Writes a status that the connector makes itself; counted as `made`. False when a `block` ring is full. */
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
    if (!this.#roomForMade(shard)) return false;
    this.#next[FeedWord.made]++;
    const slot = this.#critical(shard);
    if (slot < 0) return true;
    const r = this.#target;
    writeHeader(r, slot, symbolId, Kind.status, source.id, 0, 0);
    writeTimes(r, slot, this.recvS, this.recvNs, this.recvS, this.recvNs);
    writeStatus(r, slot, code, arg0, arg1, arg2, arg3);
    return true;
  }

  /** Writes a gap record; counted as `made`. False when a `block` ring is full. */
  gap(source: Source, symbolId: number, reason: number, first: number, last: number, count: number): boolean {
    const shard = this.registry.bucket[symbolId] % this.#shardCount;
    if (!this.#roomForMade(shard)) return false;
    this.#next[FeedWord.made]++;
    const slot = this.#critical(shard);
    if (slot >= 0) this.#writeGap(slot, symbolId, source.id, reason, first, last, count);
    return true;
  }

  /** Publishes everything since the last commit, and moves on what stood aside. */
  commit(): void {
    if (this.#aside !== undefined) this.#drainAside(this.#aside);
    this.#cells.commit();
    this.#next = this.#cells.prime();
    for (let s = 0; s < this.#shardCount; s++) {
      if (this.#fresh[s] === 0) continue;
      this.#fresh[s] = 0;
      this.#shardBells[s].ring();
    }
  }

  /** Ticks that still stand aside of full rings; `commit` moves them when there is room. */
  get standingAside(): number {
    return this.#next[FeedWord.aside];
  }

  /** Commits, then waits until the shards have made room (or a moment has passed). */
  async room(): Promise<void> {
    this.commit();
    this.#wait.before();
    if (this.#isCrowded()) await this.#wait.after(0, this.mayPark);
    else await turn();
  }

  /**
   * The highest position of the source such that it and all before it that were offered in this run are
   * durable (numbered, without a log). 0 at first: after a restart of the process the log may hold the ticks
   * of one shard up to a higher position than those of another, so nothing is known until they are offered again.
   * Cheap; to be asked every few milliseconds by connectors that acknowledge.
   */
  durablePosition(source: Source): number {
    return this.#acks.position(this.#cells.current, source.local);
  }

  #reach(source: Source, position: number): void {
    const at = FeedWord.reached + source.local;
    if (position > this.#next[at]) this.#next[at] = position;
  }

  #highest(sourceId: number): number {
    let highest = 0;
    for (let local = 0; local < FEED_SOURCES_MAX; local++) {
      if (this.#next[FeedWord.sourceIds + local] !== sourceId) continue;
      highest = Math.max(highest, this.#next[FeedWord.reached + local]);
      for (let b = 0; b < BUCKETS; b++) {
        highest = Math.max(highest, Math.ceil(this.#next[FeedWord.positions + local * BUCKETS + b] / HALVES));
      }
    }
    for (const known of this.memory.positions) {
      if (known.sourceId === sourceId)
        highest = Math.max(highest, Math.ceil(Math.max(...known.buckets) / HALVES));
    }
    return highest;
  }

  #localOf(sourceId: number): number {
    for (let local = 0; local < FEED_SOURCES_MAX; local++) {
      const there = this.#next[FeedWord.sourceIds + local];
      if (there === sourceId) return local;
      if (there !== 0) continue;
      this.#next[FeedWord.sourceIds + local] = sourceId;
      const known = this.memory.positions.find((p) => p.sourceId === sourceId);
      if (known !== undefined) this.#next.set(known.buckets, FeedWord.positions + local * BUCKETS);
      return local;
    }
    throw new TickwireError(
      'limit_exceeded',
      `A feed opens at most ${FEED_SOURCES_MAX} different sources in one run. Spread them over several feeds.`,
    );
  }

  #isCrowded(): boolean {
    for (let s = 0; s < this.#shardCount; s++) {
      const ring = this.#rings[s];
      const half = ring.records.capacity / 2;
      if (ring.free(this.#next[FeedWord.heads + s], half) < half) return true;
    }
    return false;
  }

  #claim(shard: number): number {
    const head = this.#next[FeedWord.heads + shard];
    this.#next[FeedWord.heads + shard] = head + 1;
    this.#fresh[shard] = 1;
    probe();
    return this.#rings[shard].slot(head);
  }

  #free(shard: number, want: number): boolean {
    return this.#rings[shard].free(this.#next[FeedWord.heads + shard], want) >= want;
  }

  #roomForMade(shard: number): boolean {
    return this.#aside !== undefined || this.#free(shard, 1);
  }

  /** Whether a quote may go straight to the ring: nothing of its shard waits, and there is room. */
  #direct(aside: Aside, shard: number): boolean {
    return aside.isEmpty(shard) && this.#free(shard, 1);
  }

  /** Slot for a critical tick in `#target`: the ring, or the side queue, or -1 when even that is full. */
  #critical(shard: number): number {
    const aside = this.#aside;
    if (aside === undefined || this.#direct(aside, shard)) {
      this.#target = this.#rings[shard].records;
      return this.#claim(shard);
    }
    this.#target = aside.queue;
    const lost = aside.lost[shard];
    // The gap record stands where the ticks are missing: before the next one that finds room.
    if (aside.criticalRoom(shard) < (lost > 0 ? 2 : 1)) {
      this.#next[FeedWord.dropped]++;
      this.#next[FeedWord.unmarked]++;
      aside.lost[shard]++;
      return -1;
    }
    if (lost > 0) {
      this.#next[FeedWord.aside]++;
      this.#mark(aside.criticalSlot(shard), shard, GapReason.feedOverflow);
    }
    this.#next[FeedWord.aside]++;
    return aside.criticalSlot(shard);
  }

  #writeGap(
    slot: number,
    symbolId: number,
    sourceId: number,
    reason: number,
    first: number,
    last: number,
    count: number,
  ): void {
    const r = this.#target;
    writeHeader(r, slot, symbolId, Kind.gap, sourceId, 0, 0);
    writeTimes(r, slot, this.recvS, this.recvNs, this.recvS, this.recvNs);
    writeGap(r, slot, reason, first, last, count);
  }

  /** Moves what stands aside into the rings as far as they have room: critical ticks, a gap record, quotes. */
  #drainAside(aside: Aside): void {
    for (let shard = 0; shard < this.#shardCount; shard++) {
      const ring = this.#rings[shard];
      while (!aside.isEmpty(shard) && this.#free(shard, 1)) {
        const i = ring.slot(this.#next[FeedWord.heads + shard]);
        if (aside.takeCritical(shard, ring.records, i)) {
          this.#next[FeedWord.aside]--;
          // A mark of ours has come through only now: had the thread died before, the mark had gone with it.
          if (ring.records.u16[i * RECORD_U16 + U16_SOURCE] === NO_SOURCE) {
            this.#next[FeedWord.unmarked] -= ring.records.f64[i * RECORD_F64 + F64_GAP_COUNT];
          }
          this.#claim(shard);
        } else if (aside.lost[shard] > 0) {
          this.#target = ring.records;
          this.#mark(this.#claim(shard), shard, GapReason.feedOverflow);
        } else {
          aside.takeQuote(shard, ring.records, i);
          this.#next[FeedWord.aside]--;
          this.#claim(shard);
        }
      }
    }
  }

  /** Makes slot `slot` of the target the gap record of what the shard lost. */
  #mark(slot: number, shard: number, reason: number): void {
    const count = this.#aside!.lost[shard];
    this.#next[FeedWord.made]++;
    if (this.#target !== this.#aside!.queue) this.#next[FeedWord.unmarked] -= count;
    this.#aside!.lost[shard] = 0;
    this.#writeGap(slot, ENGINE_SYMBOL, NO_SOURCE, reason, 0, 0, count);
  }

  /** After a crash of the thread: what stood aside is gone with it, and says so; so does what was dropped but not yet marked. */
  #admitLoss(): void {
    const stood = this.#next[FeedWord.aside];
    this.#next[FeedWord.aside] = 0;
    this.#next[FeedWord.dropped] += stood;
    this.#next[FeedWord.unmarked] += stood;
    if (this.#next[FeedWord.unmarked] === 0) return;
    this.stamp();
    this.#aside!.lost[0] = this.#next[FeedWord.unmarked];
    if (this.#free(0, 1)) {
      this.#target = this.#rings[0].records;
      this.#mark(this.#claim(0), 0, GapReason.feedRestart);
    }
    this.commit();
  }
}
