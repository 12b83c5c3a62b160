/** What the catalog keeps of a segment. */

/** The blocks of a shard that a segment holds. */
export interface SegmentRange {
  epoch: number;
  shard: number;
  first: number;
  last: number;
  /** Lowest and highest times of its ticks, see `TimeAt`. */
  times?: number[];
}

/** A segment, as the catalog lists it. */
export interface SegmentRecord {
  /** Segments of a shard follow one another by it. */
  number: number;
  /** In `log/segments`. */
  folder: string;
  /** Start of its stretch, UNIX milliseconds. */
  startsAt: number;
  /** The epoch whose host holds it open for writing. */
  heldIn?: number;
  /** When it was closed, UNIX milliseconds; absent while blocks may come. */
  closedAt?: number;
  /** What it holds, once it is closed. */
  ranges?: SegmentRange[];
  /** Bytes of its file, once it is closed. */
  bytes?: number;
  /** The same before it was recompressed. */
  bytesBefore?: number;
  /** The compressor over its blocks; absent: none. */
  compression?: string;
}

/** Tells a segment apart from any other: one that comes later may get the folder of one that was removed. */
export function segmentName({ number, folder }: SegmentRecord): string {
  return `${number} ${folder}`;
}
