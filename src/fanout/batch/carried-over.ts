/** The last-value table carries quotes over from earlier epochs. This file finds those that a cursor has not seen. */
import { BUCKETS } from '../../core/limits.js';
import { RECORD_U32, U32_SEQ_LOW } from '../../core/tick.js';
import { Slot } from '../../pipeline/memory/last-value-table.js';
import { type LastValueMirror, MIRROR_SLOTS } from './last-value-mirror.js';

/** A cursor of an earlier epoch. */
export interface EarlierCursor {
  epoch: number;
  /** By shard of the earlier epoch: the last seq seen. */
  seqs: ArrayLike<number>;
}

/** Whether the symbol's quote, which was carried over, is newer than the earlier cursor. */
export function isCarriedAfter(mirror: LastValueMirror, id: number, { epoch, seqs }: EarlierCursor): boolean {
  const of = mirror.quoteEpochs[id];
  // 0: the log is older than the field and names no epoch. The quote may be newer, so it is sent.
  if (of !== epoch) return of === 0 || of > epoch;
  const shard = mirror.registry.bucket[id] % Math.min(seqs.length, BUCKETS);
  const low = mirror.records.u32[(id * MIRROR_SLOTS + Slot.quote) * RECORD_U32 + U32_SEQ_LOW];
  return ((low - seqs[shard]) | 0) > 0;
}
