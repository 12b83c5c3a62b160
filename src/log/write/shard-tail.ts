/** One shard's end of the log: copies sequenced ticks out of its broadcast ring and encodes them to blocks. */
import { BLOCK_TICKS, BUCKETS } from '../../core/limits.js';
import {
  RECORD_BYTES,
  RECORD_U16,
  RECORD_U32,
  type Records,
  U16_SOURCE,
  U32_SYMBOL,
} from '../../core/tick.js';
import { BroadcastReader } from '../../pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { SHARD_WORDS, ShardWord } from '../../pipeline/memory/counters.js';
import type { EngineMemory, SourcePosition } from '../../pipeline/memory/engine-memory.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import { type BlockPosition, writeBlock } from '../format/block.js';
import type { BlockCodec } from '../format/block-codec.js';
import type { LogState } from './log-state.js';

/** The log gates the ring, so a block takes only part of the ring: the shard can continue meanwhile. */
const RING_SHARE = 4;

export class ShardTail {
  /** The first seq that is neither in the log nor in a batch. */
  next = 1;
  /** Last seq that the log has, as a tick or as a shed one. */
  logged = 0;
  /** First shed seq that the log does not record yet; 0 = none. */
  gapFirst = 0;
  /** When ticks were first seen waiting, in ms; 0 = none wait. */
  waitingSince = 0;
  /** Ticks of a full block. */
  readonly blockTicks: number;
  readonly #ring: BroadcastReader;
  /** The ring's records. */
  readonly #bytes: Buffer;
  readonly #known: SourceCounts;

  constructor(
    memory: EngineMemory,
    readonly shard: number,
    readonly epoch: number,
    known: SourceCounts,
  ) {
    const slots = memory.plan.ringSlots;
    const cells = new CommitCells(memory.shardCells[shard], SHARD_WORDS);
    this.#ring = new BroadcastReader(memory.broadcast[shard], slots, { cells, word: ShardWord.head });
    const { u8 } = this.#ring.records;
    this.#bytes = Buffer.from(u8.buffer, u8.byteOffset, u8.byteLength);
    this.blockTicks = Math.min(BLOCK_TICKS, slots / RING_SHARE);
    this.#known = known;
  }

  head(): number {
    return this.#ring.head();
  }

  /**
   * Encodes a block of the next `count` ticks at `at` in `out`.
   * @returns the block: a view on `out`
   */
  take(
    count: number,
    codec: BlockCodec,
    registry: Registry,
    state: LogState,
    out: Uint8Array,
    at: number,
  ): Uint8Array {
    const { records } = codec;
    const slot = this.#ring.slot(this.next);
    const first = Math.min(count, this.#ring.capacity - slot);
    this.#take(records, registry, slot, 0, first);
    this.#take(records, registry, 0, first, count - first);
    const positions = this.#known.takeTouched();
    const block = writeBlock(
      codec,
      this.epoch,
      this.shard,
      this.next,
      records,
      count,
      registry.digits,
      positions,
      out,
      at,
    );
    this.next += count;
    state.push(this.shard, codec, records, count, this.next - 1, positions);
    return block;
  }

  /** Copies consecutive ticks of the ring, and their positions. */
  #take(records: Records, registry: Registry, slot: number, to: number, count: number): void {
    if (count === 0) return;
    const at = slot * RECORD_BYTES;
    // One move of memory: `set` goes word by word where the memory is shared.
    const into = Buffer.from(records.u8.buffer, records.u8.byteOffset, records.u8.byteLength);
    const ticks = this.#bytes.subarray(at, at + count * RECORD_BYTES);
    into.fill(ticks, to * RECORD_BYTES, (to + count) * RECORD_BYTES);
    const { u16, u32 } = records;
    const { positions } = this.#ring;
    for (let i = 0; i < count; i++) {
      // Most feeds have no positions.
      while (i + 4 < count && isNone(positions, slot + i)) i += 4;
      const low = positions[slot + i];
      if (low === 0) continue;
      const source = u16[(to + i) * RECORD_U16 + U16_SOURCE];
      const bucket = registry.bucket[u32[(to + i) * RECORD_U32 + U32_SYMBOL]];
      this.#known.advance(source, bucket, low);
    }
  }
}

/** Whether four slots that follow one another have no position. */
function isNone(positions: Uint32Array, slot: number): boolean {
  return (positions[slot] | positions[slot + 1] | positions[slot + 2] | positions[slot + 3]) === 0;
}

/** The full counts of all sources, from the low words that the ring carries. */
export class SourceCounts {
  readonly #buckets: Float64Array[] = [];
  /** By source: bit b = bucket b was touched. */
  readonly #touched: number[] = [];
  #sources: number[] = [];

  load(positions: readonly SourcePosition[]): void {
    for (const p of positions) this.#buckets[p.sourceId] = Float64Array.from(p.buckets);
  }

  /** Takes a position's low word. A source's count in a bucket never goes back. */
  advance(sourceId: number, bucket: number, low: number): void {
    const buckets = (this.#buckets[sourceId] ??= new Float64Array(BUCKETS));
    const known = buckets[bucket];
    const step = known === 0 ? low : (low - (known | 0)) | 0;
    if (step <= 0) return;
    buckets[bucket] = known + step;
    const touched = this.#touched[sourceId] ?? 0;
    if (touched === 0) this.#sources.push(sourceId);
    this.#touched[sourceId] = touched | (1 << bucket);
  }

  /** The full counts of what advanced since the last call. */
  takeTouched(): BlockPosition[] {
    const positions: BlockPosition[] = [];
    for (const sourceId of this.#sources) {
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        if ((this.#touched[sourceId] & (1 << bucket)) === 0) continue;
        positions.push({ sourceId, bucket, position: this.#buckets[sourceId][bucket] });
      }
      this.#touched[sourceId] = 0;
    }
    this.#sources = [];
    return positions;
  }
}
