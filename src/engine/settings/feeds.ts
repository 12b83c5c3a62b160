/** Settings of the feeds: how each is named and loaded, and the options of those that come with the engine. */
import { existsSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { z } from 'zod';
import { type Checked, check, fault, type SettingPath } from '../../core/check-settings.js';
import { FEEDS_MAX } from '../../core/limits.js';
import type { Feed } from '../../feeds/connector/feed.js';
import { FEED_TYPES, type FeedTypeName } from '../../feeds/index.js';
import { describeSettings, type SettingLine } from './describe.js';

const common = {
  name: z.string().min(1),
  aliases: z.record(z.string(), z.string().min(1)).optional(),
  policy: z.enum(['block', 'conflate']).optional(),
};

const builtInFeed = z.strictObject({
  ...common,
  type: z.enum(Object.keys(FEED_TYPES) as [FeedTypeName, ...FeedTypeName[]]),
  /** Checked by `checkFeedOptions`. */
  options: z.custom<object>().optional(),
});
const moduleFeed = z.strictObject({
  ...common,
  module: z.union([z.string().min(1), z.instanceof(URL)]),
  export: z.string().min(1),
  options: z.unknown().optional(),
});
const hostFeed = z.strictObject({
  ...common,
  feed: z.custom<Feed>((value) => typeof value === 'object' && value !== null, 'must be a feed object'),
  stateWords: z.int().min(0).optional(),
});

/** The common part of the schemas, with comments for hosts. The compiler compares this type with the schemas. */
interface FeedCommon {
  /** Unique among the engine's feeds. Sources and stream positions are stored under this name. */
  name: string;
  /** Raw symbol name → canonical name. */
  aliases?: Record<string, string> | undefined;
  /** Overrides the connector's own choice. */
  policy?: 'block' | 'conflate' | undefined;
}
/** A built-in connector. */
export interface BuiltInFeed extends FeedCommon, z.input<typeof builtInFeed> {}
/** A connector that a worker loads from a module: the export named `export` is a `FeedType`. */
export interface ModuleFeed extends FeedCommon, z.input<typeof moduleFeed> {}
/** A connector object that runs on the host's own thread. */
export interface HostFeed extends FeedCommon, z.input<typeof hostFeed> {
  /** float64 words of its checkpoint. */
  stateWords?: number | undefined;
}
export type EngineFeed = BuiltInFeed | ModuleFeed | HostFeed;

/** A list of feeds; each feed is checked by `checkFeed` or `checkHostFeed`, which know which form was meant. */
export function feedList<T>() {
  return z
    .array(z.custom<T>())
    .max(FEEDS_MAX)
    .refine((feeds) => !hasNameTwice(feeds), 'two feeds have the same name; give each its own');
}

function hasNameTwice(feeds: unknown[]): boolean {
  const names = feeds
    .map((feed) => (feed as { name?: unknown } | null)?.name)
    .filter((name) => name !== undefined);
  return new Set(names).size !== names.length;
}

/** Checks a feed as a config file gives it, with its options. */
export function checkFeed(given: unknown, at: SettingPath): Checked<BuiltInFeed | ModuleFeed> {
  if (isA(given, 'module')) return check(moduleFeed, given, at);
  const feed = check(builtInFeed, given, at);
  if (feed.value === undefined) return feed;
  const options = checkFeedOptions(feed.value.type, feed.value.options, [...at, 'options']);
  if (options.value === undefined) return options;
  return { value: { ...feed.value, options: options.value }, faults: [] };
}

/** Checks a feed as a library host gives it. */
export function checkHostFeed(given: unknown, at: SettingPath): Checked<EngineFeed> {
  if (isA(given, 'feed')) return check(hostFeed, given, at);
  return checkFeed(given, at);
}

function isA(given: unknown, key: string): boolean {
  return typeof given === 'object' && given !== null && key in given;
}

/** Checks the options of a feed type, and fills in their defaults. */
export function checkFeedOptions(type: FeedTypeName, options: unknown, at: SettingPath): Checked<object> {
  const checked = check(FEED_TYPES[type].schema as z.ZodType<object>, options ?? {}, at);
  if (checked.value === undefined) {
    const known = optionsOf(type).map(({ name }) => name);
    const faults = checked.faults.map((found) =>
      found.text.includes('unknown setting; did you mean')
        ? { ...found, text: `${found.text} ${type} has ${known.join(', ')}` }
        : found,
    );
    return { value: undefined, faults };
  }
  if (type !== 'file') return checked;
  const { path } = checked.value as { path: string | string[] };
  const absent = [path].flat().filter((named) => !isThere(named));
  if (absent.length === 0) return checked;
  const faults = absent.map((named) => fault([...at, 'path'], `there is no file or folder ${named}`));
  return { value: undefined, faults };
}

/** Whether a path exists; of a pattern, whether its folder does. */
function isThere(path: string): boolean {
  return existsSync(path) || (/[*?]/.test(basename(path)) && existsSync(dirname(path)));
}

/** The options of a feed type, in the order of its schema. */
export function optionsOf(type: FeedTypeName): SettingLine[] {
  return describeSettings(FEED_TYPES[type].schema);
}
