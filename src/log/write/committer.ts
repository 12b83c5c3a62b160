/**
 * Commits batches, one at a time and in an order that a crash at any point leaves whole:
 *
 * ```
 * registry (catalog) ─▶ roll-over, where one is due (last index pages first) ─▶ blocks ─visible─▶ … ─durable─▶ checkpoint (catalog)
 * ```
 */
import { failpoint } from '../../pipeline/memory/failpoint.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import type { RegistryPosition } from '../../pipeline/memory/registry-memory.js';
import { commitPuts, flush, type Put } from '../lmdb/transaction.js';
import { readRegistry, type SyncMode } from '../storage/catalog.js';
import type { CommitBatch } from '../storage/commit-batch.js';
import type { LogStore } from '../storage/log-store.js';
import type { SegmentRange } from '../storage/segment-record.js';
import type { SegmentRoll } from './segment-roll.js';

export class Committer {
  /** How far the catalog holds the registry. */
  registryLogged: RegistryPosition;

  /** @param onClosed gets the ranges of a segment that was closed and is on the disk */
  constructor(
    readonly store: LogStore,
    registry: Registry,
    readonly roll: SegmentRoll,
    readonly sync: SyncMode,
    readonly onClosed: (ranges: readonly SegmentRange[]) => void,
  ) {
    this.registryLogged = registry.positionOf(readRegistry(store.catalog));
  }

  /**
   * Resolves when the batch is visible. After a failure the batch has only the puts that are not committed, and the caller
   * can commit it again.
   * @returns a promise that resolves when the batch is durable
   */
  async commit(batch: CommitBatch): Promise<{ flushed: Promise<void> }> {
    await this.#commitRegistry(batch);
    if (batch.closing.length > 0) {
      await this.commitPages(batch.closing);
      batch.closing = [];
    }
    const isEmpty = batch.puts.length === 0;
    if (isEmpty && this.roll.segment !== undefined) return { flushed: Promise.resolve() };
    if (batch.rollsTo !== 0) {
      this.onClosed(await this.roll.to(batch.rollsTo));
      batch.rollsTo = 0;
    }
    if (isEmpty) return { flushed: Promise.resolve() };
    failpoint();
    const { blocks } = this.roll.segment!;
    const visible = commitPuts(blocks, batch.puts);
    const flushed = blocks.flushed.then(() => {});
    flushed.catch(() => {});
    await visible;
    return { flushed };
  }

  async #commitRegistry(batch: CommitBatch): Promise<void> {
    if (batch.registry.length === 0) return;
    failpoint();
    const { root } = this.store.catalog;
    await commitPuts(root, batch.registry);
    // The blocks are in another file. They must not survive a power cut without their registry.
    if (this.sync === 'every-commit') await flush(root);
    this.registryLogged = batch.registryEnd;
    batch.registry = [];
  }

  /** Writes the last index pages of the segment that is written. */
  async commitPages(puts: readonly Put[]): Promise<void> {
    if (puts.length > 0) await commitPuts(this.roll.segment!.blocks, puts);
  }

  /** Writes a checkpoint, whose blocks are durable already. */
  async commitCheckpoint(puts: readonly Put[]): Promise<void> {
    failpoint();
    await commitPuts(this.store.catalog.root, puts);
    failpoint();
  }

  /** Waits until all that is visible is on the disk. */
  async flush(): Promise<void> {
    if (this.roll.segment !== undefined) await flush(this.roll.segment.blocks);
  }
}
