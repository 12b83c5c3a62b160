/** One read of a range of a shard's log: block by block, with the gaps between. */
import { INDEX_FILTER_MAX } from '../../core/limits.js';
import {
  ALL_KINDS,
  copyRecord,
  KIND_MASK,
  RECORD_BYTES,
  RECORD_U32,
  type Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
} from '../../core/tick.js';
import { blockKey, parseKey } from '../format/keys.js';
import type { LogIndex } from '../index/log-index.js';
import {
  blockBefore,
  blockFrom,
  blocksFrom,
  type LogStore,
  lastKnown,
  passingBytesAt,
  removedOf,
} from '../storage/log-store.js';
import type { Decoded, DecodedBlocks } from './decoded-blocks.js';

/** The most blocks that one `read` decodes, however few of their ticks are wanted. */
const SCAN_BLOCKS = 64;

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

/** The parts of a reader that a read uses. */
export interface ReadableLog {
  readonly store: LogStore;
  readonly index: LogIndex;
  readonly blocks: DecodedBlocks;
}

export class RangeRead {
  readonly result: ReadResult;
  readonly #toSeq: number;
  readonly #max: number;
  /** Whether no tick is filtered out. */
  readonly #isAll: boolean;

  /**
   * @param into gets the records, each with its seqLow
   * @param seqs gets the full sequence numbers
   */
  constructor(
    readonly log: ReadableLog,
    readonly request: ReadRequest,
    readonly into: Records,
    readonly seqs: Float64Array,
  ) {
    this.result = { count: 0, nextSeq: request.fromSeq, gaps: [] };
    this.#toSeq = request.toSeq ?? Number.MAX_SAFE_INTEGER;
    this.#max = Math.min(request.maxTicks, into.capacity, seqs.length);
    this.#isAll = isEverything(request);
  }

  run(): ReadResult {
    const { result } = this;
    const { epoch, shard } = this.request;
    this.#passRemoved(this.#toSeq);
    if (result.nextSeq > this.#toSeq) return result;
    // Read before the blocks: so all blocks up to this seq are visible.
    const known = Math.min(this.#toSeq, lastKnown(this.log.store, epoch, shard));
    const end = this.#readBlocks() ?? known;
    if (result.count < this.#max) this.#passLost(end);
    return result;
  }

  /**
   * Reads block by block.
   * @returns the seq up to which there is no further block: undefined at the end of the log, 0 where reading ended before
   */
  #readBlocks(): number | undefined {
    const ids = fewOf(this.request.filter ?? undefined);
    let blocks = 0;
    for (const [key, bytes] of ids === undefined ? this.#following() : this.#holding(ids)) {
      if (!this.#isAll || !this.#readWhole(key, bytes)) {
        const block = this.log.blocks.get(key, bytes);
        if (block.first > this.#toSeq) return this.#toSeq;
        this.#passLost(block.first - 1);
        if (block.last < this.result.nextSeq) continue;
        if (!this.#take(block)) return 0;
      }
      // A full result needs no look at the next block.
      if (this.result.nextSeq > this.#toSeq || this.result.count === this.#max || ++blocks >= SCAN_BLOCKS)
        return 0;
    }
    return undefined;
  }

  /** Reports a gap for missing blocks, from the current position up to a seq. */
  #passLost(last: number): void {
    const { result } = this;
    if (last < result.nextSeq) return;
    // Retention may have removed blocks during this read.
    this.log.store.refresh();
    this.#passRemoved(last);
    if (last < result.nextSeq) return;
    result.gaps.push({ first: result.nextSeq, last, reason: 'corrupt' });
    result.nextSeq = last + 1;
  }

  /** The block with a seq, or before it, and the following blocks. The bytes of each are valid until the next. */
  *#following(): Generator<[Uint8Array, Buffer]> {
    const { epoch, shard } = this.request;
    const seq = this.result.nextSeq;
    const place = blockBefore(this.log.store, epoch, shard, seq);
    let from = blockKey(epoch, shard, seq);
    if (place !== undefined) {
      from = blockKey(epoch, shard, parseKey(place.key).firstSeq + 1);
      // Most reads need only this block.
      yield [place.key, passingBytesAt(place)];
    }
    yield* blocksFrom(this.log.store, from, blockKey(epoch, shard + 1, 0));
  }

  /** The blocks from `result.nextSeq` on that may hold a symbol; raises it past those that do not. */
  *#holding(ids: readonly number[]): Generator<[Uint8Array, Buffer]> {
    const { result } = this;
    const { epoch, shard } = this.request;
    const toSeq = this.#toSeq;
    for (;;) {
      const { block, skipTo } = this.log.index.nextHolding(epoch, shard, result.nextSeq, ids);
      result.nextSeq = Math.max(result.nextSeq, Math.min(skipTo, toSeq + 1));
      if (block === undefined || result.nextSeq > toSeq) return;
      // The block of the index may be gone: then the next block shows the missing seqs.
      const next = blockFrom(this.log.store, epoch, shard, block);
      if (next === undefined) return;
      const before = result.nextSeq;
      yield next;
      if (result.nextSeq > before) continue;
      // A damaged block may end earlier than the index says: then the next block shows the missing seqs.
      const after = blockFrom(this.log.store, epoch, shard, parseKey(next[0]).firstSeq + 1);
      if (after === undefined) return;
      yield after;
      if (result.nextSeq === before) return;
    }
  }

  /** Reports a gap for ticks that retention has removed at the current position. */
  #passRemoved(last: number): void {
    const { result } = this;
    const { epoch, shard } = this.request;
    const removed = Math.min(last, removedOf(this.log.store, epoch, shard));
    if (removed < result.nextSeq) return;
    result.gaps.push({ first: result.nextSeq, last: removed, reason: 'retention' });
    result.nextSeq = removed + 1;
  }

  /** Decodes a block directly into the result, if it is the next one, completely wanted, and fits. */
  #readWhole(key: Uint8Array, bytes: Uint8Array): boolean {
    const { result, into } = this;
    if (parseKey(key).firstSeq !== result.nextSeq) return false;
    const room = Math.min(this.#max - result.count, this.#toSeq - result.nextSeq + 1);
    const count = this.log.blocks.decodeInto(key, bytes, into, result.count, room);
    this.#advance(count);
    return count > 0;
  }

  /** Copies the wanted ticks of a block; false when the result is full. */
  #take(block: Decoded): boolean {
    const { result, request, into, seqs } = this;
    const last = Math.min(block.last, this.#toSeq);
    const max = this.#max;
    if (block.records === undefined) {
      result.gaps.push({ first: result.nextSeq, last, reason: block.gap });
      result.nextSeq = last + 1;
      return true;
    }
    const { records } = block;
    if (this.#isAll) {
      const count = Math.min(last - result.nextSeq + 1, max - result.count);
      copyRecords(records, result.nextSeq - block.first, count, into, result.count);
      this.#advance(count);
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

  /** Adds consecutive ticks, whose records are there. */
  #advance(count: number): void {
    const { result, seqs } = this;
    const { count: at, nextSeq } = result;
    for (let k = 0; k < count; k++) seqs[at + k] = nextSeq + k;
    result.count += count;
    result.nextSeq += count;
  }
}

function isEverything({ filter, kindsMask }: ReadRequest): boolean {
  return (filter ?? undefined) === undefined && (kindsMask ?? ALL_KINDS) === ALL_KINDS;
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
    if (ids.length === INDEX_FILTER_MAX) return undefined;
    ids.push(id);
  }
  return ids;
}
