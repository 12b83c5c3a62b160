/** The options of an engine for a library host, and the checks and defaults before anything runs. */
import { z } from 'zod';
import { badConfig, check } from '../core/check-settings.js';
import { messageOf, TickwireError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import type { TemplatedApp } from '../fanout/contract/uws.js';
import type { Authorise } from '../fanout/index.js';
import type { FeedStatus, FeedType } from '../feeds/connector/feed.js';
import { FEED_TYPES } from '../feeds/index.js';
import {
  checkHostFeed,
  type EngineFeed,
  feedList,
  type HostFeed,
  type ModuleFeed,
} from './settings/feeds.js';
import { dataFolderSchema } from './settings/pipeline.js';
import { sharedSettings } from './settings/schema.js';
import type { SupervisorOptions } from './supervisor.js';

export type { Logger } from '../core/logger.js';
export type { BuiltInFeed, EngineFeed, HostFeed, ModuleFeed } from './settings/feeds.js';

/** What only code can give: an object of the host's, or a function. */
function fromHost<T>(expected: 'object' | 'function') {
  const isIt = (value: unknown) =>
    typeof value === 'function' || (expected === 'object' && typeof value === 'object' && value !== null);
  return z.custom<T>(isIt, { error: () => `expected ${expected}` }).optional();
}

const optionsSchema = z.strictObject({
  feeds: feedList<EngineFeed>(),
  dataFolder: dataFolderSchema,
  ...sharedSettings,
  app: fromHost<TemplatedApp>('object'),
  authorise: fromHost<Authorise>('function'),
  logger: fromHost<Logger>('object'),
  supervision: fromHost<SupervisorOptions>('object'),
  journals: z.boolean().default(false),
});
type Options = z.input<typeof optionsSchema>;

/** What `createEngine` takes. The members are those of the schema; they are repeated where hosts need a comment. */
export interface EngineOptions extends Options {
  feeds: EngineFeed[];
  /** Where the tick log lives; false: no log, and nothing survives the process. */
  dataFolder: Options['dataFolder'];
  /** Shards that number ticks side by side, each on its own thread. */
  shards?: Options['shards'];
  /** Symbols that may ever be defined in the data folder. */
  maxSymbols?: Options['maxSymbols'];
  log?: Options['log'];
  /** What the fan-out serves and where; false: no fan-out. */
  http?: Options['http'];
  /** Slots of the rings, each a power of two. */
  rings?: Options['rings'];
  /** Captures the input of every feed, before ticks get a seq: see `ticks replay --capture`. */
  capture?: Options['capture'];
  /** The host's own uWebSockets app; the host then listens itself. */
  app?: Options['app'];
  /** Who may connect, instead of `http.auth`; absent, and without keys there: anyone. */
  authorise?: Options['authorise'];
  logger?: Options['logger'];
  supervision?: Options['supervision'];
  /** Whether shards and fan-out record in `engine.memory.journals` when each batch passed, for measurements. */
  journals?: Options['journals'];
}
/** Options with all defaults. */
export interface EngineSettings extends z.output<typeof optionsSchema> {}

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

/** @throws TickwireError bad_config: one line for each fault */
export function checkOptions(options: EngineOptions): EngineSettings {
  const { value, faults } = check(optionsSchema, options);
  const given: unknown = options?.feeds;
  const feeds = Array.isArray(given) ? given : [];
  const checked = feeds.map((feed, index) => checkHostFeed(feed, ['feeds', index]));
  const ofFeeds = checked.flatMap((feed) => feed.faults);
  if (value === undefined || ofFeeds.length > 0) throw badConfig([...faults, ...ofFeeds]);
  return { ...value, feeds: checked.map((feed) => feed.value!) };
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
  const { options } = config;
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
    config,
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
