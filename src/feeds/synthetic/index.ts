/** The synthetic feed: a seeded market for demos, tests and benchmarks, at any rate. */
import type { FeedType } from '../connector/feed.js';
import { SyntheticFeed, syntheticStateWords } from './feed.js';
import type { SyntheticOptions } from './options.js';

export { Market, marketStateWords } from './market.js';
export { type MarketOptions, STANDARD_MARKET } from './market-options.js';
export { type SyntheticOptions, syntheticOptions } from './options.js';

/** The policy is a default: the feed's own setting overrides it, as for every feed. */
export const syntheticFeed: FeedType<SyntheticOptions> = {
  policy: 'block',
  stateWords: syntheticStateWords,
  create: (options) => new SyntheticFeed(options),
};
