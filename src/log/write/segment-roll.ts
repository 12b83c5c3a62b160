/**
 * Chooses the segment that is written, and changes to the next one.
 *
 * ```
 * last commit to the old one ─▶ flushed ─▶ old closed, new listed (one transaction of the catalog) ─▶ first commit
 * ```
 *
 * The next environment is opened in advance, so the first block of a period waits only for two flushes. Ticks wait in the
 * ring meanwhile. Segments are cut by the clock, between two blocks: a tick with unusual times goes to the segment of its
 * neighbours.
 */
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { TickwireError } from '../../core/errors.js';
import { LOG_PREPARE_MS } from '../../core/limits.js';
import { failpoint } from '../../pipeline/memory/failpoint.js';
import type { Compression } from '../format/compress.js';
import { blockKey } from '../format/keys.js';
import { rangesWithTimes } from '../index/segment-ranges.js';
import { repairAfterCrash } from '../lmdb/crash-repair.js';
import { DiskFull } from '../lmdb/disk-reserve.js';
import { unlessCommitFailed } from '../lmdb/free-space.js';
import { damageOf } from '../lmdb/structure-check.js';
import { syncPath } from '../lmdb/sync-path.js';
import { commitPuts, flush } from '../lmdb/transaction.js';
import { readDoomed, type SyncMode, segmentPuts } from '../storage/catalog.js';
import type { LogStore } from '../storage/log-store.js';
import { salvage } from '../storage/salvage.js';
import { type SegmentRange, type SegmentRecord, segmentName } from '../storage/segment-record.js';
import {
  bytesOfSegment,
  freshFolder,
  IMPORTS_FROM,
  openSegment,
  periodStartOf,
  type Segment,
  segmentPath,
  segmentsFolder,
} from '../storage/segments.js';

/** The next segment is opened in the last part, one in so many, of a period. */
const PREPARE_SHARE = 4;

export interface RollOptions {
  segmentMs: number;
  sync: SyncMode;
  /** The compressor over fresh blocks. */
  compression: Compression;
}

/** The record of a segment that begins. */
function beginning(
  store: LogStore,
  folder: string,
  startsAt: number,
  { compression }: RollOptions,
): SegmentRecord {
  return { number: numberOf(store), folder, startsAt, ...(compression === 'none' ? {} : { compression }) };
}

/** A change of the list of segments. */
interface Change {
  written: SegmentRecord[];
  removed: number[];
  /** Folders to remove. */
  doomed: string[];
}

/** Adds to `change` that a segment is closed. An empty segment is removed. */
function noteClosed(
  store: LogStore,
  record: SegmentRecord,
  segment: Segment | undefined,
  nowMs: number,
  change: Change,
): SegmentRange[] {
  const ranges = segment === undefined ? [] : rangesWithTimes(segment);
  if (ranges.length === 0) {
    change.removed.push(record.number);
    change.doomed.push(record.folder);
  } else {
    const { heldIn: _, ...rest } = record;
    const bytes = bytesOfSegment(store.dataFolder, record.folder);
    change.written.push({ ...rest, closedAt: nowMs, ranges, bytes });
  }
  return ranges;
}

function fileOf(store: LogStore, record: SegmentRecord): string {
  return path.join(segmentPath(store.dataFolder, record.folder), 'data.mdb');
}

/**
 * A segment that cannot be opened must not be removed: the next start saves its readable blocks.
 * @throws TickwireError log_corrupt
 */
function assertGone(store: LogStore, record: SegmentRecord): void {
  if (!existsSync(fileOf(store, record))) return;
  throw new TickwireError(
    'log_corrupt',
    store.damaged.get(segmentName(record)) ?? `Segment ${record.folder} of the tick log cannot be opened.`,
  );
}

/** Adds to `change` that every open segment but `except` is closed; returns their ranges. */
function noteOthersClosed(
  store: LogStore,
  except: SegmentRecord | undefined,
  nowMs: number,
  change: Change,
): SegmentRange[] {
  const ranges: SegmentRange[] = [];
  for (const record of store.segments()) {
    if (record.ranges !== undefined || record === except) continue;
    const segment = store.open(record);
    if (segment === undefined) assertGone(store, record);
    // The last writer may have left the flushing to the operating system.
    else syncPath(fileOf(store, record));
    ranges.push(...noteClosed(store, record, segment, nowMs, change));
  }
  return ranges;
}

function numberOf(store: LogStore): number {
  const newest = store.segments().findLast(({ number }) => number < IMPORTS_FROM);
  return (newest?.number ?? 0) + 1;
}

/** Creates a segment that survives a power cut. */
function makeSegment(store: LogStore, startsAt: number, sync: SyncMode): Segment {
  const folder = freshFolder(store.dataFolder, startsAt);
  let segment: Segment;
  try {
    segment = openSegment(store.dataFolder, folder, { readOnly: false, sync });
  } catch (error) {
    rmSync(segmentPath(store.dataFolder, folder), { recursive: true, force: true });
    throw error;
  }
  const segments = segmentsFolder(store.dataFolder);
  for (const made of [path.join(segments, folder), segments, path.dirname(segments)]) syncPath(made);
  return segment;
}

/** Writes and flushes the first transactions of a segment: after a power cut lmdb needs a flushed one to go back to. */
async function found({ blocks }: Segment): Promise<void> {
  const key = blockKey(0, 0, 0);
  await commitPuts(blocks, [{ key, value: Buffer.of(0), isNew: false }]);
  await commitPuts(blocks, [{ key, value: undefined, isNew: false }]);
  await flush(blocks);
}

async function commitChange(store: LogStore, change: Change): Promise<void> {
  const { written, removed, doomed } = change;
  await commitPuts(store.catalog.root, segmentPuts(store.catalog, written, removed, doomed));
  store.refresh();
}

/** Removes the folders that the catalog lists as doomed, at the start: then nobody works on one. The list must be on the disk. */
function removeDoomed(store: LogStore): void {
  const listed = new Set(store.segments().map((r) => r.folder));
  for (const folder of readDoomed(store.catalog)) {
    if (listed.has(folder)) continue;
    rmSync(segmentPath(store.dataFolder, folder), { recursive: true, force: true });
  }
}

/**
 * Repairs the open segments. The readable blocks of a damaged segment go into a new, closed segment that replaces it.
 */
async function repairOpenSegments(
  store: LogStore,
  nowMs: number,
  options: RollOptions,
  warn: (message: string) => void,
): Promise<void> {
  for (const record of store.segments()) {
    const from = path.join(segmentsFolder(store.dataFolder), record.folder);
    if (record.ranges !== undefined) continue;
    const damage = damageOf(from, true);
    if (damage === undefined) {
      repairAfterCrash(from);
      continue;
    }
    const segment = makeSegment(store, record.startsAt, options.sync);
    const { blocks, lost } = await salvage(store.catalog, from, segment);
    const change: Change = { written: [], removed: [], doomed: [] };
    noteClosed(store, { ...record, folder: segment.folder }, segment, nowMs, change);
    await segment.blocks.close();
    await commitChange(store, change);
    warn(
      `Segment ${record.folder} of the log was damaged: ${damage}. ${blocks} blocks of it were saved; lost: ` +
        `${lost.map((l) => `${l}, `).join('')}and what followed the last of them. The damaged folder stays in log/segments.`,
    );
  }
}

/**
 * The host's part, before any stage or reader of the process: opens the newest segment, or begins a new one when the period
 * is over or the compressor has changed, and closes all others.
 * @returns the environment that must stay open while the engine runs
 */
export async function beginSegments(
  store: LogStore,
  epoch: number,
  nowMs: number,
  options: RollOptions,
  warn: (message: string) => void = () => {},
): Promise<Segment> {
  await repairOpenSegments(store, nowMs, options, warn);
  const newest = store.segments().findLast((r) => r.ranges === undefined);
  const startsAt = Math.max(periodStartOf(nowMs, options.segmentMs), newest?.startsAt ?? 0);
  const change: Change = { written: [], removed: [], doomed: [] };
  let current: Segment;
  if (newest?.startsAt === startsAt && (newest.compression ?? 'none') === options.compression) {
    current = openSegment(store.dataFolder, newest.folder, { readOnly: false, sync: options.sync });
    noteOthersClosed(store, newest, nowMs, change);
    change.written.push({ ...newest, heldIn: epoch });
  } else {
    noteOthersClosed(store, undefined, nowMs, change);
    current = makeSegment(store, startsAt, options.sync);
    await found(current);
    change.written.push({ ...beginning(store, current.folder, startsAt, options), heldIn: epoch });
  }
  await commitChange(store, change);
  await flush(store.catalog.root);
  removeDoomed(store);
  return current;
}

/** The log stage's part. */
export class SegmentRoll {
  #next: { segment: Segment; startsAt: number } | undefined;
  #isRolling = false;
  /** Start of the period whose segment could not be created in advance. */
  #noSpaceFor = 0;

  private constructor(
    readonly store: LogStore,
    readonly options: RollOptions,
    private record: SegmentRecord | undefined,
    private current: Segment | undefined,
  ) {}

  /**
   * Opens the segment of the host. If an earlier stage has created other segments, these are closed and a new one begins: a
   * stage that died leaves no segment that can be written safely. On a full disk, the first batch begins the segment.
   */
  static async open(
    store: LogStore,
    epoch: number,
    nowMs: number,
    options: RollOptions,
  ): Promise<SegmentRoll> {
    const newest = store.segments().findLast((r) => r.ranges === undefined);
    if (newest?.heldIn === epoch) {
      const { dataFolder } = store;
      const segment = openSegment(dataFolder, newest.folder, { readOnly: false, sync: options.sync });
      return new SegmentRoll(store, options, newest, segment);
    }
    const roll = new SegmentRoll(store, options, undefined, undefined);
    await roll.to(nowMs).catch(unlessCommitFailed);
    return roll;
  }

  /** The segment that is written; undefined until the disk has space for it. */
  get segment(): Segment | undefined {
    return this.current;
  }

  /** Whether a time is in a later period than the one that began at `startsAt`. Without a segment every time is. */
  isOver(nowMs: number, startsAt = this.record?.startsAt ?? Number.NEGATIVE_INFINITY): boolean {
    return periodStartOf(nowMs, this.options.segmentMs) > startsAt;
  }

  /** Opens the next segment when it will soon be needed. */
  prepare(nowMs: number): void {
    if (this.#isRolling) return;
    const { segmentMs } = this.options;
    const startsAt = periodStartOf(nowMs, segmentMs) + segmentMs;
    if (startsAt - nowMs > Math.min(LOG_PREPARE_MS, segmentMs / PREPARE_SHARE)) return;
    if (this.#noSpaceFor === startsAt) return;
    try {
      this.#prepare(startsAt);
    } catch (error) {
      // The next attempt comes when the segment is needed: then the log stalls, or sheds.
      if (!(error instanceof DiskFull)) throw error;
      this.#noSpaceFor = startsAt;
    }
  }

  #prepare(startsAt: number): void {
    if (this.#next?.startsAt === startsAt) return;
    this.#discard();
    const segment = makeSegment(this.store, startsAt, this.options.sync);
    this.#next = { segment, startsAt };
    // Until the segment is listed, its folder counts as doomed: the next start removes it if this process dies now.
    const { catalog } = this.store;
    commitPuts(catalog.root, segmentPuts(catalog, [], [], [segment.folder])).catch(() => {});
  }

  /** Removes a prepared segment whose period has passed without a tick. */
  #discard(): void {
    if (this.#next === undefined) return;
    const { segment } = this.#next;
    this.#next = undefined;
    void segment.blocks.close();
    rmSync(segmentPath(this.store.dataFolder, segment.folder), { recursive: true });
  }

  /**
   * Changes to the segment of the period of `nowMs`.
   * @returns the ranges of the earlier segments, which are closed and on the disk
   */
  async to(nowMs: number): Promise<SegmentRange[]> {
    const newest = this.store.segments().findLast((r) => r.ranges === undefined);
    this.#prepare(Math.max(periodStartOf(nowMs, this.options.segmentMs), newest?.startsAt ?? 0));
    this.#isRolling = true;
    try {
      return await this.#roll(this.#next!.segment, this.#next!.startsAt, nowMs);
    } finally {
      this.#isRolling = false;
    }
  }

  async #roll(segment: Segment, startsAt: number, nowMs: number): Promise<SegmentRange[]> {
    failpoint();
    await found(segment);
    if (this.current !== undefined) await flush(this.current.blocks);
    failpoint();
    const change: Change = { written: [], removed: [], doomed: [] };
    const ranges =
      this.record === undefined
        ? noteOthersClosed(this.store, undefined, nowMs, change)
        : noteClosed(this.store, this.record, this.current, nowMs, change);
    const record = beginning(this.store, segment.folder, startsAt, this.options);
    change.written.push(record);
    await commitChange(this.store, change);
    await flush(this.store.catalog.root);
    failpoint();
    this.#next = undefined;
    const before = this.current;
    this.current = segment;
    this.record = record;
    await before?.blocks.close();
    // An empty segment goes now. Other doomed folders may be work in progress: an import, or a recompression.
    for (const folder of change.doomed)
      rmSync(segmentPath(this.store.dataFolder, folder), { recursive: true, force: true });
    return ranges;
  }

  async close(): Promise<void> {
    this.#discard();
    await this.current?.blocks.close();
  }
}
