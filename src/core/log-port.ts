/** How the ticks of the log are asked for, and answered: what the log offers, and the fan-out and library use. */
import type { Time } from './time.js';

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

export interface ImportGap {
  epoch: number;
  first: number;
  last: number;
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
  gaps: ImportGap[];
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

/** Reads the tick log off the thread that asks. A promise rejects when the log cannot be read. */
export interface LogPort {
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
