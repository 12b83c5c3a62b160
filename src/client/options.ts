import type { Encoding, Heartbeat, Hello } from '../wire/ticks.js';
import type { ReconnectOptions } from './backoff.js';
import type { SocketConstructor } from './socket.js';

export interface TickClientOptions {
  /** Default `packed`. */
  encoding?: Encoding;
  /** False: never reconnect. */
  reconnect?: ReconnectOptions | false;
  /** What the server knows this client by, where it asks. A function is called for every connection. */
  token?: string | (() => string | Promise<string>);
  /** Instead of the platform's own (or, on Node without one, that of `ws`). */
  WebSocket?: SocketConstructor;
  /** Milliseconds within which the server must have said hello and taken the token. Default 10,000. */
  connectTimeoutMs?: number;
  /**
   * The delay of every tick, from its receipt by the engine to its arrival here; by both clocks, so on two
   * machines it is as good as they agree. Snapshots are left out, and what is played from the past. `true`:
   * `client.latency()` returns figures. An object gets each delay in nanoseconds.
   */
  latency?: boolean | { record(ns: number): void };
  /** Ticks that may wait for a `for await` loop before its subscription is paused. Default 16,384. */
  queueTicks?: number;
}

/** `mute`: connected, but two heartbeats are missing. `reconnecting`: waiting or trying. `closed`: for good. */
export type ClientState = 'idle' | 'connecting' | 'connected' | 'mute' | 'reconnecting' | 'closed';

/** A feed of the engine as the last heartbeat reported it. Heartbeats come while nothing else does. */
export interface FeedAge {
  feed: string;
  state: string;
  /** Milliseconds since its last tick, at the time of the report; null before its first. */
  ageMs: number | null;
  /** Milliseconds since the report. */
  toldMs: number;
}

export interface ClientEvents {
  /** The server said hello, and took the token: at first, and after every reconnect. */
  open: Hello;
  /** A connection ended, or could not be opened; `retryMs` says when the next attempt comes, if one does. */
  close: { code: number; reason: string; retryMs: number | undefined };
  /** An error that belongs to no subscription, or the end of all of them. */
  error: Error;
  heartbeat: Heartbeat;
  state: ClientState;
}
