/**
 * How old what clients show is. A pair of client and symbol is stale from when the first tick was due that it
 * does not have: how long ago that was is its staleness, and 0 when it has all that was due. Looks at random
 * pairs are noted while the load runs, and are judged afterwards, against a market that is generated again from its seed.
 */

import { RECORD_U32, U32_SYMBOL } from '../../core/tick.js';
import { Market, STANDARD_MARKET } from '../../feeds/synthetic/index.js';
import { LatencySamples, type LatencyUs } from '../harness/latency.js';
import type { TickCheck } from '../harness/packed-checker.js';
import { Uniform } from '../harness/random.js';

const LOOK_MS = 50;
const PAIRS_PER_LOOK = 500;
const LOOKS_MAX = 4000;
/** Ticks of a schedule that are generated again at most: what would take longer is not worth it. */
const TICKS_MAX = 30e6;

export interface StaleMarket {
  symbols: number;
  seed: number;
  skew: number;
  tradeShare: number;
}

/** The schedule that the looks fell into. */
export interface StaleSchedule {
  perSecond: number;
  /** Microseconds since the anchor that it is counted from. */
  startUs: number;
  /** Ticks of the market before it. */
  madeBefore: number;
  /** symbolSeq by symbol id, before the market's first tick. */
  symbolSeqs: number[];
}

export class StalenessWatch {
  readonly #pairs = new Int32Array(LOOKS_MAX * PAIRS_PER_LOOK * 3);
  readonly #times = new Float64Array(LOOKS_MAX);
  #looks = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #uniform = new Uniform(1);
  #market: Market;
  #generated = 0;
  /** Ticks by symbol id up to `#generated`. */
  readonly #counts: Float64Array;

  /**
   * @param watchedIds by reader: ids of the symbols that it watches
   * @param now microseconds since the anchor
   */
  constructor(
    readonly check: TickCheck,
    readonly watchedIds: readonly number[][],
    readonly market: StaleMarket,
    readonly now: () => number,
  ) {
    this.#market = new Market({ ...STANDARD_MARKET, ...market });
    this.#counts = new Float64Array(market.symbols + 1);
  }

  start(): void {
    this.stop();
    this.#looks = 0;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#looks === LOOKS_MAX) return;
    this.#times[this.#looks] = this.now();
    let w = this.#looks++ * PAIRS_PER_LOOK * 3;
    for (let n = 0; n < PAIRS_PER_LOOK; n++) {
      const client = this.#uniform.below(this.watchedIds.length);
      const ids = this.watchedIds[client];
      const symbol = ids[this.#uniform.below(ids.length)];
      this.#pairs[w++] = client;
      this.#pairs[w++] = symbol;
      this.#pairs[w++] = this.check.symbolSeq(client, symbol);
    }
  }

  /** What the looks found; null when there were none, or too many ticks to make again. */
  evaluate({ perSecond, startUs, madeBefore, symbolSeqs }: StaleSchedule): LatencyUs | null {
    const periodUs = 1e6 / perSecond;
    const last = this.#times[this.#looks - 1];
    const due = Math.floor((last - startUs) / periodUs);
    if (this.#looks === 0 || due > TICKS_MAX) return null;
    this.#skipTo(madeBefore);
    const before = this.#counts.slice();
    const ticks = this.#make(due);
    const samples = new LatencySamples();
    for (let look = 0; look < this.#looks; look++) {
      const now = this.#times[look];
      for (let w = look * PAIRS_PER_LOOK * 3, n = 0; n < PAIRS_PER_LOOK; n++, w += 3) {
        const symbol = this.#pairs[w + 1];
        const seen = ((this.#pairs[w + 2] - symbolSeqs[symbol]) | 0) - before[symbol];
        // Negative is what lacks ticks of an earlier schedule: then it is at least as old as this one.
        const first = ticks[symbol][Math.max(0, seen)];
        samples.record(first === undefined ? 0 : Math.max(0, now - startUs - first * periodUs));
      }
    }
    return samples.summary();
  }

  #skipTo(generated: number): void {
    if (generated < this.#generated) {
      // The system generated fewer ticks than were due: what was generated again went beyond them.
      this.#market = new Market({ ...STANDARD_MARKET, ...this.market });
      this.#counts.fill(0);
      this.#generated = 0;
    }
    while (this.#generated < generated) {
      const count = Math.min(this.#market.left, generated - this.#generated);
      const { u32 } = this.#market.block;
      for (let i = 0; i < count; i++)
        this.#counts[u32[(this.#market.at + i) * RECORD_U32 + U32_SYMBOL] + 1]++;
      this.#market.advance(count);
      this.#generated += count;
    }
  }

  /** Makes ticks; returns their numbers in the schedule, from 1, by symbol id. */
  #make(count: number): number[][] {
    const ticks: number[][] = Array.from(this.#counts, () => []);
    for (let n = 1; n <= count; n++) {
      const id = this.#market.block.u32[this.#market.at * RECORD_U32 + U32_SYMBOL] + 1;
      ticks[id].push(n);
      this.#counts[id]++;
      this.#market.advance();
    }
    this.#generated += count;
    return ticks;
  }
}
