/** What the catalog tells of blocks that cannot be read: which seqs they had, and between which times. */
import { isBefore } from '../../core/time.js';
import { TimeAt } from '../format/extent.js';
import { blockBefore, type LogStore, lastSeqAt, rangeOf, removedOf } from './log-store.js';
import { segmentName } from './segment-record.js';

/** A segment that could not be opened. */
export interface LostSegment {
  /** What is wrong, in a sentence that names the file. */
  why: string;
  /** Start of its stretch, UNIX milliseconds. */
  startsAt: number;
  /** Whether the catalog knows its seqs: then readers are told of them as a gap. */
  isKnown: boolean;
}

/** The segments that reading has found damaged so far. */
export function lostSegments(store: LogStore): LostSegment[] {
  return store.segments().flatMap((record) => {
    const why = store.damaged.get(segmentName(record));
    if (why === undefined) return [];
    return [{ why, startsAt: record.startsAt, isKnown: record.ranges !== undefined }];
  });
}

/**
 * The first seq of what is lost right before `seq`, as far as its highest time may reach a time; `seq` where nothing
 * is lost.
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
 * Last seq of what is lost that may have been received before a time; below its first one where none was.
 * @param lost its first and last seq
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
