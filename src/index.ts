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
export { type Clock, SharedClock, VirtualClock } from './clock.js';
export { type ConfigInput, type ConfigSources, loadConfig } from './config.js';
export { createEngine, type Engine, type EngineEvents } from './engine.js';
export type {
  BuiltInFeed,
  EngineFeed,
  EngineOptions,
  HostFeed,
  Logger,
  ModuleFeed,
} from './engine-options.js';
export { type ErrorCode, TickwireError } from './errors.js';
export type { Account, Authorise, FanoutOptions, FanoutStats, FeedInfo } from './fanout/index.js';
export type { Feed, FeedContext, FeedLog, FeedStatus, FeedSymbol, FeedType } from './feeds/feed.js';
export { type FeedSink, type Source, Take } from './feeds/sink.js';
export type { Following, FollowOptions, LastValue, NamedTick } from './host.js';
export * as limits from './limits.js';
export { type EpochRecord, type LogGap, LogReader, type ReadRequest, type ReadResult } from './log/reader.js';
export type { LogStageOptions } from './log/writer.js';
export type { RejectReason, Totals } from './pipeline/counters.js';
export type { SymbolDefinition, SymbolEntry } from './pipeline/registry-entries.js';
export type { Watermark } from './pipeline/watermarks.js';
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
} from './tick.js';
