/** The ranges of a segment that will be closed, as the catalog lists them. */

import { BlockCodec } from '../format/block-codec.js';
import { BlockSummaryReader } from '../format/block-summary-reader.js';
import type { SegmentRange } from '../storage/segment-record.js';
import { rangesOf, type Segment } from '../storage/segments.js';
import { timesOf } from './shard-index.js';

/** The ranges of a segment with the times of their ticks; its index pages make that quick. */
export function rangesWithTimes(segment: Segment): SegmentRange[] {
  const summaries = new BlockSummaryReader(new BlockCodec());
  return rangesOf(segment).map((range) => ({
    ...range,
    times: timesOf(segment, range.epoch, range.shard, summaries),
  }));
}
