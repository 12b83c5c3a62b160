/**
 * The state that follows from the log's ticks: last values and stream positions. Blocks are the source of truth. The
 * checkpoint is a stored copy of this state, so that a start replays only the blocks after it.
 *
 * Some blocks of each shard are kept pending and folded together. The newest block stays pending until the next one
 * follows, so the checkpoint never covers a last block. When a start finds that block damaged and drops it, nothing of
 * the block is left anywhere.
 */
import { BLOCK_TICKS, BUCKETS, SHARDS_MAX } from '../../core/limits.js';
import { Records } from '../../core/tick.js';
import type { SourcePosition } from '../../pipeline/memory/engine-memory.js';
import { type BlockPosition, checkBlockAt, readPositions } from '../format/block.js';
import type { BlockCodec } from '../format/block-codec.js';
import { readTicks } from '../format/block-ticks.js';
import { blockKey, parseKey } from '../format/keys.js';
import { Lasts } from '../format/last-values.js';
import type { Put } from '../lmdb/transaction.js';
import {
  type Catalog,
  checkpointPut,
  readCheckpoint,
  readEpochs,
  sealed,
  unsealed,
} from '../storage/catalog.js';
import { blocksFrom, type LogStore } from '../storage/log-store.js';
import { LastValuesProjection } from './last-values-projection.js';

/** Blocks of a shard that are folded together: for most symbols only the newest block then matters. */
const FOLD_BLOCKS = 8;
/** With so many symbols, the pending blocks are folded. */
const FOLD_SYMBOLS = 8_192;
/** Up to so many symbols, the memory of a block's last values is reused. */
const SPARE_SYMBOLS = 1_024;

interface PendingBlock {
  lasts: Lasts;
  lastSeq: number;
  positions: readonly BlockPosition[];
}

export class LogState {
  readonly projection = new LastValuesProjection();
  /** By shard of the current epoch: the last seq that is folded. */
  covered: number[] = new Array(SHARDS_MAX).fill(0);
  readonly #positions = new Map<number, Float64Array>();
  #dirtySources = new Set<number>();
  /** By shard: blocks that are not folded yet, oldest first. */
  readonly #pending: PendingBlock[][] = [];
  /** Reusable memory of folded blocks. */
  readonly #spare: Lasts[] = [];

  /** Takes the block of `count` records that the codec has just encoded or decoded. */
  push(
    shard: number,
    codec: BlockCodec,
    records: Records,
    count: number,
    lastSeq: number,
    positions: readonly BlockPosition[],
  ): void {
    this.#pending[shard] ??= [];
    const pending = this.#pending[shard];
    const symbols = pending.reduce((sum, { lasts }) => sum + lasts.count, 0);
    if (pending.length === FOLD_BLOCKS || symbols >= FOLD_SYMBOLS) this.#fold(shard, pending.length);
    const lasts = this.#spare.pop() ?? new Lasts();
    codec.lasts(records, count, lasts);
    pending.push({ lasts, lastSeq, positions });
  }

  /** Folds the `count` oldest pending blocks of a shard. */
  #fold(shard: number, count: number): void {
    if (count <= 0) return;
    const folded = this.#pending[shard].splice(0, count);
    this.projection.fold(folded.map(({ lasts }) => lasts));
    for (const { lasts, lastSeq, positions } of folded) {
      for (const p of positions) this.#position(p);
      this.covered[shard] = lastSeq;
      if (lasts.count <= SPARE_SYMBOLS && this.#spare.length < FOLD_BLOCKS) this.#spare.push(lasts);
    }
  }

  #position(p: BlockPosition): void {
    const buckets = this.#positions.get(p.sourceId) ?? new Float64Array(BUCKETS);
    buckets[p.bucket] = p.position;
    this.#positions.set(p.sourceId, buckets);
    this.#dirtySources.add(p.sourceId);
  }

  /** Folds all pending blocks: they were verified, or another epoch follows. */
  foldAll(): void {
    this.#pending.forEach((pending, shard) => {
      this.#fold(shard, pending.length);
    });
  }

  /** Stream positions of all blocks that were pushed, pending or not. */
  positions(): SourcePosition[] {
    const all = new Map(Array.from(this.#positions, ([id, buckets]) => [id, Array.from(buckets)]));
    for (const pending of this.#pending.flat()) {
      for (const p of pending.positions) {
        const buckets = all.get(p.sourceId) ?? new Array(BUCKETS).fill(0);
        buckets[p.bucket] = p.position;
        all.set(p.sourceId, buckets);
      }
    }
    return Array.from(all, ([sourceId, buckets]) => ({ sourceId, buckets }));
  }

  /** Marks everything as changed: a checkpoint failed with its transaction. */
  touchAll(): void {
    this.projection.touchAll();
    this.#dirtySources = new Set(this.#positions.keys());
  }

  /** Folds the pending blocks of a shard up to `seq`: their segment is closed and on the disk. */
  foldThrough(shard: number, seq: number): void {
    const pending = this.#pending[shard] ?? [];
    this.#fold(shard, pending.filter(({ lastSeq }) => lastSeq <= seq).length);
  }

  /** The puts of a checkpoint that covers all but each shard's newest block; empty when nothing changed. */
  checkpoint(catalog: Catalog, epoch: number): Put[] {
    this.#pending.forEach((pending, shard) => {
      this.#fold(shard, pending.length - 1);
    });
    const put = (database: Catalog['checkpoint'], key: number, bytes: Uint8Array): Put => ({
      database,
      key,
      value: sealed(bytes),
      isNew: false,
    });
    const puts = this.projection
      .takeDirty()
      .map((id) => put(catalog.checkpoint, id, this.projection.entry(id)));
    for (const id of this.#dirtySources) {
      puts.push(put(catalog.positions, id, new Uint8Array(this.#positions.get(id)!.buffer)));
    }
    this.#dirtySources.clear();
    if (puts.length > 0) puts.push(checkpointPut(catalog, { epoch, covered: [...this.covered] }));
    return puts;
  }

  /**
   * Loads the checkpoint and replays the blocks after it. Blocks of an epoch before the newest are folded completely.
   * @param warn gets a sentence for each damaged part that was skipped
   */
  restore(store: LogStore, codec: BlockCodec, warn: (message: string) => void): void {
    const record = readCheckpoint(store.catalog);
    const epoch = record?.epoch ?? 0;
    if (record !== undefined) this.covered = record.covered;
    this.#load(store.catalog, warn);
    this.projection.epoch = epoch;
    this.covered.forEach((seq, shard) => {
      this.#replay(store, codec, epoch, shard, seq + 1, warn);
    });
    for (const later of readEpochs(store.catalog)) {
      if (later.epoch <= epoch || later.import !== undefined) continue;
      this.foldAll();
      this.covered.fill(0);
      this.projection.epoch = later.epoch;
      for (let shard = 0; shard < later.shards; shard++) {
        this.#replay(store, codec, later.epoch, shard, 0, warn);
      }
    }
  }

  #replay(
    store: LogStore,
    codec: BlockCodec,
    epoch: number,
    shard: number,
    fromSeq: number,
    warn: (message: string) => void,
  ): void {
    let records: Records | undefined;
    const start = blockKey(epoch, shard, fromSeq);
    for (const [key, bytes] of blocksFrom(store, start, blockKey(epoch, shard + 1, 0))) {
      const at = parseKey(key);
      const header = checkBlockAt(at, bytes);
      records ??= Records.allocate(BLOCK_TICKS);
      const count = header === undefined ? -1 : readTicks(codec, bytes, header, records);
      if (header === undefined || count < 0) {
        warn(
          `Block ${at.firstSeq} of epoch ${at.epoch}, shard ${at.shard} is damaged: last values go on without it.`,
        );
      } else if (count > 0) {
        this.push(at.shard, codec, records, count, header.lastSeq, readPositions(bytes, header));
      }
    }
  }

  #load(catalog: Catalog, warn: (message: string) => void): void {
    for (const { key, value } of catalog.checkpoint.getRange({ start: 0 })) {
      const bytes = unsealed(value);
      if (bytes === undefined)
        warn(`The checkpoint of symbol ${key} is damaged: it starts without last values.`);
      else this.projection.load(key, bytes);
    }
    for (const { key, value } of catalog.positions.getRange({ start: 0 })) {
      const bytes = unsealed(value);
      if (bytes === undefined)
        warn(`The position of source ${key} is damaged: it is read again from the start.`);
      else this.#positions.set(key, new Float64Array(bytes.buffer));
    }
  }
}
