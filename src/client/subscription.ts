import type { KindName } from '../core/tick.js';
import type { Epoch, Seq } from '../core/units.js';
import type { Deliver, From, Mode, Speed } from '../wire/ticks.js';
import type { Emitter } from './emitter.js';
import type { ServerError } from './errors.js';
import type { SymbolInfo } from './symbols.js';
import type { PlainTick, TickView } from './view.js';

export interface SubscribeOptions {
  /** Names and patterns: `EURUSD`, `XAU*`, `*`. */
  symbols: readonly string[];
  /** `latest`: the newest state of each symbol; `every`: all ticks, in order. Default `latest`. */
  mode?: Mode;
  /** Default: all. */
  kinds?: readonly KindName[];
  /** In mode `latest`: milliseconds between two updates of a symbol, at least. Default 0. */
  intervalMs?: number;
  /** Whether the current state comes first. Default true. */
  snapshot?: boolean;
  /**
   * A cursor: continue exactly after it; or a time of receipt (ISO 8601, UTC without a zone; UNIX nanoseconds;
   * a Date): from its first tick on. It holds for the first connection; later ones continue where it was.
   */
  from?: From | Date;
  /** With `from`, in mode `every`: recorded seconds per second at which the past comes, or `max`. Default `max`. */
  speed?: Speed;
  /** `durable`: only what survives a crash of the server. Default `published`. */
  deliver?: Deliver;
}

export interface SeekOptions {
  /** As in `SubscribeOptions`. Absent: the newest tick; live from there. */
  from?: From | Date;
  /** Absent: as before. */
  speed?: Speed;
}

/** The position of a paused subscription. */
export interface PausedAt {
  /** Undefined if it was paused before the server took it up. */
  cursor: string | undefined;
}

/** Where a subscription continues. Epoch and cursor are undefined if it is paused and there is no connection. */
export interface SoughtAt {
  speed: Speed;
  epoch: Epoch | undefined;
  cursor: string | undefined;
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
  /** It is live: after `catching_up`, and once for every `from`. */
  caught_up: undefined;
  /** The server lost ticks of `epoch` after `lastSeq` (by shard): those delivered before are withdrawn. */
  rewound: { epoch: Epoch; lastSeq: Seq[] };
  /**
   * The server does not know the position: the server has another log than before, or has no log and was restarted.
   * The subscription continues with the newest ticks, as it began. Ticks between `cursor` and these are not reported.
   */
  afresh: { cursor: string; error: ServerError };
  /** It has ended, or (if temporary) will be asked for again shortly. */
  error: Error;
}

/**
 * A subscription, across reconnects: `every`, and what was begun with a `from`, continues exactly after its
 * cursor, `latest` with fresh state; see `again` for a cursor that the server does not know. Iterating it yields plain ticks; a loop slower than the stream has it
 * paused and resumed. Leaving the loop ends a subscription that has no callback.
 */
export interface Subscription extends Pick<Emitter<SubscriptionEvents>, 'on' | 'once' | 'off'> {
  /** Resolves when the server has taken it up first, rejects if it refuses for good. */
  readonly ready: Promise<void>;
  /** Stands for everything up to the last batch received; undefined before the server answered. */
  readonly cursor: string | undefined;
  readonly mode: Mode;
  /** Whether `pause` was called last, and not `resume`. */
  readonly paused: boolean;
  /** What it covers now. */
  readonly symbols: readonly SymbolInfo[];
  /** Names that the server does not know. */
  readonly unknown: readonly string[];
  /** Ticks received, those of snapshots included. */
  readonly received: number;
  /** Ticks conflated into newer ones, and ticks of kinds not asked for. */
  readonly conflated: number;
  /** Ticks missing in mode `every` that nothing accounts for; counted when all kinds are subscribed. */
  readonly gaps: number;
  /** Ticks that came twice. */
  readonly repeats: number;
  /**
   * Stops it where it is, across reconnects too. Ticks under way still come; none comes once this has
   * resolved, though a loop is still given those that wait for it.
   */
  pause(): Promise<PausedAt>;
  /**
   * Continues: `every` exactly where it stopped, `latest` with the state as it is then. Resolves when the server
   * has confirmed; without a connection, that is on the next one.
   */
  resume(): Promise<void>;
  /**
   * Goes on elsewhere; every tick after this has resolved comes from there, and what waits for a loop is
   * dropped. While paused it stays so. A later seek replaces one that is not answered yet.
   * @throws ServerError if there is no such position; the subscription then continues where it was
   */
  seek(options?: SeekOptions): Promise<SoughtAt>;
  /** Ends it. Callbacks stop at once; resolves when the server has confirmed or the connection is gone. */
  unsubscribe(): Promise<void>;
  [Symbol.asyncIterator](): AsyncIterableIterator<PlainTick>;
}
