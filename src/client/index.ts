/**
 * `tickwire/client`: follows a tickwire server from browsers and Node.
 *
 * ```ts
 * const client = new TickClient('ws://127.0.0.1:8080/v1/stream');
 * await client.connect();
 * client.subscribe({ symbols: ['EUR*'] }, (tick) => {
 *   if (tick.kind === 'quote') console.log(tick.symbol, tick.bid, tick.ask);
 * });
 * const all = client.subscribe({ symbols: ['*'], mode: 'every' });
 * for await (const tick of all) if (tick.kind === 'trade') console.log(tick.price);
 * ```
 */

export type { FlagName, KindName } from '../core/tick.js';
export type { GapTick, QuoteTick, StatusTick, Tick, TradeSide, TradeTick } from '../core/tick-object.js';
export type { Epoch, Nanoseconds, Seq, SymbolSeq } from '../core/units.js';
export type { Deliver, Encoding, From, Heartbeat, Hello, Mode, Speed } from '../wire/ticks.js';
export type { ReconnectOptions } from './backoff.js';
export { TickClient } from './client.js';
export { ConnectionClosedError, ServerError } from './errors.js';
export type { HistoryQuery, HistoryResult } from './history.js';
export type { LatencyFigures } from './latency.js';
export type { ClientEvents, ClientState, FeedAge, TickClientOptions } from './options.js';
export type { SocketConstructor, SocketLike } from './socket.js';
export type {
  OnTick,
  PausedAt,
  SeekOptions,
  SoughtAt,
  SubscribeOptions,
  Subscription,
  SubscriptionEvents,
} from './subscription.js';
export { ENGINE_NAME, escapeSymbol, type SymbolInfo } from './symbols.js';
export type { PlainTick, TickView } from './view.js';
