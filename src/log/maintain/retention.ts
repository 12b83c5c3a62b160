/**
 * Removes whole closed segments, oldest first: segments that are too old, and as many as the size limits demand. A segment
 * with a reader's lease stays, and so do all later ones. A segment that the checkpoint does not cover yet stays too,
 * because the next start needs it.
 */
import { statfsSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { commitPuts } from '../lmdb/transaction.js';
import {
  type EpochRecord,
  epochPut,
  logFolder,
  readCheckpoint,
  readEpoch,
  segmentPuts,
} from '../storage/catalog.js';
import { type LogStore, rangeOf } from '../storage/log-store.js';
import { heldSegments } from '../storage/reader-lease.js';
import type { SegmentRecord } from '../storage/segment-record.js';
import { bytesOfSegment, IMPORTS_FROM, segmentPath } from '../storage/segments.js';

/** Limits of the log; an absent limit keeps everything. */
export interface RetentionOptions {
  /** Days since a segment was closed. */
  ageDays?: number | undefined;
  /** Bytes of the whole log on the disk. */
  totalBytes?: number | undefined;
  /** Bytes of the disk that must stay free. */
  freeBytes?: number | undefined;
}

const DAY_MS = 86_400_000;

/** What of a segment has to go, as the rest of a sentence; empty: it stays. */
type Judge = (record: SegmentRecord) => string;

export class Retention {
  /** The segment whose lease was reported. */
  #told = 0;

  constructor(
    readonly store: LogStore,
    readonly options: RetentionOptions,
    readonly report: (level: 'info' | 'warn', message: string) => void,
  ) {}

  /** Removes the segments that are due. */
  async look(nowMs: number): Promise<void> {
    const { store } = this;
    if (Object.values(this.options).every((limit) => limit === undefined)) return;
    store.refresh();
    const judge = this.#judge(nowMs);
    for (const record of oldestFirst(store.segments())) {
      const why = judge(record);
      if (why === '' || !this.#isCovered(record) || this.#isHeld(record, why)) return;
      if (!(await this.#remove(record))) return;
      this.report('info', `Segment ${record.folder} of the tick log was removed: ${why}.`);
    }
  }

  /** Judges segments in turn, as if those before had gone. */
  #judge(nowMs: number): Judge {
    const { dataFolder } = this.store;
    const { ageDays, totalBytes, freeBytes } = this.options;
    let total = 0;
    let free = Number.POSITIVE_INFINITY;
    if (totalBytes !== undefined) total = bytesOfLog(this.store);
    if (freeBytes !== undefined) {
      const { bavail, bsize } = statfsSync(dataFolder);
      free = bavail * bsize;
    }
    return (record) => {
      const bytes = bytesOfSegment(dataFolder, record.folder);
      const isOld = ageDays !== undefined && nowMs - (record.closedAt ?? nowMs) > ageDays * DAY_MS;
      const isMuch = totalBytes !== undefined && total > totalBytes;
      const isShort = freeBytes !== undefined && free < freeBytes;
      total -= bytes;
      free += bytes;
      if (isOld) return `it was closed more than ${ageDays} days ago`;
      if (isMuch) return `the log was larger than ${totalBytes} bytes`;
      return isShort ? `the disk had less than ${freeBytes} bytes left` : '';
    };
  }

  #isCovered(record: SegmentRecord): boolean {
    const { catalog } = this.store;
    const { epoch, covered } = readCheckpoint(catalog) ?? { epoch: 0, covered: [] };
    return record.ranges!.every(
      (r) =>
        r.epoch < epoch ||
        (r.epoch === epoch && r.last <= covered[r.shard]) ||
        readEpoch(catalog, r.epoch)?.import !== undefined,
    );
  }

  #isHeld(record: SegmentRecord, why: string): boolean {
    const holder = heldSegments(this.store.dataFolder).get(record.number);
    if (holder === undefined) return false;
    if (this.#told !== record.number) {
      this.report(
        'warn',
        `Segment ${record.folder} of the tick log is to go, as ${why}, but ${holder} reads from it: ` +
          'it stays until that is done.',
      );
    }
    this.#told = record.number;
    return true;
  }

  /** False when a reader came to hold it meanwhile. */
  async #remove(record: SegmentRecord): Promise<boolean> {
    const { catalog, dataFolder } = this.store;
    const epochs = [...new Set(record.ranges!.map((r) => r.epoch))].map((e) => readEpoch(catalog, e)!);
    const told = epochs.map((epoch) => epochPut(catalog, withRemoved(epoch, record)));
    await commitPuts(catalog.root, [...segmentPuts(catalog, [], [record.number], [record.folder]), ...told]);
    this.store.refresh();
    // A reader that took its lease just before saw the segment still listed, and may rely on it.
    if (heldSegments(dataFolder).has(record.number)) {
      const back = epochs.map((epoch) => epochPut(catalog, epoch));
      await commitPuts(catalog.root, [...segmentPuts(catalog, [record]), ...back]);
      this.store.refresh();
      return false;
    }
    await rm(segmentPath(dataFolder, record.folder), { recursive: true, force: true });
    return true;
  }
}

/** Closed segments in the order in which they go: by their numbers, with imports where they were adopted. */
function oldestFirst(segments: readonly SegmentRecord[]): SegmentRecord[] {
  const closed = segments.filter((r) => r.ranges !== undefined);
  let atMs = 0;
  const ages = new Map<SegmentRecord, number>();
  for (const record of closed) {
    if (record.number >= IMPORTS_FROM) ages.set(record, record.closedAt ?? 0);
    // A clock that was set back between two runs must not change the order.
    else {
      atMs = Math.max(atMs, record.closedAt ?? 0);
      ages.set(record, atMs);
    }
  }
  return closed.sort((a, b) => ages.get(a)! - ages.get(b)! || a.number - b.number);
}

/** What an epoch has to say of itself once a segment is removed. */
function withRemoved(epoch: EpochRecord, record: SegmentRecord): EpochRecord {
  const removed = Array.from({ length: epoch.shards }, (_, shard) =>
    Math.max(epoch.removed?.[shard] ?? 0, rangeOf(record, epoch.epoch, shard)?.last ?? 0),
  );
  return { ...epoch, removed };
}

/** Bytes of the log on the disk: its catalog and all segments. */
export function bytesOfLog(store: LogStore): number {
  const catalog = statSync(path.join(logFolder(store.dataFolder), 'data.mdb')).size;
  return store.segments().reduce((sum, r) => sum + bytesOfSegment(store.dataFolder, r.folder), catalog);
}
