/** What the fan-out is given by whoever composes the engine, and what it gives back. */
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { Time } from '../../core/time.js';
import type { Epoch } from '../../core/units.js';
import type { EngineMemory } from '../../pipeline/memory/engine-memory.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import type { Authorise, RefusalReason } from './access.js';
import type { TemplatedApp } from './uws.js';

export interface Identity {
  /** 16 hex digits: the random name of the log, or of the run where there is none. */
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

/** A part of one shard's sequence, to be read from the log off this thread. */
export interface RangeRequest {
  epoch: number;
  shard: number;
  /** Inclusive. */
  fromSeq: number;
  /** Inclusive. */
  toSeq: number;
  /** By symbolId: 1 where the symbol is wanted (ids beyond its end are not); null: all. */
  filter: Uint8Array | null;
  /** Bit `1 << kind` for each kind that is wanted. */
  kindsMask: number;
  maxTicks: number;
}

export interface RangeResult {
  /** 64-byte records with seqLow set. */
  buffer: ArrayBuffer;
  /** Full seq of each record. */
  seqs: Float64Array;
  count: number;
  /** Everything wanted below it is in the result: where to go on. More than `fromSeq`, unless nothing is visible yet. */
  nextSeq: number;
  /** Parts of the range that the log does not hold (shed, or removed by retention), ascending. */
  gaps: { first: number; last: number }[];
}

/** Chunks of one shard's sequence, in its order, to be decoded into shared memory off this thread. */
export interface PagesRequest {
  epoch: number;
  shard: number;
  pages: PageRequest[];
}

export interface PageRequest {
  /** Inclusive. */
  fromSeq: number;
  /** Inclusive. */
  toSeq: number;
  /** 64-byte records, and of each the full seq as float64 and the tag as u32 (see `pipeline/memory/broadcast-ring.ts`). */
  records: SharedArrayBuffer;
  seqs: SharedArrayBuffer;
  tags: SharedArrayBuffer;
  /** Records that are there already. */
  at: number;
}

export interface PageAnswer {
  /** Records added. */
  count: number;
  /** Everything below it is there or in a gap. At `fromSeq` when nothing is visible yet. */
  nextSeq: number;
  /** Parts of the range that the log does not hold, ascending. */
  gaps: { first: number; last: number }[];
}

/** The ticks of one symbol by its own numbering, to be looked for off this thread. */
export interface SymbolRequest {
  epoch: number;
  shard: number;
  symbolId: number;
  /** Inclusive, modulo 2^32. */
  fromSymbolSeq: number;
  /** Inclusive, modulo 2^32. */
  toSymbolSeq: number;
  /** Seqs between which they lie. */
  fromSeq: number;
  toSeq: number;
}

export interface SymbolAnswer {
  /** 64-byte records. */
  buffer: ArrayBuffer;
  /** Full seq of each record. */
  seqs: Float64Array;
}

/** A place among imported ticks, whose order is time, number of the epoch, seq: everything up to it is behind. */
export interface ImportPosition extends Time {
  /** 0: nothing received at that time is. */
  epoch: number;
  seq: number;
}

/** The ticks of one symbol in all imports, to be read from the log off this thread. */
export interface ImportsRequest {
  symbolId: number;
  after: ImportPosition;
  /** Exclusive; null: up to the end. */
  to: Time | null;
  maxTicks: number;
}

export interface ImportsAnswer {
  /** 64-byte records. */
  buffer: ArrayBuffer;
  seqs: Float64Array;
  /** Epoch of each. */
  epochs: Float64Array;
  count: number;
  /** Whether there are more behind them. */
  more: boolean;
  /** What the log does not hold of the imports before the ticks that are next. */
  gaps: { epoch: number; first: number; last: number }[];
}

export interface EpochInfo {
  epoch: number;
  shards: number;
  /** By shard: the oldest seq still held. */
  firstSeq: number[];
  /** By shard: the last durable seq of an epoch that is over; the last visible one of the present epoch. */
  lastSeq: number[];
}

/** A place in the sequence: everything up to `seqs`, by shard, lies before it. */
export interface StreamPosition {
  epoch: number;
  seqs: number[];
}

/** The tick log as the fan-out sees it. A rejected promise is told to the subscriber as `log_failed`. */
export interface CatchUp {
  readRange(request: RangeRequest): Promise<RangeResult>;
  /** Answers for each page, in their order. */
  readPages(request: PagesRequest): Promise<PageAnswer[]>;
  findSymbol(request: SymbolRequest): Promise<SymbolAnswer>;
  readImports(request: ImportsRequest): Promise<ImportsAnswer>;
  /** Every epoch of an engine that is held, ascending, the present one last. */
  epochs(): Promise<EpochInfo[]> | EpochInfo[];
  /** The place before the first visible tick that was received at or after a time; the newest place when there is none. */
  seekTime(seconds: number, nanos: number): Promise<StreamPosition>;
  /** Last seq of the present epoch that `readRange` sees. */
  visible(shard: number): number;
  /** Last seq of the present epoch that survives a crash. */
  durable(shard: number): number;
}

export interface FanoutPorts {
  memory: EngineMemory;
  /** This thread's view. */
  registry: Registry;
  identity: Identity;
  /** Absent without a log. */
  catchUp?: CatchUp | undefined;
  logger: Logger;
  feeds(): FeedInfo[];
  readiness(): Readiness;
  /** Absent: the engine's own, in its shared memory. */
  clock?: Clock | undefined;
  /** The host's own authoriser, instead of `auth.keys` of the settings. */
  authorise?: Authorise | undefined;
  /** The host's own app. Its owner listens and closes it; the fan-out only adds its routes. */
  app?: TemplatedApp | undefined;
}

export interface FanoutStats {
  connections: number;
  /** Those of them that have not shown their token yet; 0 where none is wanted. */
  unauthorised: number;
  subscriptions: number;
  flushes: number;
  /** Ticks handed to sockets, counted once per subscriber. */
  ticksSent: number;
  bytesSent: number;
  /** Subscriptions that have not reached the newest tick: from the log, at a pace of their own, or waiting for their turn. */
  catchingUp: number;
  /** Connections that go on together with others at the same place: one message is sent to all of them. */
  inCohorts: number;
  /** Gap records sent to subscribers that the ring or the log overtook. */
  gapsSent: number;
  /** Milliseconds that one flush takes, smoothed. */
  flushMs: number;
  /** Milliseconds between flushes that this leads to; 0 = at once. */
  intervalMs: number;
  /** Groups of subscriptions with equal symbols, kinds, mode and encoding. */
  groups: number;
  /** Different lists of symbols among all subscriptions. */
  symbolFilters: number;
  /** Connections that did not come about, by reason. */
  refused: Readonly<Record<RefusalReason, number>>;
  /** Connections that the server closed, by close code. */
  closed: Readonly<Record<string, number>>;
  /** Connections that ended without a closing handshake, and not by the server. */
  lost: number;
  /** Messages of clients that were no requests. */
  badMessages: number;
  /** Requests refused because their connection, their address or all clients hold as much as they may. */
  overBounds: number;
  /** Tokens that were wrong, or not looked at because too many of that address were. */
  wrongTokens: number;
}

export interface Fanout {
  /**
   * Begins to serve.
   * @throws TickwireError port_taken
   */
  listen(): Promise<{ port: number }>;
  /**
   * Takes no new connections, sends everybody the last ticks, closes with 4000 whoever has got them (or has
   * not within a grace), frees the port.
   */
  close(): Promise<void>;
  stats(): FanoutStats;
}
