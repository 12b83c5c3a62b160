/** The ports of the fan-out: what the engine gives it, and what it offers to the engine. */
import type { Clock } from '../../core/clock.js';
import type { Logger } from '../../core/logger.js';
import type { Time } from '../../core/time.js';
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

/** Requests a range of one shard's ticks from the log. The log is read on another thread. */
export interface RangeRequest {
  epoch: number;
  shard: number;
  /** Inclusive. */
  fromSeq: number;
  /** Inclusive. */
  toSeq: number;
  /** By symbolId: 1 where the symbol is wanted; ids beyond the end are not wanted. null: all symbols. */
  filter: Uint8Array | null;
  /** Bit `1 << kind` for each kind that is wanted. */
  kindsMask: number;
  maxTicks: number;
}

export interface RangeResult {
  /** 64-byte tick records with seqLow set. */
  buffer: ArrayBuffer;
  /** Full seq of each record. */
  seqs: Float64Array;
  count: number;
  /** `fromSeq` of the next request: the result has every wanted tick before it. `fromSeq` if nothing is visible yet. */
  nextSeq: number;
  /** Ranges of seqs that the log does not hold (shed, or removed by retention), inclusive, ascending. */
  gaps: { first: number; last: number }[];
}

/** Requests consecutive pages of one shard's ticks, in order. Another thread decodes them into shared memory. */
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
  /** 64-byte tick records. */
  records: SharedArrayBuffer;
  /** Full seq of each record, as float64. */
  seqs: SharedArrayBuffer;
  /** Tag of each record, as u32: see `pipeline/memory/broadcast-ring.ts`. */
  tags: SharedArrayBuffer;
  /** Records that the page already has: new records are written from this index on. */
  at: number;
}

export interface PageAnswer {
  /** Records added. */
  count: number;
  /** Next seq to read: every earlier seq has a record or is in a gap. `fromSeq` if nothing is visible yet. */
  nextSeq: number;
  /** Ranges of seqs that the log does not hold, inclusive, ascending. */
  gaps: { first: number; last: number }[];
}

/** Requests the ticks of one symbol by symbolSeq. The log is searched on another thread. */
export interface SymbolRequest {
  epoch: number;
  shard: number;
  symbolId: number;
  /** Inclusive, modulo 2^32. */
  fromSymbolSeq: number;
  /** Inclusive, modulo 2^32. */
  toSymbolSeq: number;
  /** The ticks lie between these seqs, inclusive. */
  fromSeq: number;
  toSeq: number;
}

export interface SymbolAnswer {
  /** 64-byte records. */
  buffer: ArrayBuffer;
  /** Full seq of each record. */
  seqs: Float64Array;
}

/** A position among imported ticks, which are ordered by time, epoch, seq. Ticks up to it, inclusive, have been read. */
export interface ImportPosition extends Time {
  /** 0: no tick received at that time has been read. */
  epoch: number;
  seq: number;
}

/** Requests the ticks of one symbol in all imports. The log is read on another thread. */
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
  /** Epoch of each record. */
  epochs: Float64Array;
  count: number;
  /** Whether there are more ticks after these. */
  more: boolean;
  /** Ranges of imported seqs that the log does not hold, before the ticks that follow. */
  gaps: { epoch: number; first: number; last: number }[];
}

export interface EpochInfo {
  epoch: number;
  shards: number;
  /** By shard: the oldest seq still held. */
  firstSeq: number[];
  /** By shard: the last durable seq of an earlier epoch; the last visible seq of the present epoch. */
  lastSeq: number[];
}

/** A position among the ticks of an engine: ticks up to `seqs` (by shard), inclusive, lie before it. */
export interface StreamPosition {
  epoch: number;
  seqs: number[];
}

/** The tick log as the fan-out sees it. If a promise rejects, the client gets `log_failed`. */
export interface CatchUp {
  readRange(request: RangeRequest): Promise<RangeResult>;
  /** One answer per page, in the order of the request. */
  readPages(request: PagesRequest): Promise<PageAnswer[]>;
  findSymbol(request: SymbolRequest): Promise<SymbolAnswer>;
  readImports(request: ImportsRequest): Promise<ImportsAnswer>;
  /** Every epoch of an engine that the log holds, ascending; the present one is last. */
  epochs(): Promise<EpochInfo[]> | EpochInfo[];
  /** The position before the first visible tick received at or after a time; the newest position when there is none. */
  seekTime(seconds: number, nanos: number): Promise<StreamPosition>;
  /** Last seq of the present epoch that `readRange` sees. */
  visible(shard: number): number;
  /** Last seq of the present epoch that survives a crash. */
  durable(shard: number): number;
}

export interface FanoutPorts {
  memory: EngineMemory;
  /** The registry as this thread sees it. */
  registry: Registry;
  identity: Identity;
  /** Absent without a log. */
  catchUp?: CatchUp | undefined;
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
