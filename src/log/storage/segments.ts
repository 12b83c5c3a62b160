/**
 * Segments: the log is cut into periods of time. Each has its own LMDB environment in
 * `<data folder>/log/segments/<UTC start>`, so removing old ticks means removing whole files.
 *
 * A segment has one database: blocks by `blockKey`, and beside them the pages of their index by `pageKey`.
 * A segment is open while blocks may be added, then closed for ever. A closed segment may be replaced by a smaller one with
 * the same blocks: then its record names another folder.
 *
 * All threads of a process share an environment with the flags of the thread that opened it first, and readers open it for
 * reading. So only a thread that is surely the first one writes a segment. The host opens the segment that it found or
 * created at start (`heldIn`), and a log stage writes the segments that it created. A restarted log stage begins a new one.
 */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { lastSeqOf } from '../format/block.js';
import { blockKey, isPageKey, parseKey } from '../format/keys.js';
import { prepareFolder } from '../lmdb/disk-reserve.js';
import { type Environment, openEnvironment } from '../lmdb/environment.js';
import { assertWhole } from '../lmdb/structure-check.js';
import { logFolder, type SyncMode, syncFlags } from './catalog.js';
import type { SegmentRange } from './segment-record.js';

/** Numbers of epochs and segments from here on are those of imports. */
export const IMPORTS_FROM = 2 ** 31;

/** A segment, opened. */
export interface Segment {
  readonly folder: string;
  readonly blocks: Environment<Buffer, Uint8Array>;
}

export function segmentsFolder(dataFolder: string): string {
  return path.join(logFolder(dataFolder), 'segments');
}

export function segmentPath(dataFolder: string, folder: string): string {
  return path.join(segmentsFolder(dataFolder), folder);
}

/** Start of the period of a time, UNIX milliseconds. */
export function periodStartOf(nowMs: number, segmentMs: number): number {
  return Math.floor(nowMs / segmentMs) * segmentMs;
}

const HOUR_MS = 3_600_000;
const DATE_CHARS = 10;
const HOUR_CHARS = 13;

/** A new folder name for the segment of a period: `2026-11-23`, `2026-11-23T04`, `2026-11-23.2` … */
export function freshFolder(dataFolder: string, startsAt: number): string {
  const text = new Date(startsAt).toISOString();
  const chars =
    startsAt % (24 * HOUR_MS) === 0 ? DATE_CHARS : startsAt % HOUR_MS === 0 ? HOUR_CHARS : text.length;
  return nextFolder(dataFolder, text.slice(0, chars).replaceAll(':', '-').replace('.', '-'));
}

/** A new folder name like the given one. */
export function nextFolder(dataFolder: string, like: string): string {
  const base = like.replace(/\.\d+$/, '');
  let name = base;
  for (let n = 2; existsSync(segmentPath(dataFolder, name)); n++) name = `${base}.${n}`;
  return name;
}

/**
 * Opens the environment of a segment. When opened for writing, a missing environment is created.
 * @throws TickwireError log_corrupt when it is damaged, what lmdb throws, also when there is none to be read
 */
export function openSegment(
  dataFolder: string,
  folder: string,
  options: { readOnly: boolean; sync?: SyncMode },
): Segment {
  const at = segmentPath(dataFolder, folder);
  if (options.readOnly) statSync(path.join(at, 'data.mdb'));
  else prepareFolder(at);
  assertWhole(at, !options.readOnly);
  const blocks = openEnvironment<Buffer, Uint8Array>({
    path: at,
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    readOnly: options.readOnly,
    ...(options.readOnly ? {} : syncFlags(options.sync)),
  });
  return { folder, blocks };
}

/** Bytes of a segment's file; 0 when there is none. */
export function bytesOfSegment(dataFolder: string, folder: string): number {
  const file = path.join(segmentPath(dataFolder, folder), 'data.mdb');
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The key of the last block of a shard at or before `seq` in one segment. */
export function keyBeforeIn(
  segment: Segment,
  epoch: number,
  shard: number,
  seq: number,
): Uint8Array | undefined {
  const range = { start: blockKey(epoch, shard, seq), reverse: true, limit: 1, snapshot: false } as const;
  for (const key of segment.blocks.getKeys(range)) {
    const found = parseKey(key);
    return found.epoch === epoch && found.shard === shard ? key : undefined;
  }
  return undefined;
}

/** Blocks read in one short transaction. */
const READ_BATCH = 16;

/** Blocks of a segment from the key `start` on and below `end`, in order, in short transactions. */
export function* blocksIn(
  segment: Segment,
  start: Uint8Array,
  end: Uint8Array,
): Generator<[Uint8Array, Buffer]> {
  for (let from = start; ; ) {
    const batch = Array.from(
      segment.blocks.getRange({ start: from, end, limit: READ_BATCH, snapshot: false }),
      (entry): [Uint8Array, Buffer] => [entry.key, entry.value],
    );
    yield* batch;
    if (batch.length < READ_BATCH) return;
    from = Buffer.concat([batch[batch.length - 1][0], Buffer.of(0)]);
  }
}

/** The ranges of blocks in a segment, from its keys: a few lookups for each shard of each epoch. */
export function rangesOf(segment: Segment): SegmentRange[] {
  const ranges: SegmentRange[] = [];
  segment.blocks.resetReadTxn();
  let from = blockKey(0, 0, 0);
  for (;;) {
    const [key] = segment.blocks.getKeys({ start: from, limit: 1, snapshot: false });
    if (key === undefined) return ranges;
    const { epoch, shard, firstSeq } = parseKey(key);
    if (!isPageKey(key)) {
      const last = keyBeforeIn(segment, epoch, shard, Number.MAX_SAFE_INTEGER)!;
      ranges.push({
        epoch,
        shard,
        first: firstSeq,
        last: lastSeqOf(parseKey(last).firstSeq, segment.blocks.get(last)!),
      });
    }
    from = blockKey(epoch, shard + 1, 0);
  }
}
