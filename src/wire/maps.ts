/** A tick as a MessagePack map with named fields, which needs no batch around it. */
import { toTick } from '../core/tick-record.js';
import type { PlacedTick } from './lines.js';
import { packControl } from './msgpack.js';

/**
 * The fields are those of an NDJSON line, in the same order. Times are 64-bit integers of UNIX nanoseconds. A value that
 * the source did not give is nil.
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
