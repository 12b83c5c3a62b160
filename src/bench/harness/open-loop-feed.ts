/**
 * The synthetic market on an open-loop schedule that the scenario sets while it runs. The event time of a
 * tick is when it was due, not when the feed came to generate it, so that a receiver knows how late it
 * is, whatever held it up. Due times follow the system's monotonic clock, which other processes can read.
 */
import { monotonicNs } from '../../core/clock.js';
import { SYNTHETIC_BATCH_TICKS } from '../../core/limits.js';
import { RECORD_U32, StatusCode, U32_TS_EVENT_NS, U32_TS_EVENT_S } from '../../core/tick.js';
import type { Feed, FeedContext, FeedStatus, FeedType } from '../../feeds/connector/feed.js';
import type { Source } from '../../feeds/connector/feed-sink.js';
import { Market, STANDARD_MARKET } from '../../feeds/synthetic/index.js';
import { turn } from '../../pipeline/memory/doorbell.js';
import { StageJournal } from '../../pipeline/memory/stage-journal.js';

/** Milliseconds between two looks at the schedule. */
const LOOK_MS = 1;
/** Looks between two turns of the event loop, which has nothing to do but to end this thread. */
const LOOKS_PER_TURN = 16;
const SECOND_NS = 1e9;

/** A moment on both clocks: event time = anchor + monotonic time since. */
export interface Anchor {
  wallS: number;
  monotonicNs: number;
}

export interface OpenLoopOptions {
  symbols: number;
  seed: number;
  tradeShare: number;
  /** Exponent of Zipf's law; 0: all symbols are equally busy. */
  skew: number;
  anchor: Anchor;
  /** Words of `Rate` and of `Schedule`: `RATE_BYTES`. */
  rate: SharedArrayBuffer;
  /** A `StageJournal`, by time of receipt in ns since the anchor's second; undefined: none is kept. */
  journal?: SharedArrayBuffer;
}

/** i32 words, in ticks per second; 0 = none. */
export const Rate = {
  wanted: 0,
  /** What the feed goes by; all ticks of an earlier rate are committed. */
  taken: 1,
} as const;

/** f64 words after them: the schedule at hand. */
export const Schedule = {
  /** Monotonic time that it is counted from; tick n (from 1) is due n / rate later. */
  startNs: 1,
  /** Ticks that the market had generated before it. */
  madeBefore: 2,
} as const;
export const RATE_BYTES = 24;

class OpenLoopFeed implements Feed {
  readonly #rate: Int32Array;
  readonly #schedule: Float64Array;
  readonly #journal: StageJournal | undefined;
  #context!: FeedContext;
  #source!: Source;
  #market!: Market;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  /** What nobody ever changes: to sleep on, at a tenth of what a timer of the event loop costs. */
  readonly #nothing = new Int32Array(new SharedArrayBuffer(4));
  // The present schedule: ticks per second, its start, and what was generated since.
  #perSecond = 0;
  #startNs = 0;
  #generated = 0;

  constructor(readonly options: OpenLoopOptions) {
    this.#rate = new Int32Array(options.rate);
    this.#schedule = new Float64Array(options.rate);
    this.#journal = options.journal && new StageJournal(options.journal);
  }

  async start(context: FeedContext): Promise<void> {
    const { symbols, seed, tradeShare, skew } = this.options;
    this.#context = context;
    this.#source = context.source('market');
    this.#market = new Market({ ...STANDARD_MARKET, symbols, seed, tradeShare, skew });
    const ids = this.#market.symbols.map(({ name, digits }) =>
      context.symbol(this.#source, name, { digits }),
    );
    this.#market.label(Uint32Array.from(ids), this.#source.id);
    await this.#open(ids);
    this.#running = this.#run();
  }

  /** Says of each symbol that it trades: so its definition is sequenced too, before anything is measured. */
  async #open(ids: readonly number[]): Promise<void> {
    const { sink } = this.#context;
    sink.stamp();
    for (const id of ids) while (!sink.status(this.#source, id, StatusCode.trading, 0)) await sink.room();
    sink.commit();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  status(): FeedStatus {
    return { state: 'live', detail: `${this.#perSecond} ticks/s`, sources: 1 };
  }

  async #run(): Promise<void> {
    const { sink } = this.#context;
    let looks = 0;
    while (!this.#stopped) {
      const perSecond = Atomics.load(this.#rate, Rate.wanted);
      const nowNs = monotonicNs();
      if (perSecond !== this.#perSecond) {
        // What the last schedule still owed is given up: the next one must not pay for it.
        this.#perSecond = perSecond;
        this.#startNs = nowNs;
        this.#schedule[Schedule.startNs] = nowNs;
        this.#schedule[Schedule.madeBefore] += this.#generated;
        this.#generated = 0;
        Atomics.store(this.#rate, Rate.taken, perSecond);
      }
      const due = Math.floor(((nowNs - this.#startNs) / SECOND_NS) * perSecond) - this.#generated;
      const isFull = this.#offer(Math.min(due, SYNTHETIC_BATCH_TICKS));
      if (isFull) await sink.room();
      else if (due > SYNTHETIC_BATCH_TICKS) await turn();
      else if (++looks % LOOKS_PER_TURN === 0) await turn();
      else Atomics.wait(this.#nothing, 0, 0, LOOK_MS);
    }
  }

  /** Offers ticks that are due; true when there was no room for all. */
  #offer(count: number): boolean {
    if (count <= 0) return false;
    const { sink } = this.#context;
    const market = this.#market;
    sink.stamp();
    const stampedNs = monotonicNs();
    let left = count;
    let isFull = false;
    while (left > 0 && !isFull) {
      const wanted = Math.min(left, market.left);
      this.#date(wanted);
      const done = sink.offer(this.#source, market.block, market.at, wanted, false);
      market.advance(done);
      this.#generated += done;
      left -= done;
      isFull = done < wanted;
    }
    this.#journal?.note(
      (sink.recvS - this.options.anchor.wallS) * SECOND_NS + sink.recvNs,
      stampedNs,
      monotonicNs(),
    );
    sink.commit();
    return isFull;
  }

  /** Writes into the next ticks of the market when they are due: tick n of the schedule, n / rate after its start. */
  #date(count: number): void {
    const { u32 } = this.#market.block;
    const { anchor } = this.options;
    const periodNs = SECOND_NS / this.#perSecond;
    const startNs = this.#startNs - anchor.monotonicNs;
    for (let i = 0; i < count; i++) {
      const dueNs = startNs + (this.#generated + i + 1) * periodNs;
      const s = Math.floor(dueNs / SECOND_NS);
      let us = Math.floor((dueNs - s * SECOND_NS) / 1000);
      // A batch takes its unit of time from its first tick: with whole milliseconds there, the others would not fit.
      if (us % 1000 === 0) us++;
      const w = (this.#market.at + i) * RECORD_U32;
      u32[w + U32_TS_EVENT_S] = anchor.wallS + s;
      u32[w + U32_TS_EVENT_NS] = us * 1000;
    }
  }
}

export const openLoopFeed: FeedType<OpenLoopOptions> = {
  policy: 'block',
  stateWords: () => 0,
  create: (options) => new OpenLoopFeed(options),
};
