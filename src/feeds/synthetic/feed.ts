/** Feeds the synthetic market into the engine, at a set rate or as fast as the rings take it. */
import { messageOf } from '../../core/errors.js';
import { SYNTHETIC_BATCH_TICKS } from '../../core/limits.js';
import { turn } from '../../pipeline/memory/doorbell.js';
import type { Feed, FeedContext, FeedStatus } from '../connector/feed.js';
import type { Source } from '../connector/feed-sink.js';
import { PauseGate, type Sleep, sleepFor } from '../connector/pause-gate.js';
import { Market, marketStateWords } from './market.js';
import { type MarketOptions, STANDARD_MARKET } from './market-options.js';
import type { SyntheticOptions } from './options.js';
import { ticksDue } from './schedule.js';

// Words of the checkpoint: whether it is in use, ticks made, then the market's state.
const USED = 0;
const MADE = 1;
const MARKET = 2;

/** Milliseconds between two looks at the schedule. */
const LOOK_MS = 1;

export function syntheticStateWords(options: SyntheticOptions): number {
  return MARKET + marketStateWords(options.symbols);
}

export class SyntheticFeed implements Feed {
  #state: FeedStatus['state'] = 'starting';
  #detail = 'making the market';
  #context!: FeedContext;
  #source!: Source;
  #signal!: AbortSignal;
  #market!: Market;
  /** Ticks made so far, in all runs. */
  #made = 0;
  /** The schedule's start by the clock, and what was made by then. */
  #startS = 0;
  #startNs = 0;
  #madeAtStart = 0;
  #isFull = false;
  #running: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();
  readonly #gate = new PauseGate();

  constructor(
    readonly options: SyntheticOptions,
    readonly sleep: Sleep = sleepFor,
  ) {}

  async start(context: FeedContext): Promise<void> {
    this.#context = context;
    this.#signal = AbortSignal.any([context.signal, this.#stop.signal]);
    const { symbols, tradeShare, seed, startS } = this.options;
    const market: MarketOptions = { ...STANDARD_MARKET, symbols, tradeShare, seed, startS };
    const words = context.state();
    const goesOn = context.resumed && words[USED] === 1;
    this.#market = new Market(market, goesOn ? words.slice(MARKET) : undefined);
    this.#made = goesOn ? words[MADE] : 0;
    this.#source = context.source('synthetic');
    const ids = this.#market.symbols.map(({ name, digits }) =>
      context.symbol(this.#source, name, { digits }),
    );
    this.#market.label(Uint32Array.from(ids), this.#source.id);
    this.#state = 'live';
    this.#detail = `${symbols} symbols, ${this.options.rate} ticks/s`;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  pause(): void {
    this.#gate.pause();
  }

  resume(): void {
    this.#gate.resume();
  }

  status(): FeedStatus {
    return {
      state: this.#state === 'live' && this.#gate.isPaused ? 'paused' : this.#state,
      detail: this.#detail,
      sources: this.#state === 'live' ? 1 : 0,
      counters: { made: this.#made },
    };
  }

  async #run(): Promise<void> {
    const { sink } = this.#context;
    const limit = this.options.count ?? Number.POSITIVE_INFINITY;
    try {
      this.#restartSchedule();
      while (this.#made < limit && !this.#signal.aborted) {
        if (this.#gate.isPaused) {
          await this.#gate.pass(this.#signal);
          this.#restartSchedule();
          continue;
        }
        sink.stamp();
        const wanted = Math.min(this.#due(), limit - this.#made, SYNTHETIC_BATCH_TICKS);
        this.#offer(wanted);
        // Also without new ticks: a commit moves on what stands aside.
        if (wanted > 0 || sink.conflating > 0) this.#commit();
        if (this.#isFull) await sink.room();
        else if (wanted < SYNTHETIC_BATCH_TICKS && this.#made < limit)
          await this.sleep(LOOK_MS, this.#signal);
        else await turn();
      }
      while (sink.conflating > 0 && !this.#signal.aborted) await sink.room();
      if (this.#made >= limit) this.#state = 'ended';
    } catch (error) {
      this.#state = 'failed';
      this.#detail = messageOf(error);
      this.#context.log.error({ error: this.#detail }, 'the synthetic feed cannot go on');
    }
  }

  #restartSchedule(): void {
    const { clock } = this.#context;
    clock.stamp();
    this.#startS = clock.seconds;
    this.#startNs = clock.nanos;
    this.#madeAtStart = this.#made;
  }

  /** Ticks that are due now and not yet made. */
  #due(): number {
    const { rate, swing } = this.options;
    if (rate === 'max') return Number.POSITIVE_INFINITY;
    const { clock } = this.#context;
    const elapsedS = clock.seconds - this.#startS + (clock.nanos - this.#startNs) / 1e9;
    return ticksDue(elapsedS, rate, swing) + this.#madeAtStart - this.#made;
  }

  /** Offers ticks until there is no room. The market only moves on with a tick that was accepted. */
  #offer(count: number): void {
    const market = this.#market;
    const { live } = this.options;
    this.#isFull = false;
    for (let left = count; left > 0 && !this.#isFull; ) {
      const wanted = Math.min(left, market.left);
      const done = this.#context.sink.offer(this.#source, market.block, market.at, wanted, live);
      market.advance(done);
      this.#made += done;
      this.#isFull = done < wanted;
      left -= done;
    }
  }

  #commit(): void {
    const words = this.#context.state();
    words[USED] = 1;
    words[MADE] = this.#made;
    this.#market.save(words.subarray(MARKET));
    this.#context.sink.commit();
  }
}
