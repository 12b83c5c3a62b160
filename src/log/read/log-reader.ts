/** Reading of the log in short transactions, from any thread or process. */
import { INDEX_WATCH_MAX } from '../../core/limits.js';
import {
  copyRecord,
  KIND_MASK,
  NO_TIME_S,
  RECORD_BYTES,
  RECORD_U32,
  type Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../../core/tick.js';
import { BlockCodec } from '../format/block-codec.js';
import { TimeAt } from '../format/block-summary.js';
import { BlockSummaryReader } from '../format/block-summary-reader.js';
import { blockKey, parseKey } from '../format/keys.js';
import { LogIndex } from '../index/log-index.js';
import { type EpochRecord, readEpochs, readLogId } from '../storage/catalog.js';
import { type ImportSpan, importSpans } from '../storage/imports.js';
import {
  blockBefore,
  blockFrom,
  blocksFrom,
  boundsOf,
  type LogStore,
  lastKnown,
  lastSeqAt,
  openStore,
  passingBytesAt,
  removedOf,
} from '../storage/log-store.js';
import { type LostSegment, lostBefore, lostSegments, lostUntil } from '../storage/lost.js';
import { Lease } from '../storage/reader-lease.js';
import type { SegmentRange, SegmentRecord } from '../storage/segment-record.js';
import { IMPORTS_FROM } from '../storage/segments.js';
import { type Decoded, DecodedBlocks } from './decoded-blocks.js';

export type { EpochRecord } from '../storage/catalog.js';
export type { LostSegment } from '../storage/lost.js';

/** The most blocks that one `read` decodes, however few of their ticks are wanted. */
const SCAN_BLOCKS = 64;
const ALL_KINDS = 0xff;

/** Seqs that the log does not hold: shed while it could not write, in a damaged block, or older than it keeps. */
export interface LogGap {
  first: number;
  last: number;
  reason: 'shed' | 'corrupt' | 'retention';
}

export interface ReadRequest {
  epoch: number;
  shard: number;
  fromSeq: number;
  /** Inclusive; absent: up to the newest. */
  toSeq?: number;
  /** By symbol id, 1 = wanted; absent: all. Symbols beyond its length are not wanted. */
  filter?: Uint8Array | null;
  /** Bit k = kind k wanted; absent: all. */
  kindsMask?: number;
  maxTicks: number;
}

export interface ReadResult {
  count: number;
  /** The next seq to read: every seq below was returned, filtered out or reported as a gap. */
  nextSeq: number;
  gaps: LogGap[];
}

/** Which of the two times of a tick counts. */
export type TimeOf = 'recv' | 'event';

export class LogReader {
  readonly index: LogIndex;
  readonly #store: LogStore;
  readonly #blocks: DecodedBlocks;

  /** The segments that retention must keep for this reader, by number. */
  #held: readonly SegmentRecord[] = [];
  #lease: Lease | undefined;

  private constructor(store: LogStore, cacheBlocks: number) {
    const codec = new BlockCodec();
    this.#store = store;
    this.#blocks = new DecodedBlocks(store, codec, cacheBlocks);
    this.index = new LogIndex(store, new BlockSummaryReader(codec));
  }

  /** Blocks decoded so far. */
  get blocksDecoded(): number {
    return this.#blocks.count;
  }

  /**
   * @param cacheBlocks decoded blocks to keep, 256 KiB each
   * @throws TickwireError log_missing, data_folder_unusable
   */
  static open(dataFolder: string, cacheBlocks = 2): LogReader {
    return new LogReader(openStore(dataFolder, { readOnly: true }), cacheBlocks);
  }

  /**
   * Keeps retention from removing the present segments, until `letGo` or `close`: for readers that take their time.
   * @param warn gets a sentence when this process may not write to the data folder, so that nothing is kept
   */
  hold(warn: (message: string) => void = process.emitWarning): void {
    const { dataFolder } = this.#store;
    this.#store.refresh();
    this.#held = this.#store.segments();
    this.#lease ??= Lease.take(
      dataFolder,
      this.#held.map((r) => r.number),
    );
    if (this.#lease === undefined) {
      warn(
        `This process may not write to ${dataFolder}, so it cannot hold what it reads: retention may remove ` +
          'ticks before they are read, which then read as a gap.',
      );
    }
    // Segments that were removed while the lease was written are gone.
    this.#store.refresh();
  }

  /**
   * Releases the kept segments whose ticks are all before a position: the seqs of an epoch, by shard.
   * @param imports by epoch of an import, the first seq that is still wanted; an absent import is not wanted at all
   */
  letGo(epoch: number, seqs: readonly number[], imports: ReadonlyMap<number, number>): void {
    const isPassed = (r: SegmentRange) => {
      if (r.epoch >= IMPORTS_FROM) return r.last < (imports.get(r.epoch) ?? Number.POSITIVE_INFINITY);
      return r.epoch < epoch || (r.epoch === epoch && r.last < (seqs[r.shard] ?? 0));
    };
    // A segment that was open then may be closed now.
    const now = new Map(this.#store.segments().map((record) => [record.number, record]));
    const kept = this.#held.filter(({ number }) => {
      const record = now.get(number);
      return record !== undefined && record.ranges?.every(isPassed) !== true;
    });
    if (kept.length === this.#held.length) return;
    this.#held = kept;
    this.#lease?.hold(kept.map((r) => r.number));
  }

  /** Runs a read that sees all earlier commits, and ends its transactions afterwards. */
  #shortly<T>(read: () => T): T {
    this.#store.refresh();
    try {
      return read();
    } finally {
      this.#store.release();
    }
  }

  /** 16 hex digits, created with the data folder. */
  get logId(): string {
    return this.#shortly(() => readLogId(this.#store.catalog));
  }

  /** Oldest first. */
  epochs(): EpochRecord[] {
    return this.#shortly(() => readEpochs(this.#store.catalog));
  }

  /** Every import that has ticks left. */
  importSpans(): ImportSpan[] {
    return this.#shortly(() => importSpans(this.#store.segments()));
  }

  /** The segments that reads have found damaged so far. */
  lostSegments(): LostSegment[] {
    return lostSegments(this.#store);
  }

  /**
   * The seqs of a shard from the oldest that retention has left to the newest that is known, damaged ones among
   * them; when there are none, newest is oldest − 1.
   */
  bounds(epoch: number, shard: number): { oldest: number; newest: number } {
    return this.#shortly(() => boundsOf(this.#store, epoch, shard));
  }

  /**
   * Fills `into` and `seqs` (full sequence numbers) with at most `maxTicks`; each record gets its seqLow.
   * A read may also end with fewer ticks, after SCAN_BLOCKS blocks: continue at `nextSeq` until it passes the newest seq. With
   * a filter of few symbols, the index skips blocks without them.
   */
  read(request: ReadRequest, into: Records, seqs: Float64Array): ReadResult {
    return this.#shortly(() => this.#read(request, into, seqs));
  }

  #read(request: ReadRequest, into: Records, seqs: Float64Array): ReadResult {
    const toSeq = request.toSeq ?? Number.MAX_SAFE_INTEGER;
    const max = Math.min(request.maxTicks, into.capacity, seqs.length);
    const result: ReadResult = { count: 0, nextSeq: request.fromSeq, gaps: [] };
    this.#passRemoved(request, toSeq, result);
    if (result.nextSeq > toSeq) return result;
    const ids = fewOf(request.filter ?? undefined);
    const isAll = isEverything(request);
    // Read before the blocks: so all blocks up to this seq are visible.
    const known = Math.min(toSeq, lastKnown(this.#store, request.epoch, request.shard));
    const end = this.#readBlocks(request, toSeq, max, ids, isAll, into, seqs, result) ?? known;
    if (result.count < max) this.#passLost(request, end, result);
    return result;
  }

  /**
   * Reads block by block.
   * @returns the seq up to which there is no further block: undefined at the end of the log, 0 where reading ended before
   */
  #readBlocks(
    request: ReadRequest,
    toSeq: number,
    max: number,
    ids: readonly number[] | undefined,
    isAll: boolean,
    into: Records,
    seqs: Float64Array,
    result: ReadResult,
  ): number | undefined {
    let blocks = 0;
    for (const [key, bytes] of ids === undefined
      ? this.#following(request, result.nextSeq)
      : this.#holding(request, toSeq, ids, result)) {
      if (isAll && this.#readWhole(key, bytes, toSeq, max, into, seqs, result)) {
        if (result.nextSeq > toSeq || result.count === max || ++blocks >= SCAN_BLOCKS) return 0;
        continue;
      }
      const block = this.#blocks.get(key, bytes);
      if (block.first > toSeq) return toSeq;
      this.#passLost(request, block.first - 1, result);
      if (block.last < result.nextSeq) continue;
      if (!this.#take(block, request, Math.min(block.last, toSeq), max, into, seqs, result)) return 0;
      // A full result needs no look at the next block.
      if (result.nextSeq > toSeq || result.count === max || ++blocks >= SCAN_BLOCKS) return 0;
    }
    return undefined;
  }

  /** Reports a gap for missing blocks, from the current position up to a seq. */
  #passLost(request: ReadRequest, last: number, result: ReadResult): void {
    if (last < result.nextSeq) return;
    // Retention may have removed blocks during this read.
    this.#store.refresh();
    this.#passRemoved(request, last, result);
    if (last < result.nextSeq) return;
    result.gaps.push({ first: result.nextSeq, last, reason: 'corrupt' });
    result.nextSeq = last + 1;
  }

  /** The block with a seq, or before it, and the following blocks. The bytes of each are valid until the next. */
  *#following({ epoch, shard }: ReadRequest, seq: number): Generator<[Uint8Array, Buffer]> {
    const place = blockBefore(this.#store, epoch, shard, seq);
    let from = blockKey(epoch, shard, seq);
    if (place !== undefined) {
      from = blockKey(epoch, shard, parseKey(place.key).firstSeq + 1);
      // Most reads need only this block.
      yield [place.key, passingBytesAt(place)];
    }
    yield* blocksFrom(this.#store, from, blockKey(epoch, shard + 1, 0));
  }

  /** The blocks from `result.nextSeq` on that may hold a symbol; raises it past those that do not. */
  *#holding(
    { epoch, shard }: ReadRequest,
    toSeq: number,
    ids: readonly number[],
    result: ReadResult,
  ): Generator<[Uint8Array, Buffer]> {
    for (;;) {
      const { block, skipTo } = this.index.nextHolding(epoch, shard, result.nextSeq, ids);
      result.nextSeq = Math.max(result.nextSeq, Math.min(skipTo, toSeq + 1));
      if (block === undefined || result.nextSeq > toSeq) return;
      // The block of the index may be gone: then the next block shows the missing seqs.
      const next = blockFrom(this.#store, epoch, shard, block);
      if (next === undefined) return;
      const before = result.nextSeq;
      yield next;
      if (result.nextSeq > before) continue;
      // A damaged block may end earlier than the index says: then the next block shows the missing seqs.
      const after = blockFrom(this.#store, epoch, shard, parseKey(next[0]).firstSeq + 1);
      if (after === undefined) return;
      yield after;
      if (result.nextSeq === before) return;
    }
  }

  /** Reports a gap for ticks that retention has removed at the current position. */
  #passRemoved({ epoch, shard }: ReadRequest, toSeq: number, result: ReadResult): void {
    const removed = Math.min(toSeq, removedOf(this.#store, epoch, shard));
    if (removed < result.nextSeq) return;
    result.gaps.push({ first: result.nextSeq, last: removed, reason: 'retention' });
    result.nextSeq = removed + 1;
  }

  /** Decodes a block directly into the result, if it is the next one, completely wanted, and fits. */
  #readWhole(
    key: Uint8Array,
    bytes: Uint8Array,
    toSeq: number,
    max: number,
    into: Records,
    seqs: Float64Array,
    result: ReadResult,
  ): boolean {
    if (parseKey(key).firstSeq !== result.nextSeq) return false;
    const room = Math.min(max - result.count, toSeq - result.nextSeq + 1);
    const count = this.#blocks.decodeInto(key, bytes, into, result.count, room);
    advance(result, count, seqs);
    return count > 0;
  }

  /** Copies the wanted ticks of a block; false when the result is full. */
  #take(
    block: Decoded,
    request: ReadRequest,
    last: number,
    max: number,
    into: Records,
    seqs: Float64Array,
    result: ReadResult,
  ): boolean {
    if (block.records === undefined) {
      result.gaps.push({ first: result.nextSeq, last, reason: block.gap });
      result.nextSeq = last + 1;
      return true;
    }
    const { records } = block;
    if (isEverything(request)) {
      const count = Math.min(last - result.nextSeq + 1, max - result.count);
      copyRecords(records, result.nextSeq - block.first, count, into, result.count);
      advance(result, count, seqs);
      return result.nextSeq > last;
    }
    const filter = request.filter ?? undefined;
    const kinds = request.kindsMask ?? ALL_KINDS;
    for (let seq = result.nextSeq; seq <= last; seq++) {
      const i = seq - block.first;
      const w = i * RECORD_U32;
      const isWanted =
        (filter === undefined || filter[records.u32[w + U32_SYMBOL]] === 1) &&
        ((kinds >>> (records.u32[w + U32_KIND_FLAGS_SOURCE] & KIND_MASK)) & 1) === 1;
      if (!isWanted) continue;
      if (result.count === max) {
        result.nextSeq = seq;
        return false;
      }
      copyRecord(records, i, into, result.count);
      seqs[result.count++] = seq;
    }
    result.nextSeq = last + 1;
    return true;
  }

  /**
   * First seq whose time is at or after the given one; newest + 1 when there is none. Times may go back, so later ticks can
   * be older. If unreadable ticks right before may reach the time, the result is their first seq.
   */
  seekTime(epoch: number, shard: number, seconds: number, nanos: number, of: TimeOf = 'recv'): number {
    return this.#shortly(() => {
      const at = of === 'recv' ? TimeAt.recvMax : TimeAt.eventMax;
      const first = this.index.firstReaching(epoch, shard, at, seconds, nanos);
      const found = first === undefined ? undefined : blockFrom(this.#store, epoch, shard, first);
      if (found === undefined) {
        const after = boundsOf(this.#store, epoch, shard).newest + 1;
        return lostBefore(this.#store, epoch, shard, after, at, seconds, nanos);
      }
      const block = this.#blocks.get(...found);
      const seq =
        of === 'recv'
          ? firstAtOrAfter(block, U32_TS_RECV_S, U32_TS_RECV_NS, seconds, nanos)
          : firstAtOrAfter(block, U32_TS_EVENT_S, U32_TS_EVENT_NS, seconds, nanos);
      return seq > block.first ? seq : lostBefore(this.#store, epoch, shard, seq, at, seconds, nanos);
    });
  }

  /**
   * Last seq of an unreadable range that may have been received before a time, according to the catalog; below the first
   * seq when none was.
   */
  lostUntil(epoch: number, shard: number, gap: LogGap, seconds: number, nanos: number): number {
    return this.#shortly(() => lostUntil(this.#store, epoch, shard, gap, seconds, nanos));
  }

  /** Last seq up to `seq` that is in a block; 0 when there is none. */
  lastBlock(epoch: number, shard: number, seq: number): number {
    return this.#shortly(() => {
      const place = blockBefore(this.#store, epoch, shard, seq);
      return place === undefined ? 0 : Math.min(seq, lastSeqAt(place));
    });
  }

  /**
   * First seq of the first block that may have ticks of a symbol with the given symbolSeq (modulo 2^32) or a later one;
   * undefined when there is none.
   */
  seekSymbol(epoch: number, shard: number, symbolId: number, symbolSeq: number): number | undefined {
    return this.#shortly(() => this.index.symbolFrom(epoch, shard, symbolId, symbolSeq));
  }

  async close(): Promise<void> {
    this.#blocks.clear();
    this.#lease?.release();
    this.index.close();
    await this.#store.close();
  }
}

function isEverything({ filter, kindsMask }: ReadRequest): boolean {
  return (filter ?? undefined) === undefined && (kindsMask ?? ALL_KINDS) === ALL_KINDS;
}

/** Advances a result by consecutive ticks. */
function advance(result: ReadResult, count: number, seqs: Float64Array): void {
  const { count: at, nextSeq } = result;
  for (let k = 0; k < count; k++) seqs[at + k] = nextSeq + k;
  result.count += count;
  result.nextSeq += count;
}

/** Copies consecutive records. */
function copyRecords(from: Records, first: number, count: number, to: Records, at: number): void {
  to.u8.set(from.u8.subarray(first * RECORD_BYTES, (first + count) * RECORD_BYTES), at * RECORD_BYTES);
}

/** The wanted symbols, if they are few enough for an index lookup; else undefined. */
function fewOf(filter: Uint8Array | undefined): number[] | undefined {
  if (filter === undefined) return undefined;
  const ids: number[] = [];
  for (let id = filter.indexOf(1); id >= 0; id = filter.indexOf(1, id + 1)) {
    if (ids.length === INDEX_WATCH_MAX) return undefined;
    ids.push(id);
  }
  return ids;
}

/** The first seq of a block whose time is at or after the given one; the block's first seq when none is. */
function firstAtOrAfter(block: Decoded, sAt: number, nsAt: number, seconds: number, nanos: number): number {
  const words = block.records?.u32;
  if (words === undefined) return block.first;
  for (let w = 0; w <= (block.last - block.first) * RECORD_U32; w += RECORD_U32) {
    const s = words[w + sAt];
    if (s === NO_TIME_S) continue;
    if (s > seconds || (s === seconds && words[w + nsAt] >= nanos)) return block.first + w / RECORD_U32;
  }
  return block.first;
}
