import {
  NO_TIME_S,
  RECORD_U32,
  type Records,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../../core/tick.js';
import { BlockCodec } from '../format/block-codec.js';
import { TimeAt } from '../format/block-summary.js';
import { BlockSummaryReader } from '../format/block-summary-reader.js';
import { LogIndex } from '../index/log-index.js';
import { type EpochRecord, readEpochs, readLogId } from '../storage/catalog.js';
import { type ImportSpan, importSpans } from '../storage/imports.js';
import {
  blockBefore,
  blockFrom,
  boundsOf,
  type LogStore,
  lastSeqAt,
  openStore,
} from '../storage/log-store.js';
import { type LostSegment, lostBefore, lostSegments, lostUntil } from '../storage/lost.js';
import { type Decoded, DecodedBlocks } from './decoded-blocks.js';
import { type LogGap, RangeRead, type ReadableLog, type ReadRequest, type ReadResult } from './range-read.js';
import { SegmentHold } from './segment-hold.js';

export type { EpochRecord } from '../storage/catalog.js';
export type { LostSegment } from '../storage/lost.js';
export type { LogGap, ReadRequest, ReadResult } from './range-read.js';

/** Which of the two times of a tick counts. */
export type TimeOf = 'recv' | 'event';

export class LogReader implements ReadableLog {
  readonly index: LogIndex;
  readonly store: LogStore;
  readonly blocks: DecodedBlocks;

  readonly #hold: SegmentHold;

  private constructor(store: LogStore, cacheBlocks: number) {
    const codec = new BlockCodec();
    this.store = store;
    this.#hold = new SegmentHold(store);
    this.blocks = new DecodedBlocks(store, codec, cacheBlocks);
    this.index = new LogIndex(store, new BlockSummaryReader(codec));
  }

  /** Blocks decoded so far. */
  get blocksDecoded(): number {
    return this.blocks.count;
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
    this.#hold.take(warn);
  }

  /**
   * Releases the kept segments whose ticks are all before a position: the seqs of an epoch, by shard.
   * @param imports by epoch of an import, the first seq that is still wanted; an absent import is not wanted at all
   */
  letGo(epoch: number, seqs: readonly number[], imports: ReadonlyMap<number, number>): void {
    this.#hold.letGo(epoch, seqs, imports);
  }

  /** Runs a read that sees all earlier commits, and ends its transactions afterwards. */
  #shortly<T>(read: () => T): T {
    this.store.refresh();
    try {
      return read();
    } finally {
      this.store.release();
    }
  }

  /** 16 hex digits, created with the data folder. */
  get logId(): string {
    return this.#shortly(() => readLogId(this.store.catalog));
  }

  /** Oldest first. */
  epochs(): EpochRecord[] {
    return this.#shortly(() => readEpochs(this.store.catalog));
  }

  /** Every import that has ticks left. */
  importSpans(): ImportSpan[] {
    return this.#shortly(() => importSpans(this.store.segments()));
  }

  /** The segments that reads have found damaged so far. */
  lostSegments(): LostSegment[] {
    return lostSegments(this.store);
  }

  /**
   * The seqs of a shard from the oldest that retention has left to the newest that is known, damaged ones among
   * them; when there are none, newest is oldest − 1.
   */
  bounds(epoch: number, shard: number): { oldest: number; newest: number } {
    return this.#shortly(() => boundsOf(this.store, epoch, shard));
  }

  /**
   * Fills `into` and `seqs` (full sequence numbers) with at most `maxTicks`; each record gets its seqLow.
   * A read may also end with fewer ticks, after 64 blocks: continue at `nextSeq` until it passes the newest seq. With
   * a filter of few symbols, the index skips blocks without them.
   */
  read(request: ReadRequest, into: Records, seqs: Float64Array): ReadResult {
    return this.#shortly(() => new RangeRead(this, request, into, seqs).run());
  }

  /**
   * First seq whose time is at or after the given one; newest + 1 when there is none. Times may go back, so later ticks can
   * be older. If unreadable ticks right before may reach the time, the result is their first seq.
   */
  seekTime(epoch: number, shard: number, seconds: number, nanos: number, of: TimeOf = 'recv'): number {
    return this.#shortly(() => {
      const at = of === 'recv' ? TimeAt.recvMax : TimeAt.eventMax;
      const first = this.index.firstReaching(epoch, shard, at, seconds, nanos);
      const found = first === undefined ? undefined : blockFrom(this.store, epoch, shard, first);
      if (found === undefined) {
        const after = boundsOf(this.store, epoch, shard).newest + 1;
        return lostBefore(this.store, epoch, shard, after, at, seconds, nanos);
      }
      const block = this.blocks.get(...found);
      const seq =
        of === 'recv'
          ? firstAtOrAfter(block, U32_TS_RECV_S, U32_TS_RECV_NS, seconds, nanos)
          : firstAtOrAfter(block, U32_TS_EVENT_S, U32_TS_EVENT_NS, seconds, nanos);
      return seq > block.first ? seq : lostBefore(this.store, epoch, shard, seq, at, seconds, nanos);
    });
  }

  /**
   * Last seq of an unreadable range that may have been received before a time, according to the catalog; below the first
   * seq when none was.
   */
  lostUntil(epoch: number, shard: number, gap: LogGap, seconds: number, nanos: number): number {
    return this.#shortly(() => lostUntil(this.store, epoch, shard, gap, seconds, nanos));
  }

  /** Last seq up to `seq` that is in a block; 0 when there is none. */
  lastBlock(epoch: number, shard: number, seq: number): number {
    return this.#shortly(() => {
      const place = blockBefore(this.store, epoch, shard, seq);
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
    this.blocks.clear();
    this.#hold.release();
    this.index.close();
    await this.store.close();
  }
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
