/** The ports of the fan-out: what the engine gives it, and what it offers to the engine. */
import type { Clock } from '../../core/clock.js';
import type { LogPort } from '../../core/log-port.js';
import type { Logger } from '../../core/logger.js';
import type { Epoch } from '../../core/units.js';
import type { EngineMemory } from '../../pipeline/memory/engine-memory.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import type { Authorise, RefusalReason } from './access.js';
import type { TemplatedApp } from './uws.js';

export interface Identity {
  /** 16 hex digits: the random id of the log, or, without a log, of the run. */
  logId: string;
  epoch: Epoch;
}

export interface FeedInfo {
  name: string;
  state: string;
  /** One sentence for the operator. */
  detail: string;
  /** Age of the feed's last tick; null before the first. */
  ageMs: number | null;
}

export interface Readiness {
  ready: boolean;
  /** Why not, one sentence each. */
  reasons: string[];
}

export interface FanoutPorts {
  memory: EngineMemory;
  /** The registry as this thread sees it. */
  registry: Registry;
  identity: Identity;
  /** Absent without a log. */
  catchUp?: LogPort | undefined;
  logger: Logger;
  feeds(): FeedInfo[];
  readiness(): Readiness;
  /** Absent: the engine's clock, in shared memory. */
  clock?: Clock | undefined;
  /** The host's own authoriser, which replaces `auth.keys` of the settings. */
  authorise?: Authorise | undefined;
  /** The host's own app. The host listens and closes it; the fan-out only adds its routes. */
  app?: TemplatedApp | undefined;
}

export interface FanoutStats {
  connections: number;
  /** Connections whose token has not been accepted yet; 0 where no token is required. */
  unauthorised: number;
  subscriptions: number;
  flushes: number;
  /** Ticks handed to sockets, counted once per subscriber. */
  ticksSent: number;
  bytesSent: number;
  /** Subscriptions that have not reached the newest tick: they read the log, are paced, or wait for a page. */
  catchingUp: number;
  /** Connections in cohorts. */
  inCohorts: number;
  /** Gap records sent to subscribers that the ring or the log overtook. */
  gapsSent: number;
  /** Milliseconds of work per flush round, as a moving average. */
  flushMs: number;
  /** Milliseconds of pause after a round, which follow from `flushMs`; 0 = none. */
  intervalMs: number;
  /** Groups of subscriptions with equal symbols, kinds, mode and encoding. */
  groups: number;
  /** Different lists of symbols among all subscriptions. */
  symbolFilters: number;
  /** Connections that were refused, by reason. */
  refused: Readonly<Record<RefusalReason, number>>;
  /** Connections that the server closed, by close code. */
  closed: Readonly<Record<string, number>>;
  /** Connections that ended without a closing handshake and were not closed by the server. */
  lost: number;
  /** Messages of clients that were no requests. */
  badMessages: number;
  /** Requests refused because of a quota of the connection, of the address, or in all. */
  overBounds: number;
  /** Tokens that were wrong, or were not checked after too many wrong ones of the address. */
  wrongTokens: number;
}

export interface Fanout {
  /**
   * Begins to serve.
   * @throws TickwireError port_taken
   */
  listen(): Promise<{ port: number }>;
  /**
   * Stops: refuses new connections, sends the last ticks, closes each connection with 4000 once it has them, and frees
   * the port. Connections that do not read the last ticks within a grace period are closed as well.
   */
  close(): Promise<void>;
  stats(): FanoutStats;
}
