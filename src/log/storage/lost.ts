/** Seqs and times of unreadable blocks, from the catalog. */
import { isBefore } from '../../core/time.js';
import { TimeAt } from '../format/block-summary.js';
import { blockBefore, type LogStore, lastSeqAt, rangeOf, removedOf } from './log-store.js';
import { segmentName } from './segment-record.js';

/** A segment that could not be opened. */
export interface LostSegment {
  /** The problem, in a sentence that names the file. */
  why: string;
  /** Start of its period, UNIX milliseconds. */
  startsAt: number;
  /** Whether the catalog knows its seqs: then readers get them as a gap. */
  isKnown: boolean;
}

/** The segments that reads have found damaged so far. */
export function lostSegments(store: LogStore): LostSegment[] {
  return store.segments().flatMap((record) => {
    const why = store.damaged.get(segmentName(record));
    if (why === undefined) return [];
    return [{ why, startsAt: record.startsAt, isKnown: record.ranges !== undefined }];
  });
}

/**
 * The first lost seq right before `seq` whose segment may reach a time; `seq` when nothing is lost there.
 */
export function lostBefore(
  store: LogStore,
  epoch: number,
  shard: number,
  seq: number,
  at: typeof TimeAt.recvMax | typeof TimeAt.eventMax,
  seconds: number,
  nanos: number,
): number {
  const before = blockBefore(store, epoch, shard, seq - 1);
  let lost = (before === undefined ? removedOf(store, epoch, shard) : lastSeqAt(before)) + 1;
  if (lost >= seq) return seq;
  for (const record of store.segmentsOf(epoch, shard)) {
    const range = rangeOf(record, epoch, shard);
    if (range?.times === undefined || range.first > lost || range.last < lost) continue;
    if (isBefore(range.times[at], range.times[at + 1], seconds, nanos)) lost = range.last + 1;
  }
  return Math.min(lost, seq);
}

/**
 * The last seq of a lost range that may have been received before a time; below the first seq when none was.
 * @param lost first and last seq of the lost range
 */
export function lostUntil(
  store: LogStore,
  epoch: number,
  shard: number,
  lost: { first: number; last: number },
  seconds: number,
  nanos: number,
): number {
  for (const record of store.segmentsOf(epoch, shard)) {
    const range = rangeOf(record, epoch, shard);
    if (range?.times === undefined || range.last < lost.first || range.first > lost.last) continue;
    const [s, ns] = [range.times[TimeAt.recvMin], range.times[TimeAt.recvMin + 1]];
    if (!isBefore(s, ns, seconds, nanos)) return Math.min(lost.last, range.first - 1);
  }
  return lost.last;
}
