/**
 * The whole configuration: flags override the environment, which overrides the config file, which overrides defaults.
 * Everything is checked before anything starts. One error names every fault, with its setting and the variable or flag.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { badConfig, check, type Fault } from '../core/check-settings.js';
import type { EngineOptions } from './options.js';
import { readConfigFile } from './settings/config-file.js';
import { readEnvironment } from './settings/environment.js';
import { checkFeed, type EngineFeed } from './settings/feeds.js';
import { merge } from './settings/merge.js';
import { type Origin, withOrigin } from './settings/origin.js';
import { configSchema } from './settings/schema.js';

export type { ConfigInput } from './settings/schema.js';

/** Name of the config file that is read when no other file is named, if it exists. */
const CONFIG_FILE = 'tickwire.json';
/** Where the built page lies: the default of `http.webRoot`, once `npm run build` has made it. */
const WEB_ROOT = fileURLToPath(new URL('../web/public', import.meta.url));

export interface ConfigSources {
  /** What flags set, in the shape of the config file. */
  flags?: object;
  /** Names of the flags that set each value, for the text of faults. */
  flagNames?: readonly Origin[];
  environment?: Record<string, string | undefined>;
  /** Path of the config file; absent: `TICKWIRE_CONFIG`, then `tickwire.json` where there is one. */
  file?: string | undefined;
}

/**
 * Reads the configuration.
 * @throws TickwireError bad_config: one line for each fault
 */
export function loadConfig(sources: ConfigSources = {}): EngineOptions {
  const variables = sources.environment ?? {};
  const named = sources.file ?? variables.TICKWIRE_CONFIG;
  const path = named ?? (existsSync(CONFIG_FILE) ? CONFIG_FILE : undefined);
  const fromFile = path === undefined ? {} : readConfigFile(path);
  const environment = readEnvironment(variables);
  const merged = merge(merge(fromFile, environment.settings), sources.flags ?? {});
  const checked = check(configSchema, merged);
  const feeds = readFeeds(checked.value ?? merged);
  const found = [...checked.faults, ...feeds.faults];
  const origins = [...environment.origins, ...(sources.flagNames ?? [])];
  const faults = [...environment.faults, ...found.map((fault) => withOrigin(fault, origins))];
  if (faults.length > 0 || checked.value === undefined) throw badConfig(faults);
  const { http, ...rest } = checked.value;
  const page = existsSync(WEB_ROOT) ? { webRoot: WEB_ROOT } : {};
  return { ...rest, feeds: feeds.read, http: http === false ? false : { ...page, ...http } };
}

/** The feeds, checked one by one even where other settings have faults, so that all faults are named at once. */
function readFeeds({ feeds = [] }: { feeds?: unknown }): { read: EngineFeed[]; faults: Fault[] } {
  const given: unknown[] = Array.isArray(feeds) ? feeds : [];
  const checked = given.map((feed, index) => checkFeed(feed, ['feeds', index]));
  const read = checked.flatMap(({ value }) => (value === undefined ? [] : [withModuleUrl(value)]));
  return { read, faults: checked.flatMap(({ faults }) => faults) };
}

/** A bare path becomes a file URL, because that is what a worker imports. */
function withModuleUrl(feed: EngineFeed): EngineFeed {
  if (!('module' in feed) || feed.module instanceof URL || /^[a-z]+:/i.test(feed.module)) return feed;
  return { ...feed, module: pathToFileURL(resolve(feed.module)).href };
}
