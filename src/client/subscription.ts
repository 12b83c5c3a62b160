import type { KindName } from '../tick.js';
import type { Deliver, Mode } from '../wire/ticks.js';
import type { Emitter } from './emitter.js';
import type { SymbolInfo } from './symbols.js';
import type { PlainTick, TickView } from './view.js';

export interface SubscribeOptions {
  /** Names and patterns: `EURUSD`, `XAU*`, `*`. */
  symbols: string[];
  /** `latest`: the newest state of each symbol; `every`: all ticks, in order. Default `latest`. */
  mode?: Mode;
  /** Default: all. */
  kinds?: KindName[];
  /** In mode `latest`: milliseconds between two updates of a symbol, at least. Default 0. */
  intervalMs?: number;
  /** Whether the current state comes first. Default true. */
  snapshot?: boolean;
  /** A cursor: continue exactly after it. */
  from?: string;
  /** `durable`: only what survives a crash of the server. Default `published`. */
  deliver?: Deliver;
}

/** Called for every tick. The view is reused: copy it with `toObject()` to keep it. */
export type OnTick = (tick: TickView, subscription: Subscription) => void;

export interface SubscriptionEvents {
  /** The server took it up: at first, and after every reconnect. */
  subscribed: Subscription;
  /** Symbols joined a pattern, or were redefined. */
  symbols: SymbolInfo[];
  /** It fell behind the live stream by so many ticks and is fed from the log. */
  catching_up: { behind: number };
  /** It is live again. */
  caught_up: undefined;
  /** The server lost ticks of `epoch` after `lastSeq` (by shard): those delivered before are withdrawn. */
  rewound: { epoch: number; lastSeq: number[] };
  /** It has ended, or (if temporary) will be asked for again shortly. */
  error: Error;
}

/**
 * A subscription, across reconnects: `every` continues exactly after its cursor, `latest` with a fresh
 * snapshot. Iterating it yields plain ticks; a loop slower than the stream makes it stop and go on later in
 * the same ways. Leaving the loop ends a subscription that has no callback.
 */
export interface Subscription extends Pick<Emitter<SubscriptionEvents>, 'on' | 'once' | 'off'> {
  /** Resolves when the server has taken it up first, rejects if it refuses for good. */
  readonly ready: Promise<void>;
  /** Stands for everything up to the last batch received; undefined before the server answered. */
  readonly cursor: string | undefined;
  readonly mode: Mode;
  /** What it covers now. */
  readonly symbols: readonly SymbolInfo[];
  /** Names that the server does not know. */
  readonly unknown: readonly string[];
  /** Ticks received, those of snapshots included. */
  readonly received: number;
  /** Ticks that newer ones stood for, and ticks of kinds not asked for. */
  readonly folded: number;
  /** Ticks missing in mode `every` that nothing accounts for; counted when all kinds are subscribed. */
  readonly gaps: number;
  /** Ticks that came twice. */
  readonly repeats: number;
  /** Ends it. Callbacks stop at once; resolves when the server has confirmed or the connection is gone. */
  unsubscribe(): Promise<void>;
  [Symbol.asyncIterator](): AsyncIterableIterator<PlainTick>;
}
