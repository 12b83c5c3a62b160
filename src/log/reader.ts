/** Reading of the log in short transactions, from any thread or process. */
import { BLOCK_TICKS } from '../limits.js';
import {
  copyRecord,
  KIND_MASK,
  RECORD_U32,
  Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../tick.js';
import { checkBlock, readHeader, readTicks } from './block.js';
import { RowCodec } from './codec.js';
import { blockKey, parseKey } from './keys.js';
import {
  blocksFrom,
  type EpochRecord,
  keyBefore,
  LOG_ID,
  type LogStore,
  openStore,
  readEpochs,
} from './store.js';

export type { EpochRecord } from './store.js';

/** Blocks that one `read` looks at, however few of their ticks are wanted. */
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
  watch?: Uint8Array | null;
  /** Bit k = kind k wanted; absent: all. */
  kindsMask?: number;
  maxTicks: number;
}

export interface ReadResult {
  count: number;
  /** Where to go on: everything below was returned, filtered out or named as a gap. */
  nextSeq: number;
  gaps: LogGap[];
}

/** A block, decoded: either its ticks or why there are none. */
interface Decoded {
  first: number;
  last: number;
  records: Records | undefined;
  gap: LogGap['reason'];
}

export class LogReader {
  readonly #store: LogStore;
  readonly #codec = new RowCodec();
  /** By key, oldest use first. */
  readonly #cache = new Map<string, Decoded>();

  private constructor(
    store: LogStore,
    readonly cacheBlocks: number,
  ) {
    this.#store = store;
  }

  /**
   * @param cacheBlocks decoded blocks to keep, 256 KiB each
   * @throws TickwireError log_missing, data_folder_unusable
   */
  static open(dataFolder: string, cacheBlocks = 2): LogReader {
    return new LogReader(openStore(dataFolder, { readOnly: true }), cacheBlocks);
  }

  /** 16 hex digits, made with the data folder. */
  get logId(): string {
    return (this.#store.meta.get(LOG_ID) as string | undefined) ?? '';
  }

  /** Oldest first. */
  epochs(): EpochRecord[] {
    this.#store.root.resetReadTxn();
    return readEpochs(this.#store);
  }

  /** The seqs that the log holds of a shard; oldest 1 and newest 0 when none. */
  bounds(epoch: number, shard: number): { oldest: number; newest: number } {
    this.#store.root.resetReadTxn();
    const newest = keyBefore(this.#store, epoch, shard, Number.MAX_SAFE_INTEGER);
    if (newest === undefined) return { oldest: 1, newest: 0 };
    const range = { start: blockKey(epoch, shard, 0), limit: 1, snapshot: false } as const;
    const oldest = Array.from(this.#store.blocks.getKeys(range))[0];
    return { oldest: parseKey(oldest).firstSeq, newest: this.#lastSeq(newest) };
  }

  /** Last seq of the block at `key`; of a damaged one, what its header says if that can be. */
  #lastSeq(key: Uint8Array): number {
    const { firstSeq } = parseKey(key);
    const header = readHeader(this.#store.blocks.get(key)!);
    const last = header?.lastSeq ?? firstSeq;
    const canBe = header !== undefined && last >= firstSeq && (header.shed || last < firstSeq + BLOCK_TICKS);
    return canBe ? last : firstSeq;
  }

  /**
   * Fills `into` and `seqs` (full sequence numbers) with at most `maxTicks`; each record gets its seqLow.
   * It also ends, with fewer, after so many blocks: go on at `nextSeq` until that passes the newest.
   */
  read(request: ReadRequest, into: Records, seqs: Float64Array): ReadResult {
    this.#store.root.resetReadTxn();
    const { epoch, shard, fromSeq } = request;
    const toSeq = request.toSeq ?? Number.MAX_SAFE_INTEGER;
    const max = Math.min(request.maxTicks, into.capacity, seqs.length);
    const result: ReadResult = { count: 0, nextSeq: fromSeq, gaps: [] };
    const start = keyBefore(this.#store, epoch, shard, fromSeq) ?? blockKey(epoch, shard, 0);
    let blocks = 0;
    let isOldest = parseKey(start).firstSeq === 0;
    for (const [key, bytes] of blocksFrom(this.#store, start, blockKey(epoch, shard + 1, 0))) {
      const block = this.#decode(key, bytes);
      if (block.first > toSeq) break;
      if (block.first > result.nextSeq) {
        result.gaps.push({
          first: result.nextSeq,
          last: block.first - 1,
          reason: isOldest ? 'retention' : 'corrupt',
        });
        result.nextSeq = block.first;
      }
      isOldest = false;
      if (block.last < result.nextSeq) continue;
      if (!this.#take(block, request, Math.min(block.last, toSeq), max, into, seqs, result)) break;
      if (result.nextSeq > toSeq || ++blocks >= SCAN_BLOCKS) break;
    }
    return result;
  }

  /** Copies what is wanted of a block; false when there is no more room. */
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
    const watch = request.watch ?? undefined;
    const kinds = request.kindsMask ?? ALL_KINDS;
    for (let seq = result.nextSeq; seq <= last; seq++) {
      const i = seq - block.first;
      const w = i * RECORD_U32;
      const isWanted =
        (watch === undefined || watch[records.u32[w + U32_SYMBOL]] === 1) &&
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
   * First seq at or after the time by tsRecv; newest + 1 when all are older. Blocks are found by bisection over
   * their highest tsRecv, which never falls by more than feeds that share a shard differ.
   */
  seekTime(epoch: number, shard: number, seconds: number, nanos: number): number {
    const { oldest, newest } = this.bounds(epoch, shard);
    const reaches = (key: Uint8Array): boolean => {
      const [s, ns] = readHeader(this.#store.blocks.get(key)!)?.recvMax ?? [0, 0];
      return s > seconds || (s === seconds && ns >= nanos);
    };
    let low = oldest;
    let high = newest + 1;
    while (low < high) {
      const key = keyBefore(this.#store, epoch, shard, Math.floor((low + high) / 2))!;
      if (reaches(key)) high = parseKey(key).firstSeq;
      else low = this.#lastSeq(key) + 1;
    }
    if (low > newest) return newest + 1;
    const key = keyBefore(this.#store, epoch, shard, low)!;
    return this.#firstAtOrAfter(this.#decode(key, this.#store.blocks.get(key)!), seconds, nanos);
  }

  #firstAtOrAfter(block: Decoded, seconds: number, nanos: number): number {
    const words = block.records?.u32;
    if (words === undefined) return block.first;
    for (let w = 0; w <= (block.last - block.first) * RECORD_U32; w += RECORD_U32) {
      const s = words[w + U32_TS_RECV_S];
      if (s > seconds || (s === seconds && words[w + U32_TS_RECV_NS] >= nanos))
        return block.first + w / RECORD_U32;
    }
    return block.first;
  }

  /** Decodes a block, or finds it among those decoded before. */
  #decode(key: Uint8Array, bytes: Uint8Array): Decoded {
    const name = Buffer.from(key).toString('latin1');
    const cached = this.#cache.get(name);
    if (cached !== undefined) {
      this.#cache.delete(name);
      this.#cache.set(name, cached);
      return cached;
    }
    const first = parseKey(key).firstSeq;
    const header = checkBlock(bytes);
    if (header === undefined) return { first, last: this.#lastSeq(key), records: undefined, gap: 'corrupt' };
    if (header.shed) return { first, last: header.lastSeq, records: undefined, gap: 'shed' };
    const records = Records.allocate(header.lastSeq - first + 1);
    const isWhole = readTicks(this.#codec, bytes, header, records) >= 0;
    const block: Decoded = {
      first,
      last: header.lastSeq,
      records: isWhole ? records : undefined,
      gap: 'corrupt',
    };
    this.#cache.set(name, block);
    for (const oldest of this.#cache.keys()) {
      if (this.#cache.size <= this.cacheBlocks) break;
      this.#cache.delete(oldest);
    }
    return block;
  }

  async close(): Promise<void> {
    this.#cache.clear();
    await this.#store.root.close();
  }
}
