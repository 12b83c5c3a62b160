/** Finds ticks of one symbol by their symbolSeq. */
import type { SymbolRequest } from '../../core/log-port.js';
import { copyRecord, RECORD_U32, Records, U32_SYMBOL_SEQ } from '../../core/tick.js';
import { ahead } from '../format/block-summary.js';
import type { LogReader } from './log-reader.js';

/**
 * Fills `into` and `seqs` with the ticks of the symbol whose symbolSeq is in the range, in order, at most as many as
 * fit. Returns their number.
 */
export function findSymbolTicks(
  reader: LogReader,
  search: SymbolRequest,
  into: Records,
  seqs: Float64Array,
): number {
  const { epoch, shard, symbolId, fromSymbolSeq, toSymbolSeq, toSeq } = search;
  const start = reader.seekSymbol(epoch, shard, symbolId, fromSymbolSeq);
  if (start === undefined) return 0;
  const filter = new Uint8Array(symbolId + 1);
  filter[symbolId] = 1;
  const piece = { records: Records.allocate(into.capacity), seqs: new Float64Array(into.capacity) };
  let count = 0;
  for (let fromSeq = Math.max(start, search.fromSeq); count < into.capacity; ) {
    const request = { epoch, shard, fromSeq, toSeq, filter, maxTicks: into.capacity - count };
    const result = reader.read(request, piece.records, piece.seqs);
    for (let i = 0; i < result.count; i++) {
      const symbolSeq = piece.records.u32[i * RECORD_U32 + U32_SYMBOL_SEQ];
      if (ahead(symbolSeq, fromSymbolSeq) < 0) continue;
      if (ahead(symbolSeq, toSymbolSeq) > 0) return count;
      copyRecord(piece.records, i, into, count);
      seqs[count++] = piece.seqs[i];
    }
    if (result.nextSeq <= fromSeq) break;
    fromSeq = result.nextSeq;
  }
  return count;
}
