/** Quotes that the last-value table carried over from an earlier epoch: which of them a cursor has not seen. */
import { BUCKETS } from '../../core/limits.js';
import { RECORD_U32, U32_SEQ_LOW } from '../../core/tick.js';
import { Slot } from '../../pipeline/memory/last-value-table.js';
import { type LastValueMirror, MIRROR_SLOTS } from './last-value-mirror.js';

/** A place in an earlier epoch. */
export interface EarlierPlace {
  epoch: number;
  /** By shard of that epoch: the last seq seen. */
  seqs: ArrayLike<number>;
}

/** Whether the symbol's quote, which was carried over, lies after the place. */
export function isCarriedAfter(mirror: LastValueMirror, id: number, { epoch, seqs }: EarlierPlace): boolean {
  const of = mirror.quoteEpochs[id];
  // 0: a log from before these were kept. What may be newer is sent.
  if (of !== epoch) return of === 0 || of > epoch;
  const shard = mirror.registry.bucket[id] % Math.min(seqs.length, BUCKETS);
  const low = mirror.records.u32[(id * MIRROR_SLOTS + Slot.quote) * RECORD_U32 + U32_SEQ_LOW];
  return ((low - seqs[shard]) | 0) > 0;
}
