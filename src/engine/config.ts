/**
 * The whole configuration: flags over environment over the config file over defaults. Everything is checked
 * before anything starts, and every fault is told at once, by the name of its field.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { codeOf, messageOf, TickwireError } from '../core/errors.js';
import {
  BROADCAST_RING_SLOTS,
  CAPTURE_FILE_BYTES,
  CRITICAL_RING_SLOTS,
  LOG_COMMIT_BYTES,
  LOG_COMMIT_DELAY_MS,
  LOG_FREE_BYTES_FLOOR,
  LOG_INFLIGHT_BYTES,
  LOG_SEGMENT_MS,
  LOG_SEGMENT_MS_MIN,
  RAW_RING_SLOTS,
  SHARDS_MAX,
  SYMBOLS_DEFAULT,
} from '../core/limits.js';
import { fanoutOptionsSchema } from '../fanout/contract/options.js';
import { FEED_TYPES, type FeedTypeName } from '../feeds/index.js';
import { COMPRESSIONS } from '../log/format/compress.js';
import { badConfig, type Checked, check, hint } from './config-check.js';
import { checkFeedOptions } from './feed-options.js';
import type { EngineFeed, EngineOptions } from './options.js';

/** Read when no other file is named, and it is there. */
const CONFIG_FILE = 'tickwire.json';
/** Where the built page lies: the default of `http.webRoot`, once `npm run build` has made it. */
const WEB_ROOT = fileURLToPath(new URL('../web/public', import.meta.url));

const feedCommon = {
  name: z.string().min(1),
  aliases: z.record(z.string(), z.string().min(1)).optional(),
  policy: z.enum(['block', 'conflate']).optional(),
};
const builtInFeed = z.strictObject({
  ...feedCommon,
  type: z.enum(Object.keys(FEED_TYPES) as [FeedTypeName, ...FeedTypeName[]]),
  options: z.unknown().optional(),
});
const moduleFeed = z.strictObject({
  ...feedCommon,
  module: z.string().min(1),
  export: z.string().min(1),
  options: z.unknown().optional(),
});

const retentionSchema = z.strictObject({
  ageDays: z.number().positive().optional(),
  totalBytes: z.int().min(1).optional(),
  freeBytes: z.int().min(1).optional(),
});
const logSchema = z.strictObject({
  commitDelayMs: z.int().min(1).max(60_000).default(LOG_COMMIT_DELAY_MS),
  commitBytes: z
    .int()
    .min(4_096)
    .max(LOG_INFLIGHT_BYTES / 2)
    .default(LOG_COMMIT_BYTES),
  sync: z.enum(['every-commit', 'interval', 'os']).default('every-commit'),
  onStall: z.enum(['block', 'shed']).default('block'),
  retention: retentionSchema.prefault({}),
  compression: z.enum(COMPRESSIONS).default('none'),
  recompress: z.enum(COMPRESSIONS).default('none'),
  segmentMs: z.int().min(LOG_SEGMENT_MS_MIN).default(LOG_SEGMENT_MS),
  freeBytesFloor: z.int().min(0).default(LOG_FREE_BYTES_FLOOR),
});
const ringsSchema = z.strictObject({
  raw: z.int().min(1).default(RAW_RING_SLOTS),
  broadcast: z.int().min(1).default(BROADCAST_RING_SLOTS),
  critical: z.int().min(1).default(CRITICAL_RING_SLOTS),
});

/** What a config file may hold; `docs/operations.md` says what each setting means. */
const configSchema = z.strictObject({
  dataFolder: z.union([z.string().min(1), z.literal(false)]).default('./data'),
  shards: z.int().min(1).max(SHARDS_MAX).default(1),
  maxSymbols: z.int().min(2).default(SYMBOLS_DEFAULT),
  feeds: z.array(z.unknown()).default([{ name: 'mt5', type: 'mt5' }]),
  log: logSchema.prefault({}),
  http: z.union([fanoutOptionsSchema, z.literal(false)]).prefault({}),
  rings: ringsSchema.prefault({}),
  capture: z
    .strictObject({ folder: z.string().min(1), fileBytes: z.int().min(1).default(CAPTURE_FILE_BYTES) })
    .optional(),
});

/** Settings as they are written: every one optional. */
export type ConfigInput = z.input<typeof configSchema>;

/** Environment variables, the field that each sets, and how its text is read. */
const VARIABLES: Record<string, { path: string[]; read: 'text' | 'number' | 'json' | 'folder' }> = {
  TICKWIRE_DATA_FOLDER: { path: ['dataFolder'], read: 'folder' },
  TICKWIRE_SHARDS: { path: ['shards'], read: 'number' },
  TICKWIRE_MAX_SYMBOLS: { path: ['maxSymbols'], read: 'number' },
  TICKWIRE_FEEDS: { path: ['feeds'], read: 'json' },
  TICKWIRE_LOG_COMMIT_DELAY_MS: { path: ['log', 'commitDelayMs'], read: 'number' },
  TICKWIRE_LOG_COMMIT_BYTES: { path: ['log', 'commitBytes'], read: 'number' },
  TICKWIRE_LOG_SYNC: { path: ['log', 'sync'], read: 'text' },
  TICKWIRE_LOG_ON_STALL: { path: ['log', 'onStall'], read: 'text' },
  TICKWIRE_LOG_SEGMENT_MS: { path: ['log', 'segmentMs'], read: 'number' },
  TICKWIRE_LOG_COMPRESSION: { path: ['log', 'compression'], read: 'text' },
  TICKWIRE_LOG_RECOMPRESS: { path: ['log', 'recompress'], read: 'text' },
  TICKWIRE_LOG_RETENTION_AGE_DAYS: { path: ['log', 'retention', 'ageDays'], read: 'number' },
  TICKWIRE_LOG_RETENTION_TOTAL_BYTES: { path: ['log', 'retention', 'totalBytes'], read: 'number' },
  TICKWIRE_LOG_RETENTION_FREE_BYTES: { path: ['log', 'retention', 'freeBytes'], read: 'number' },
  TICKWIRE_LOG_FREE_BYTES_FLOOR: { path: ['log', 'freeBytesFloor'], read: 'number' },
  TICKWIRE_HTTP_HOST: { path: ['http', 'host'], read: 'text' },
  PORT: { path: ['http', 'port'], read: 'number' },
  TICKWIRE_HTTP_PORT: { path: ['http', 'port'], read: 'number' },
  TICKWIRE_HTTP_ALLOWED_ORIGINS: { path: ['http', 'allowedOrigins'], read: 'json' },
  TICKWIRE_HTTP_ALLOWED_HOSTS: { path: ['http', 'allowedHosts'], read: 'json' },
  TICKWIRE_HTTP_AUTH_KEYS: { path: ['http', 'auth', 'keys'], read: 'json' },
  TICKWIRE_HTTP_TRUSTED_PROXIES: { path: ['http', 'trustedProxies'], read: 'json' },
};
/** Variables that others read: the config file's path, and the tests' recorded data and length. */
const OTHER_VARIABLES = ['TICKWIRE_CONFIG', 'TICKWIRE_DATA', 'TICKWIRE_LONG'];

export interface ConfigSources {
  /** What flags set, in the shape of the config file. */
  flags?: object;
  environment?: Record<string, string | undefined>;
  /** Path of the config file; absent: `TICKWIRE_CONFIG`, then `tickwire.json` where there is one. */
  file?: string | undefined;
}

/**
 * Reads the configuration.
 * @throws TickwireError bad_config: one line for each fault
 */
export function loadConfig(sources: ConfigSources = {}): EngineOptions {
  const environment = sources.environment ?? {};
  const faults: string[] = [];
  const named = sources.file ?? environment.TICKWIRE_CONFIG;
  const path = named ?? (existsSync(CONFIG_FILE) ? CONFIG_FILE : undefined);
  const fromFile = path === undefined ? {} : readConfigFile(path);
  const merged = merge(merge(fromFile, fromEnvironment(environment, faults)), sources.flags ?? {});
  const checked = check(configSchema, merged);
  faults.push(...checked.faults);
  const feeds = readFeeds(merged, faults);
  if (faults.length > 0 || checked.value === undefined) throw badConfig(faults);
  const { http, ...rest } = checked.value;
  const page = existsSync(WEB_ROOT) ? { webRoot: WEB_ROOT } : {};
  return { ...rest, feeds, http: http === false ? false : { ...page, ...http } };
}

/**
 * A config file's content.
 * @throws TickwireError bad_config with the line where its JSON breaks
 */
function readConfigFile(path: string): object {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const why = codeOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error);
    throw new TickwireError('bad_config', `The config file ${path} cannot be read: ${why}.`, {
      cause: error,
    });
  }
  const value = parseJson(text, `The config file ${path}`);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TickwireError('bad_config', `The config file ${path} must hold one JSON object.`);
  }
  return value;
}

function parseJson(text: string, what: string): unknown {
  const fault = faultOfJson(text);
  if (fault === undefined) return JSON.parse(text);
  const lines = text.split('\n');
  // The parser does not always tell where it stopped: the first line at which more text cannot help is meant.
  let line = 1;
  while (line < lines.length && mayGoOn(lines.slice(0, line).join('\n'))) line++;
  const why = fault.replace(/, (\.\.\.)?".*is not valid JSON$/s, '').replace(/ in JSON at.*$/s, '');
  throw new TickwireError('bad_config', `${what} is not valid JSON, line ${line}: ${why}.`);
}

/** Whether a text is the beginning of valid JSON, as far as it goes. */
function mayGoOn(text: string): boolean {
  const fault = faultOfJson(text);
  if (fault === undefined || /^(Unexpected end|Unterminated string)/.test(fault)) return true;
  return Number(/at position (\d+)/.exec(fault)?.[1] ?? -1) >= text.length;
}

function faultOfJson(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function fromEnvironment(environment: Record<string, string | undefined>, faults: string[]): object {
  const known = [...Object.keys(VARIABLES), ...OTHER_VARIABLES];
  for (const name of Object.keys(environment)) {
    if (name.startsWith('TICKWIRE_') && !known.includes(name)) {
      faults.push(`${name}: unknown variable; ${hint(name, known)}`);
    }
  }
  let settings: object = {};
  for (const [name, { path, read }] of Object.entries(VARIABLES)) {
    const text = environment[name];
    if (text === undefined || text === '') continue;
    let value: unknown = text;
    // Text that is no number stays text, so that the check names the field and shows what it got.
    if (read === 'number' && text.trim() !== '' && !Number.isNaN(Number(text))) value = Number(text);
    if (read === 'json') value = parseJson(text, name);
    if (read === 'folder' && text === 'false') value = false;
    settings = merge(
      settings,
      path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as object,
    );
  }
  return settings;
}

/** The second over the first; objects are merged field by field, everything else is replaced. */
function merge(below: object, above: object): object {
  const result: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    if (value === undefined) continue;
    const under = result[key];
    result[key] = isPlain(under) && isPlain(value) ? merge(under, value) : value;
  }
  return result;
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readFeeds(merged: object, faults: string[]): EngineFeed[] {
  const given = (merged as { feeds?: unknown }).feeds ?? [{ name: 'mt5', type: 'mt5' }];
  if (!Array.isArray(given)) return [];
  const feeds = given.map((feed, index) => readFeed(feed, index, faults));
  return feeds.filter((feed) => feed !== undefined);
}

function readFeed(given: unknown, index: number, faults: string[]): EngineFeed | undefined {
  const at = ['feeds', index];
  if (isPlain(given) && 'module' in given) {
    const { value, faults: found } = check(moduleFeed, given, at);
    faults.push(...found);
    return value === undefined ? undefined : ({ ...value, module: moduleUrl(value.module) } as EngineFeed);
  }
  const { value, faults: found } = check(builtInFeed, given, at);
  faults.push(...found);
  if (value === undefined) return undefined;
  const options: Checked<object> = checkFeedOptions(value.type, value.options, [...at, 'options']);
  faults.push(...options.faults);
  return { ...value, options: options.value } as EngineFeed;
}

/** A bare path becomes a file URL, because that is what a worker imports. */
function moduleUrl(module: string): string {
  return /^[a-z]+:/i.test(module) ? module : pathToFileURL(resolve(module)).href;
}
