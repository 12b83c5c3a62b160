/** The connectors that come with the engine, by the word that the configuration uses. */
import type { FeedType } from './connector/feed.js';
import { fileFeed, fileOptions } from './file/index.js';
import { mt5, mt5Options } from './mt5/index.js';
import { syntheticFeed, syntheticOptions } from './synthetic/index.js';

export const FEED_TYPES = {
  mt5: { type: mt5 as FeedType<never>, schema: mt5Options, module: './mt5/index.js', export: 'mt5' },
  file: {
    type: fileFeed as FeedType<never>,
    schema: fileOptions,
    module: './file/index.js',
    export: 'fileFeed',
  },
  synthetic: {
    type: syntheticFeed as FeedType<never>,
    schema: syntheticOptions,
    module: './synthetic/index.js',
    export: 'syntheticFeed',
  },
} as const;

export type FeedTypeName = keyof typeof FEED_TYPES;

/** URL of a built-in connector's module, for a worker to load. */
export function feedModuleUrl(name: FeedTypeName): string {
  return new URL(FEED_TYPES[name].module, import.meta.url).href;
}
