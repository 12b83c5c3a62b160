/** The content of one commit. Two batches take turns: one is filled while lmdb writes the other. */
import { LOG_INFLIGHT_BYTES } from '../../core/limits.js';
import type { RegistryPosition } from '../../pipeline/memory/registry-memory.js';
import type { Put } from '../lmdb/transaction.js';

/** The most bytes of the batch that is filled, and of the batch that is written. */
export const ARENA_BYTES = LOG_INFLIGHT_BYTES / 2;

export class CommitBatch {
  /** Private memory that lmdb reads the blocks from: untouched until the commit is over. */
  readonly arena = new Uint8Array(ARENA_BYTES);
  used = 0;
  /** Blocks, and pages of their index. */
  puts: Put[] = [];
  /** Puts for the catalog, before the blocks. */
  registry: Put[] = [];
  /** Puts for the catalog, once the blocks are durable. */
  checkpoint: Put[] = [];
  /** A time in the period of the segment that begins with this batch; 0 = same segment as the batch before. */
  rollsTo = 0;
  /** The last index pages of the segment before: they are written there first. */
  closing: Put[] = [];
  /** By shard: last seq of the batch's blocks; 0 = none of that shard. */
  readonly last: Float64Array;
  ticks = 0;
  blocks = 0;
  /** When the oldest of its ticks began to wait, in ms. */
  since = Number.POSITIVE_INFINITY;
  /** The position of the registry in the catalog after `registry` is committed. */
  registryEnd: RegistryPosition = { generation: -1, length: 0 };

  constructor(shards: number) {
    this.last = new Float64Array(shards);
  }

  clear(): void {
    this.used = 0;
    this.puts = [];
    this.registry = [];
    this.checkpoint = [];
    this.rollsTo = 0;
    this.closing = [];
    this.last.fill(0);
    this.ticks = 0;
    this.blocks = 0;
    this.since = Number.POSITIVE_INFINITY;
  }

  get isEmpty(): boolean {
    return this.puts.length === 0 && this.registry.length === 0;
  }
}
