/**
 * The connector interface: where raw ticks come in. The connectors of this folder implement it, and a
 * host can pass its own. A connector runs on a feed stage's thread (built-in ones, and modules named by
 * URL) or on the host's (objects that the host passes).
 */
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { SymbolId } from '../../core/units.js';
import type { SymbolDefinition } from '../../pipeline/memory/registry-entries.js';
import type { FeedSink, Source } from './feed-sink.js';

export interface FeedStatus {
  /** `starting`, `live`, `paused`, `ended` (a finite source is done) or `failed`. */
  state: 'starting' | 'live' | 'paused' | 'ended' | 'failed';
  /** One sentence for the operator. */
  detail: string;
  /** Sources (terminals, files, sessions) connected now. */
  sources: number;
  /** Anything that the connector counts beside the engine's own counters: refused peers, bad frames, reconnects … */
  counters?: Record<string, number>;
}

/** What a connector declares about a symbol. */
export interface FeedSymbol extends Omit<SymbolDefinition, 'name'> {
  /**
   * Where it has the digits from. Default: the source declares them, and may declare fewer later on while no other source
   * does. `prices`: they were counted in prices, and only raise those that are known; `setting`: the operator set them.
   */
  digitsFrom?: 'prices' | 'setting';
}

/** What a connector is given to work with. */
export interface FeedContext {
  /** Name of the feed in the configuration. */
  readonly name: string;
  readonly sink: FeedSink;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborted when the feed must stop. */
  readonly signal: AbortSignal;
  /** The connector's checkpoint: what it writes here is committed with its ticks, and found again after a crash of its thread. */
  readonly state: () => Float64Array;
  /** True after a crash of the connector's thread: `state` holds the last committed checkpoint. */
  readonly resumed: boolean;
  /** Where a connector that captures bytes by itself puts them; absent: nothing is captured. */
  readonly capture?: FeedCapture | undefined;
  /**
   * Finds or defines a symbol by the source's raw name: the alias table is applied, the raw name is kept.
   * @param proposed the canonical name that the source itself gives; the alias table comes before it
   */
  symbol(source: Source, raw: string, definition: FeedSymbol, proposed?: string): SymbolId;
  /** Opens a source; see `Source`. */
  source(name: string, details?: { stream?: string; info?: Record<string, string | number> }): Source;
}

export interface Feed {
  /** Begins to deliver. Resolves once the connector is up (listening, connected, opened). */
  start(context: FeedContext): Promise<void>;
  /** Stops delivering and frees what it holds; everything that it counted as received has gone to the sink. */
  stop(): Promise<void>;
  /** Holds delivery until `resume`. */
  pause?(): void;
  resume?(): void;
  status(): FeedStatus;
}

/** What a connector's factory declares about itself. */
export interface FeedType<Options> {
  /** `block`: the source can be paused (file, TCP). `conflate`: it cannot. */
  policy: 'block' | 'conflate';
  /** float64 words of its checkpoint. */
  stateWords(options: Options): number;
  create(options: Options): Feed;
  /** Takes captured bytes instead of those of its source. Of a connector without it, the calls to its sink are captured. */
  playback?(options: Options, context: FeedContext): CapturePlayback;
}

/** Takes what a connector captures by itself. */
export interface FeedCapture {
  /** Adds an entry; its parts are copied. */
  append(kind: number, channel: number, recvS: number, recvNs: number, ...parts: Uint8Array[]): void;
}

/** One entry of a capture; `src/feeds/capture/format.ts` has the kinds. */
export interface CaptureEntry {
  kind: number;
  channel: number;
  /** Time of receipt: UNIX, UTC. */
  recvS: number;
  recvNs: number;
  /** It holds until the next entry is read. */
  payload: Buffer;
}

/** Plays back what a feed captured, on the clock that the context has. */
export interface CapturePlayback {
  /** Takes an entry, received at the clock's time. False: there is no room; the rest is taken by `goOn`. */
  take(entry: CaptureEntry): boolean;
  /** Takes the rest of the last entry, as far as there is room. False: not all of it yet. */
  goOn(): boolean;
}
