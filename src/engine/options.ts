/** What an engine is made from: the options, and what is checked and filled in before anything runs. */
import type { TemplatedApp } from 'uWebSockets.js';
import { messageOf, TickwireError } from '../core/errors.js';
import {
  BROADCAST_RING_SLOTS,
  BROADCAST_RING_SLOTS_MIN,
  CRITICAL_RING_SLOTS,
  FEEDS_MAX,
  isPowerOfTwo,
  LOG_COMMIT_BYTES,
  LOG_COMMIT_DELAY_MS,
  LOG_FREE_BYTES_FLOOR,
  LOG_SEGMENT_MS,
  RAW_RING_SLOTS,
  SHARDS_MAX,
  SYMBOLS_MAX,
} from '../core/limits.js';
import { SLOT_BITS } from '../core/tick.js';
import type { Authorise, FanoutOptions } from '../fanout/index.js';
import type { Feed, FeedStatus, FeedType } from '../feeds/connector/feed.js';
import { FEED_TYPES, type FeedTypeName } from '../feeds/index.js';
import type { LogStageOptions } from '../log/write/stage.js';
import type { CaptureOptions } from './capture-run.js';
import { badConfig } from './config-check.js';
import { checkFeedOptions } from './feed-options.js';
import type { SupervisorOptions } from './supervisor.js';

/** A logger in pino's manner. */
export interface Logger {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

interface FeedCommon {
  /** Unique among the engine's feeds; sources and stream positions are kept under it. */
  name: string;
  /** Raw symbol name → canonical name. */
  aliases?: Record<string, string>;
  /** Overrides the connector's own choice. */
  policy?: 'block' | 'conflate';
}
/** A built-in connector. */
export type BuiltInFeed = FeedCommon & { type: FeedTypeName; options?: object };
/** A connector that a worker loads from a module: the export named `export` is a `FeedType`. */
export type ModuleFeed = FeedCommon & { module: URL | string; export: string; options?: unknown };
/** A connector object that runs on the host's own thread. */
export type HostFeed = FeedCommon & { feed: Feed; stateWords?: number };
export type EngineFeed = BuiltInFeed | ModuleFeed | HostFeed;

export interface EngineOptions {
  feeds: EngineFeed[];
  /** Where the tick log lives; false: no log, and nothing survives the process. */
  dataFolder: string | false;
  shards?: number;
  maxSymbols?: number;
  log?: Partial<LogStageOptions>;
  /** What the fan-out serves and where; false: no fan-out. */
  http?: Partial<FanoutOptions> | false;
  /** The host's own uWebSockets app; the host then listens itself. */
  app?: TemplatedApp;
  /** Who may connect, instead of `http.auth`; absent, and without keys there: anyone. */
  authorise?: Authorise;
  logger?: Logger;
  /** Captures what every feed takes in, before it is numbered: see `ticks replay --capture`. */
  capture?: CaptureOptions | undefined;
  supervision?: SupervisorOptions;
  /** Slots of the rings, each a power of two: see core/limits.ts. */
  rings?: { raw?: number; broadcast?: number; critical?: number };
  /** Whether shards and fan-out note in `engine.memory.journals` when each batch passed: for measuring. */
  journals?: boolean;
}

/** A feed as the engine keeps it. */
export interface FeedSlot {
  config: EngineFeed;
  policy: 'block' | 'conflate';
  stateWords: number;
  status: FeedStatus;
  /** Monotonic receipt count and when it last moved, for the feed's age. */
  received: number;
  movedAtMs: number | null;
}

interface CheckedOptions {
  shards: number;
  rings: { raw: number; broadcast: number; critical: number };
}

/** @throws TickwireError bad_config */
export function checkOptions(options: EngineOptions): CheckedOptions {
  const shards = options.shards ?? 1;
  if (!Number.isInteger(shards) || shards < 1 || shards > SHARDS_MAX) {
    throw new TickwireError('bad_config', `shards must be 1 to ${SHARDS_MAX}, not ${shards}.`);
  }
  if (options.feeds.length > FEEDS_MAX) {
    throw new TickwireError(
      'bad_config',
      `An engine has at most ${FEEDS_MAX} feeds, not ${options.feeds.length}.`,
    );
  }
  const names = new Set(options.feeds.map((f) => f.name));
  if (names.size !== options.feeds.length) {
    throw new TickwireError('bad_config', 'Two feeds have the same name; give each its own.');
  }
  if (options.dataFolder !== false && typeof options.dataFolder !== 'string') {
    throw new TickwireError('bad_config', 'dataFolder must be a path, or false to keep no log.');
  }
  if (options.maxSymbols !== undefined && options.maxSymbols > SYMBOLS_MAX) {
    throw new TickwireError('bad_config', `maxSymbols must be at most ${SYMBOLS_MAX}.`);
  }
  const rings = {
    raw: options.rings?.raw ?? RAW_RING_SLOTS,
    broadcast: options.rings?.broadcast ?? BROADCAST_RING_SLOTS,
    critical: options.rings?.critical ?? CRITICAL_RING_SLOTS,
  };
  for (const [name, slots] of Object.entries(rings)) {
    if (!isPowerOfTwo(slots))
      throw new TickwireError(
        'bad_config',
        `rings.${name} must be a power of two of at most ${SLOT_BITS + 1}.`,
      );
  }
  if (rings.broadcast < BROADCAST_RING_SLOTS_MIN) {
    throw new TickwireError('bad_config', `rings.broadcast must be at least ${BROADCAST_RING_SLOTS_MIN}.`);
  }
  return { shards, rings };
}

export function isHostFeed(config: EngineFeed): config is HostFeed {
  return 'feed' in config;
}

/** @throws TickwireError bad_config */
export async function feedSlot(config: EngineFeed): Promise<FeedSlot> {
  const status: FeedStatus = { state: 'starting', detail: 'starting', sources: 0 };
  const slot = { status, received: 0, movedAtMs: null };
  if (isHostFeed(config)) {
    return { ...slot, config, policy: config.policy ?? 'block', stateWords: config.stateWords ?? 0 };
  }
  const options = 'type' in config ? optionsOf(config) : config.options;
  const type =
    'type' in config
      ? (FEED_TYPES[config.type].type as FeedType<unknown>)
      : ((await importModule(config))[config.export] as FeedType<unknown> | undefined);
  if (type === undefined) {
    throw new TickwireError(
      'bad_config',
      `Feed ${config.name}: the module has no export "${(config as ModuleFeed).export}".`,
    );
  }
  return {
    ...slot,
    config: { ...config, options } as EngineFeed,
    policy: config.policy ?? type.policy,
    stateWords: type.stateWords(options),
  };
}

async function importModule(config: ModuleFeed): Promise<Record<string, unknown>> {
  try {
    return (await import(String(config.module))) as Record<string, unknown>;
  } catch (error) {
    const why = `${config.module} cannot be loaded: ${messageOf(error)}`;
    throw new TickwireError('bad_config', `Feed ${config.name}: module ${why}`);
  }
}

/** The options of a built-in connector, with its defaults. */
function optionsOf(config: BuiltInFeed): object {
  const known = FEED_TYPES[config.type];
  if (known === undefined) {
    throw new TickwireError(
      'bad_config',
      `Feed ${config.name}: there is no feed type "${config.type}"; there are ${Object.keys(FEED_TYPES).join(', ')}.`,
    );
  }
  const checked = checkFeedOptions(config.type, config.options, ['options']);
  if (checked.value !== undefined) return checked.value;
  throw badConfig(checked.faults.map((fault) => `Feed ${config.name}: ${fault}`));
}

export function logOptions(options: EngineOptions): LogStageOptions {
  return {
    commitDelayMs: options.log?.commitDelayMs ?? LOG_COMMIT_DELAY_MS,
    commitBytes: options.log?.commitBytes ?? LOG_COMMIT_BYTES,
    sync: options.log?.sync ?? 'every-commit',
    onStall: options.log?.onStall ?? 'block',
    segmentMs: options.log?.segmentMs ?? LOG_SEGMENT_MS,
    retention: options.log?.retention ?? {},
    compression: options.log?.compression ?? 'none',
    recompress: options.log?.recompress ?? 'none',
    freeBytesFloor: options.log?.freeBytesFloor ?? LOG_FREE_BYTES_FLOOR,
  };
}
