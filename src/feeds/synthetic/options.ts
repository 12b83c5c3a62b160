/** What a user can set of a synthetic feed. */
import { z } from 'zod';
import { STANDARD_MARKET } from './market-options.js';

export const syntheticOptions = z.strictObject({
  rate: z
    .union([z.number().positive(), z.literal('max')])
    .default(50_000)
    .describe('Ticks per second, on average; "max": as fast as the engine takes them.'),
  swing: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe(
      'How far the rate swings around its average in each second: 0 not at all, 1 from none to double.',
    ),
  count: z.int().positive().optional().describe('Ticks after which the feed ends; absent: it never does.'),
  symbols: z
    .int()
    .min(1)
    .max(16_000)
    .default(STANDARD_MARKET.symbols)
    .describe('How many symbols there are.'),
  tradeShare: z
    .number()
    .min(0)
    .max(1)
    .default(STANDARD_MARKET.tradeShare)
    .describe('Share of trades among the ticks.'),
  seed: z.int().min(0).default(STANDARD_MARKET.seed).describe('The whole market follows from it.'),
  live: z.boolean().default(false).describe("Event times are those of emission, not the market's own."),
  startS: z
    .int()
    .min(0)
    .max(4_000_000_000)
    .default(STANDARD_MARKET.startS)
    .describe("Event time of the market's start in UNIX seconds, where it is not live."),
});

export type SyntheticOptions = z.infer<typeof syntheticOptions>;
