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
export { type Clock, SharedClock, VirtualClock } from './core/clock.js';
export { type ErrorCode, TickwireError } from './core/errors.js';
export * as limits from './core/limits.js';
export {
  ENGINE_SYMBOL,
  Flag,
  type FlagName,
  flagNames,
  flagsOf,
  GapReason,
  isCritical,
  Kind,
  type KindName,
  kindOf,
  NO_PRICE,
  NO_SIZE,
  NO_TIME_S,
  NO_TRADE_ID,
  nanoseconds,
  Records,
  StatusCode,
  type Tick,
  toTick,
} from './core/tick.js';
export { type ConfigInput, type ConfigSources, loadConfig } from './engine/config.js';
export { createEngine, type Engine, type EngineEvents } from './engine/engine.js';
export type { Following, FollowOptions, LastValue, NamedTick } from './engine/follow.js';
export type {
  BuiltInFeed,
  EngineFeed,
  EngineOptions,
  HostFeed,
  Logger,
  ModuleFeed,
} from './engine/options.js';
export type { Account, Authorise, FanoutOptions, FanoutStats, FeedInfo } from './fanout/index.js';
export type { Feed, FeedContext, FeedLog, FeedStatus, FeedSymbol, FeedType } from './feeds/connector/feed.js';
export { type FeedSink, type Source, Take } from './feeds/connector/feed-sink.js';
export {
  type EpochRecord,
  type LogGap,
  LogReader,
  type ReadRequest,
  type ReadResult,
} from './log/read/log-reader.js';
export type { LogStageOptions } from './log/write/options.js';
export type { Totals } from './pipeline/memory/counter-reader.js';
export type { RejectReason } from './pipeline/memory/counters.js';
export type { SymbolDefinition, SymbolEntry } from './pipeline/memory/registry-entries.js';
export type { Watermark } from './pipeline/memory/watermarks.js';
