/**
 * The market on an open-loop schedule, as `bench/harness/open-loop-feed.ts` has it, for a peer: it takes the part of our feed,
 * and hands on each tick, or all of some milliseconds together.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicNs } from '../../core/clock.js';
import { Market, STANDARD_MARKET } from '../../feeds/synthetic/index.js';
import { turn } from '../../pipeline/memory/doorbell.js';
import type { Anchor } from '../harness/open-loop-feed.js';
import { BOOK, type RunningPeer } from './peer.js';
import { TICK_BYTES, TickWriter } from './tick.js';

/** Milliseconds between two looks at the schedule, and that making ticks takes before others have their turn. */
const LOOK_MS = 1;
const TURN_MS = 5;
const TURN_TICKS_MAX = 2048;
/** The most that a publisher that batches puts into one message. */
const BATCH_BYTES_MAX = 128 * 1024;
const POOL_BYTES = 64 * 1024;
const SECOND_NS = 1e9;

export interface PublisherOptions {
  symbols: number;
  seed: number;
  skew: number;
  batched: boolean;
  /** Milliseconds. */
  batchMs: number;
  anchor: Anchor;
}

export class Publisher {
  readonly writer: TickWriter;
  readonly #market: Market;
  #wanted = 0;
  #stopped = false;
  #running: Promise<void> | undefined;
  #batch = Buffer.allocUnsafeSlow(BATCH_BYTES_MAX);
  #batched = 0;
  #batchSinceMs = 0;
  #pool = Buffer.allocUnsafeSlow(POOL_BYTES);
  #pooled = 0;
  // The present schedule: ticks per second, its start, and what was generated since and before.
  perSecond = 0;
  startNs = 0;
  generated = 0;
  madeBefore = 0;

  constructor(
    readonly options: PublisherOptions,
    readonly peer: RunningPeer,
  ) {
    const { symbols, seed, skew } = options;
    this.#market = new Market({ ...STANDARD_MARKET, symbols, seed, skew, tradeShare: 0 });
    this.writer = new TickWriter(this.#market);
  }

  start(): void {
    this.#running = this.#run();
  }

  set rate(perSecond: number) {
    this.#wanted = perSecond;
  }

  /** Whether no tick is generated any more, and all have been handed on. */
  get isStill(): boolean {
    return this.perSecond === 0 && this.#batched === 0;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const nowNs = monotonicNs();
      if (this.#wanted !== this.perSecond) {
        // What the last schedule still owed is given up: the next one must not pay for it.
        this.perSecond = this.#wanted;
        this.startNs = nowNs;
        this.madeBefore += this.generated;
        this.generated = 0;
      }
      const due = Math.floor(((nowNs - this.startNs) / SECOND_NS) * this.perSecond) - this.generated;
      const done = this.#offer(Math.min(due, TURN_TICKS_MAX));
      if (done < due && !this.peer.isFull()) await turn();
      else await sleep(LOOK_MS);
    }
  }

  /** Hands on ticks that are due; returns how many. */
  #offer(count: number): number {
    const endMs = performance.now() + TURN_MS;
    const periodUs = 1e6 / this.perSecond;
    const startUs = (this.startNs - this.options.anchor.monotonicNs) / 1e3;
    let done = 0;
    while (done < count && performance.now() < endMs && !this.peer.isFull()) {
      const dueUs = startUs + ++this.generated * periodUs;
      if (this.options.batched) this.#gather(dueUs);
      else this.#single(dueUs);
      this.#market.advance();
      done++;
    }
    if (this.#batched > 0 && performance.now() - this.#batchSinceMs >= this.options.batchMs)
      this.#sendBatch();
    if (done > 0 || this.options.batched) this.peer.flush();
    return done;
  }

  #single(dueUs: number): void {
    if (this.#pooled === POOL_BYTES) {
      this.#pool = Buffer.allocUnsafeSlow(POOL_BYTES);
      this.#pooled = 0;
    }
    const tick = this.#pool.subarray(this.#pooled, this.#pooled + TICK_BYTES);
    this.#pooled += TICK_BYTES;
    this.writer.write(tick, dueUs);
    this.peer.publish(this.writer.symbolId, tick);
  }

  #gather(dueUs: number): void {
    if (this.#batched === 0) this.#batchSinceMs = performance.now();
    this.writer.write(this.#batch.subarray(this.#batched), dueUs);
    this.#batched += TICK_BYTES;
    if (this.#batched === BATCH_BYTES_MAX) this.#sendBatch();
  }

  #sendBatch(): void {
    this.peer.publish(BOOK, this.#batch.subarray(0, this.#batched));
    this.#batch = Buffer.allocUnsafeSlow(BATCH_BYTES_MAX);
    this.#batched = 0;
  }
}
