/** The MT5 feed: a TCP port that terminals stream their ticks to, and the terminal's side of it for simulation. */
import type { FeedType } from '../connector/feed.js';
import type { Mt5Options } from './options.js';
import { Mt5Playback } from './playback.js';
import { Mt5Server } from './server.js';

export { parseZone, ServerClock, type ZoneRule } from '../mql/server-clock.js';
export { isLoopback, type Mt5Options, type Mt5Settings, mt5Options } from './options.js';
export { Mt5Server } from './server.js';
export { Mt5Terminal, type TerminalCounters, type TerminalOptions } from './terminal.js';

export const mt5: FeedType<Mt5Options> = {
  policy: 'block',
  stateWords: () => 0,
  create: (options) => new Mt5Server(options),
  playback: (options, context) => new Mt5Playback(options, context),
};
