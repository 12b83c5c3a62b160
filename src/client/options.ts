import type { Encoding, Heartbeat, Hello } from '../wire/ticks.js';
import type { ReconnectOptions } from './backoff.js';
import type { SocketConstructor } from './socket.js';

export interface TickClientOptions {
  /** Default `packed`. */
  encoding?: Encoding;
  /** False: never reconnect. */
  reconnect?: ReconnectOptions | false;
  /** Instead of the platform's own (or, on Node without one, that of `ws`). */
  WebSocket?: SocketConstructor;
  /** Milliseconds within which the server must have said hello. Default 10,000. */
  connectTimeoutMs?: number;
  /** Gets the delay of every tick, from its receipt by the engine to now, in nanoseconds; snapshots left out. */
  latency?: { record(ns: number): void };
  /** Ticks that may wait for a `for await` loop before its subscription is stopped for a while. Default 16,384. */
  queueTicks?: number;
}

/** `mute`: connected, but two heartbeats are missing. `reconnecting`: waiting or trying. `closed`: for good. */
export type ClientState = 'idle' | 'connecting' | 'connected' | 'mute' | 'reconnecting' | 'closed';

export interface ClientEvents {
  /** The server said hello: at first, and after every reconnect. */
  open: Hello;
  /** A connection ended, or could not be made; `retryMs` tells when the next attempt comes, if one does. */
  close: { code: number; reason: string; retryMs: number | undefined };
  /** An error that belongs to no subscription, or the end of all of them. */
  error: Error;
  heartbeat: Heartbeat;
  state: ClientState;
}
