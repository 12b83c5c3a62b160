/** What a segment that is to be closed holds, as the catalog lists it. */

import { BlockCodec } from '../format/block-codec.js';
import { BlockExtents } from '../format/block-extent.js';
import type { SegmentRange } from '../storage/segment-record.js';
import { rangesOf, type Segment } from '../storage/segments.js';
import { timesOf } from './shard-index.js';

/** The ranges of a segment with the times of their ticks; its index pages make that quick. */
export function rangesWithTimes(segment: Segment): SegmentRange[] {
  const extents = new BlockExtents(new BlockCodec());
  return rangesOf(segment).map((range) => ({
    ...range,
    times: timesOf(segment, range.epoch, range.shard, extents),
  }));
}
