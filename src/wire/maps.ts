/** A tick as a MessagePack map that stands for itself: names and all, without a batch around it. */
import { toTick } from '../core/tick.js';
import type { PlacedTick } from './lines.js';
import { packControl } from './msgpack.js';

/**
 * The fields are those of an NDJSON line, in its order; times are 64-bit integers, what a source does not tell
 * is nil.
 */
export function tickMap({ records, index, seq, epoch, shard }: PlacedTick, symbol: string): Uint8Array {
  const {
    kind,
    symbolId: _id,
    sourceId: _source,
    symbolSeq,
    flags,
    tsEvent,
    tsRecv,
    ...values
  } = toTick(records, index);
  const side = flags.includes('buy') ? 'buy' : flags.includes('sell') ? 'sell' : null;
  return packControl({
    epoch,
    shard,
    kind,
    symbol,
    seq,
    symbolSeq,
    ...values,
    ...(kind === 'trade' ? { side } : {}),
    tsEvent,
    tsRecv,
    flags,
  });
}
