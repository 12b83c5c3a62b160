/**
 * `tickwire`: the engine as a library.
 *
 * ```ts
 * const engine = await createEngine({ feeds: [{ name: 'mt5', type: 'mt5' }], dataFolder: './data' });
 * engine.on('failed', (error) => console.error(error.code, error.message));
 * await engine.start();
 * engine.follow({ symbols: ['EUR*'] }, (tick) => {
 *   if (tick.kind === 'quote') console.log(tick.symbol, tick.bid, tick.ask);
 * });
 * ```
 */
import { createEngine as createRuntime } from './engine/engine.js';
import type { Engine } from './engine/engine-api.js';
import type { EngineOptions } from './engine/options.js';

/**
 * Makes an engine: checks the options, opens the log (a new epoch begins) and allocates the shared memory.
 * Nothing runs until `start`.
 * @throws TickwireError bad_config, unsupported, data_folder_locked, data_folder_unusable, log_corrupt
 */
export const createEngine: (options: EngineOptions) => Promise<Engine> = createRuntime;

export { type ErrorCode, TickwireError } from './core/errors.js';
export {
  ENGINE_SYMBOL,
  Flag,
  type FlagName,
  GapReason,
  Kind,
  type KindName,
  NO_PRICE,
  NO_SIZE,
  NO_TIME_S,
  NO_TRADE_ID,
  Records,
  StatusCode,
} from './core/tick.js';
export type {
  GapTick,
  LocalTick,
  QuoteTick,
  StatusTick,
  Tick,
  TradeSide,
  TradeTick,
} from './core/tick-object.js';
export type { Epoch, Nanoseconds, Seq, SymbolId, SymbolSeq } from './core/units.js';
export { type ConfigInput, type ConfigSources, loadConfig } from './engine/config.js';
export type { Engine, EngineEvents, EngineState } from './engine/engine-api.js';
export type { Following, FollowOptions, LastValue, OnTick } from './engine/follow.js';
export type {
  BuiltInFeed,
  EngineFeed,
  EngineOptions,
  HostFeed,
  Logger,
  ModuleFeed,
} from './engine/options.js';
export type {
  Account,
  Authorise,
  FanoutOptions,
  FanoutStats,
  FeedInfo,
  Identity,
  Readiness,
} from './fanout/index.js';
export type { Feed, FeedContext, FeedStatus, FeedSymbol, FeedType } from './feeds/connector/feed.js';
export { type FeedSink, type Source, Take } from './feeds/connector/feed-sink.js';
export type { LogStageOptions } from './log/write/options.js';
export type { Totals } from './pipeline/memory/counter-reader.js';
export type { RejectReason } from './pipeline/memory/counters.js';
export type { Watermark } from './pipeline/memory/watermarks.js';
export {
  describeLog,
  type LogBound,
  type LogContents,
  type LogEpoch,
  type LogRange,
  type MissingRange,
  readLog,
} from './replay/read-log.js';
