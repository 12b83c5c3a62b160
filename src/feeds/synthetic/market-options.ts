/** What the synthetic market follows from. */
export interface MarketOptions {
  /** How many symbols; 1 to 65,535. */
  symbols: number;
  /** Share of trades among the ticks, 0 to 1. */
  tradeShare: number;
  /** How fast activity falls with rank (the exponent of Zipf's law); 0: all symbols are equally busy. */
  skew: number;
  /** Integer that the whole market follows from. */
  seed: number;
  /** Event time of the market's start, UNIX seconds. */
  startS: number;
  /** Ticks per second of event time, on average, about. */
  ticksPerSecond: number;
}

/** The market that benchmarks and tests speak of. */
export const STANDARD_MARKET: Readonly<MarketOptions> = Object.freeze({
  symbols: 500,
  tradeShare: 0.05,
  skew: 0.9,
  seed: 1,
  startS: 1_718_776_800,
  ticksPerSecond: 20_000,
});
