/** The engine as hosts see it. */
import type { EventEmitter } from 'node:events';
import type { TickwireError } from '../core/errors.js';
import type { FanoutStats, FeedInfo, Identity, Readiness } from '../fanout/index.js';
import type { FeedStatus } from '../feeds/connector/feed.js';
import type { Totals } from '../pipeline/memory/counter-reader.js';
import type { Watermark } from '../pipeline/memory/watermarks.js';
import type { Following, FollowOptions, LastValue, OnTick } from './follow.js';

export interface EngineEvents {
  ready: [];
  /** A stage's thread died, and a new thread goes on with its work. */
  stageDeath: [death: { stage: string; reason: string; deaths: number }];
  /** The engine gave up, and stops. */
  failed: [error: TickwireError];
  feedStatus: [feed: string, status: FeedStatus];
  stopped: [];
}

/** An engine starts once. After `stop`, create another one. */
export type EngineState = 'created' | 'running' | 'stopping' | 'stopped';

export interface Engine extends EventEmitter<EngineEvents> {
  readonly state: EngineState;
  /** What makes this engine's ticks unique. Without a log each run has a random `logId`. */
  readonly identity: Readonly<Identity>;
  /** The port of REST and WebSocket; undefined before `start`, with `http: false`, and with an app of the host. */
  readonly port: number | undefined;
  /**
   * Starts every stage, then listens.
   * @throws TickwireError port_taken; unsupported for an engine that was started before; bad_config
   */
  start(): Promise<void>;
  /** Stops feeds, then shards, then the log, then the fan-out. Every tick taken is numbered, logged and durable. */
  stop(): Promise<void>;
  /** Whether the engine does its work, and if not, why. */
  readiness(): Readiness;
  feeds(): FeedInfo[];
  /** Stops a feed's delivery for a while, or lets the feed deliver again. */
  setPaused(feed: string, paused: boolean): void;
  /** The newest state of a symbol; undefined where the symbol never ticked. */
  last(symbol: string): LastValue | undefined;
  /**
   * Calls `onTick` for every tick from now on, on this thread. A slow `onTick` delays nobody: the ring overtakes
   * it, `onOvertaken` is called, and reading continues with the oldest tick that is left.
   */
  follow(options: FollowOptions, onTick: OnTick): Following;
  /** Every counter of the engine; docs/architecture.md has the sums that they satisfy. */
  totals(): Totals;
  /** By shard: how far the log is behind, in ticks and time; empty without a log. */
  watermarks(): Watermark[];
  /** Ticks that were numbered and did not reach the log. After `stop` they are lost, unless their source sends them again. */
  unlogged(): number;
  /** What the fan-out has served so far; undefined with `http: false`. */
  served(): FanoutStats | undefined;
}
