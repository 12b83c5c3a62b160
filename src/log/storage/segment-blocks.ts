/** All blocks of one segment, of every epoch and shard: for code that reads a log file by file. */
import { type BlockKey, isPageKey, parseKey } from '../format/keys.js';
import type { Segment } from './segments.js';

/** Blocks read in one short transaction. */
const READ_BATCH = 16;

export interface SegmentBlock {
  key: BlockKey;
  bytes: Buffer;
}

/** Blocks in the order of their keys, in short transactions; pages of the index are left out. */
export function* blocksOfSegment(segment: Segment): Generator<SegmentBlock> {
  let start: Uint8Array = Buffer.of(0);
  for (;;) {
    const range = { start, limit: READ_BATCH, snapshot: false } as const;
    const batch = Array.from(segment.blocks.getRange(range), (entry): [Uint8Array, Buffer] => [
      entry.key,
      entry.value,
    ]);
    for (const [key, bytes] of batch) if (!isPageKey(key)) yield { key: parseKey(key), bytes };
    if (batch.length < READ_BATCH) return;
    start = Buffer.concat([batch[batch.length - 1][0], Buffer.of(0)]);
  }
}
