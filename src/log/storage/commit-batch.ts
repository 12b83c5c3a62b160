/** What one commit will hold. Two of them take turns: one is filled while lmdb writes the other. */
import { LOG_INFLIGHT_BYTES } from '../../core/limits.js';
import type { RegistryPosition } from '../../pipeline/memory/registry-memory.js';
import type { Put } from '../lmdb/transaction.js';

/** Bytes that a filled batch and the one being written may hold, each. */
export const ARENA_BYTES = LOG_INFLIGHT_BYTES / 2;

export class CommitBatch {
  /** Private memory that lmdb reads the blocks from: untouched until the commit is over. */
  readonly arena = new Uint8Array(ARENA_BYTES);
  used = 0;
  /** Blocks, and pages of their index. */
  puts: Put[] = [];
  /** What the catalog must hold before the blocks. */
  registry: Put[] = [];
  /** What it may hold once they are durable. */
  checkpoint: Put[] = [];
  /** A time in the stretch of the segment that begins with this batch; 0 = it goes where the last one went. */
  rollsTo = 0;
  /** The last index pages of the segment before: they are written there first. */
  closing: Put[] = [];
  /** By shard: last seq of the batch's blocks; 0 = none of that shard. */
  readonly last: Float64Array;
  ticks = 0;
  blocks = 0;
  /** When the oldest of its ticks began to wait, in ms. */
  since = Number.POSITIVE_INFINITY;
  /** How far the registry is in the catalog once `registry` is. */
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
