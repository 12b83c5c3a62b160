/** What a user can set of a synthetic feed. */
import { z } from 'zod';
import { STANDARD_MARKET } from './market-options.js';

export const syntheticOptions = z.strictObject({
  /** Ticks per second, on average, or `max`: as fast as the engine takes them. */
  rate: z.union([z.number().positive(), z.literal('max')]).default(50_000),
  /** How far the rate swings around its average within each second: 0 (even) to 1 (from none to double). */
  swing: z.number().min(0).max(1).default(0.5),
  /** The feed ends after so many ticks; without it, it never does. */
  count: z.int().positive().optional(),
  symbols: z.int().min(1).max(16_000).default(STANDARD_MARKET.symbols),
  /** Share of trades among the ticks. */
  tradeShare: z.number().min(0).max(1).default(STANDARD_MARKET.tradeShare),
  /** The whole market follows from it. */
  seed: z.int().min(0).default(STANDARD_MARKET.seed),
  /** Event times are those of emission, instead of the generator's own. */
  live: z.boolean().default(false),
  /** Event time of the market's start, UNIX seconds, where the feed is not live. */
  startS: z.int().min(0).max(4_000_000_000).default(STANDARD_MARKET.startS),
});

export type SyntheticOptions = z.infer<typeof syntheticOptions>;
