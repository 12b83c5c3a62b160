/** Encodes the sequenced ticks of all shards to blocks, into the batch of the next commit. */
import type { Registry } from '../../pipeline/memory/registry.js';
import { blockBytesMax, writeShed } from '../format/block.js';
import type { BlockCodec } from '../format/block-codec.js';
import { BlockSummaryReader } from '../format/block-summary-reader.js';
import { type Compression, compressBlock } from '../format/compress.js';
import { blockKey } from '../format/keys.js';
import { IndexWriters } from '../index/index-writers.js';
import { ARENA_BYTES, type CommitBatch } from '../storage/commit-batch.js';
import type { LogState } from './log-state.js';
import type { SegmentRoll } from './segment-roll.js';
import type { ShardTail } from './shard-tail.js';

/** The most blocks of one shard before the event loop gets a turn. */
const BLOCKS_PER_TURN = 4;

export interface BlockMakerParts {
  epoch: number;
  roll: SegmentRoll;
  tails: readonly ShardTail[];
  registry: Registry;
  codec: BlockCodec;
  state: LogState;
  /** Milliseconds that a tick may wait for its block to be full. */
  commitDelayMs: number;
  compression: Compression;
}

export class BlockMaker {
  /** Whether the batch ends its segment: nothing may be added to it. */
  isCut = false;
  readonly #indexes: IndexWriters;

  /** @param batch an empty one */
  constructor(
    readonly parts: BlockMakerParts,
    public batch: CommitBatch,
  ) {
    const { epoch, codec, roll } = parts;
    this.#indexes = new IndexWriters(epoch, new BlockSummaryReader(codec), () => roll.segment);
  }

  /**
   * Encodes blocks; returns their number.
   * @param nowMs monotonic
   * @param timeMs UNIX milliseconds, which cut the segments
   * @param rollsTo of the batch before, if that batch is not written yet
   */
  collect(nowMs: number, timeMs: number, rollsTo: number, isDraining: boolean): number {
    this.#cutWhenOver(timeMs, rollsTo);
    if (this.isCut) return 0;
    const { tails, registry, commitDelayMs } = this.parts;
    let blocks = 0;
    for (const tail of tails) {
      if (tail.gapFirst !== 0) this.#addGap(tail, nowMs);
      const head = tail.head();
      if (head < tail.next) continue;
      // After reading the head: so every symbol of these ticks is defined.
      registry.refresh();
      if (tail.waitingSince === 0) tail.waitingSince = nowMs;
      const isDue = isDraining || nowMs - tail.waitingSince >= commitDelayMs;
      for (let n = 0; n < BLOCKS_PER_TURN && head >= tail.next; n++) {
        const count = Math.min(tail.blockTicks, head - tail.next + 1);
        if ((count < tail.blockTicks && !isDue) || !this.#hasSpace(count)) break;
        this.#add(tail, count);
        blocks++;
      }
      if (head < tail.next) tail.waitingSince = 0;
    }
    return blocks;
  }

  /** Returns the batch, and continues with an empty one. */
  take(empty: CommitBatch): CommitBatch {
    const { batch } = this;
    this.batch = empty;
    this.isCut = false;
    return batch;
  }

  /** Discards the encoded blocks: the log will not have them. */
  giveUp(): void {
    this.batch.clear();
    this.#indexes.forget();
  }

  /** The index pages that are only written at the end of the log. */
  lastPages(): CommitBatch['closing'] {
    return [...this.batch.closing, ...this.#indexes.finish()];
  }

  /** Ends the batch when the period of its segment is over, and marks the batch that begins the next segment. */
  #cutWhenOver(timeMs: number, rollsTo: number): void {
    const { batch } = this;
    const { roll } = this.parts;
    roll.prepare(timeMs);
    const isOver = rollsTo === 0 ? roll.isOver(timeMs) : roll.isOver(timeMs, rollsTo);
    this.isCut = !batch.isEmpty && isOver && (batch.rollsTo === 0 || roll.isOver(timeMs, batch.rollsTo));
    if (!batch.isEmpty) return;
    if (isOver && batch.rollsTo === 0) batch.closing.push(...this.#indexes.finish());
    batch.rollsTo = isOver ? timeMs : 0;
  }

  #hasSpace(count: number): boolean {
    return this.batch.used + blockBytesMax(this.parts.codec, count) <= ARENA_BYTES;
  }

  /** Adds a block that marks shed seqs. */
  #addGap(tail: ShardTail, nowMs: number): void {
    const { batch } = this;
    const { epoch } = this.parts;
    const value = writeShed(epoch, tail.shard, tail.gapFirst, tail.next - 1);
    batch.puts.push({ key: blockKey(epoch, tail.shard, tail.gapFirst), value, isNew: true });
    this.#indexes.add(value, tail.shard, tail.gapFirst, batch);
    batch.last[tail.shard] = tail.next - 1;
    batch.since = Math.min(batch.since, nowMs);
    tail.gapFirst = 0;
  }

  #add(tail: ShardTail, count: number): void {
    const { batch } = this;
    const { epoch, codec, registry, state, compression } = this.parts;
    const first = tail.next;
    const block = tail.take(count, codec, registry, state, batch.arena, batch.used);
    const value = compressBlock(block, compression);
    batch.puts.push({ key: blockKey(epoch, tail.shard, first), value, isNew: true });
    this.#indexes.addEncoded(value, tail.shard, first, count, batch);
    batch.used += value.length;
    batch.last[tail.shard] = tail.next - 1;
    batch.ticks += count;
    batch.blocks++;
    batch.since = Math.min(batch.since, tail.waitingSince);
    // The remaining ticks of a busy shard began to wait about now.
    tail.waitingSince = performance.now();
  }
}
