/**
 * Segments: the stretches of time that the log is cut into, each an LMDB environment of its own in
 * `<data folder>/log/segments/<UTC start>`, so that removing old ticks removes whole files.
 *
 * A segment has one database: blocks by `blockKey`, and beside them the pages of their index by `pageKey`.
 * It is open while blocks may come, then closed for ever. A closed one may be replaced as a whole by a smaller
 * one of the same blocks: then its record names another folder.
 *
 * All threads of a process share an environment, whose flags are those of whoever opened it first, and
 * readers open for reading. So a segment is only written by who was sure to be first: the host, which holds
 * the one that it found or made at start (`heldIn`), and a log stage that made it. A log stage that took
 * another's place begins a segment of its own.
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

/** Start of the stretch that a time lies in, UNIX milliseconds. */
export function stretchOf(nowMs: number, segmentMs: number): number {
  return Math.floor(nowMs / segmentMs) * segmentMs;
}

const HOUR_MS = 3_600_000;
const DATE_CHARS = 10;
const HOUR_CHARS = 13;

/** A name for the segment of a stretch that no folder has yet: `2026-11-23`, `2026-11-23T04`, `2026-11-23.2` … */
export function freshFolder(dataFolder: string, startsAt: number): string {
  const text = new Date(startsAt).toISOString();
  const chars =
    startsAt % (24 * HOUR_MS) === 0 ? DATE_CHARS : startsAt % HOUR_MS === 0 ? HOUR_CHARS : text.length;
  return nextFolder(dataFolder, text.slice(0, chars).replaceAll(':', '-').replace('.', '-'));
}

/** A name like the given one that no folder has yet. */
export function nextFolder(dataFolder: string, like: string): string {
  const base = like.replace(/\.\d+$/, '');
  let name = base;
  for (let n = 2; existsSync(segmentPath(dataFolder, name)); n++) name = `${base}.${n}`;
  return name;
}

/**
 * Opens the environment of a segment; for writing it is made where there is none.
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

/** What a segment holds, from its keys: a few lookups for each shard of each epoch in it. */
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
