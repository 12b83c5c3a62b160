/** Finds ticks of one symbol by the symbol's own numbering, without an index: by bisection over the sequence. */
import { BLOCK_TICKS } from '../limits.js';
import { copyRecord, RECORD_U32, Records, U32_SYMBOL_SEQ } from '../tick.js';
import type { LogReader } from './reader.js';

export interface SymbolSearch {
  epoch: number;
  shard: number;
  symbolId: number;
  /** Inclusive, modulo 2^32. */
  fromSymbolSeq: number;
  /** Inclusive, modulo 2^32. */
  toSymbolSeq: number;
  /** Seqs between which the ticks lie, inclusive. */
  fromSeq: number;
  toSeq: number;
}

/** Stretches below this are read through rather than halved. */
const SPAN_MIN = 2 * BLOCK_TICKS;

/** How far a symbolSeq lies after another, modulo 2^32. */
function ahead(symbolSeq: number, of: number): number {
  return (symbolSeq - of) | 0;
}

/**
 * Fills `into` and `seqs` with the ticks of the symbol whose symbolSeq lies in the range, in order; at most as
 * many as fit. Returns how many there are. A symbol that ticks rarely makes it look at many blocks.
 */
export function findSymbolTicks(
  reader: LogReader,
  search: SymbolSearch,
  into: Records,
  seqs: Float64Array,
): number {
  const { epoch, shard, symbolId, fromSymbolSeq, toSymbolSeq } = search;
  const { oldest, newest } = reader.bounds(epoch, shard);
  const last = Math.min(newest, search.toSeq);
  const watch = new Uint8Array(symbolId + 1);
  watch[symbolId] = 1;
  const one = { records: Records.allocate(1), seqs: new Float64Array(1) };
  /** The first tick of the symbol in a stretch; its seq is 0 when there is none. */
  const first = (fromSeq: number, toSeq: number): { seq: number; symbolSeq: number } => {
    for (let next = fromSeq; next <= toSeq; ) {
      const request = { epoch, shard, fromSeq: next, toSeq, watch, maxTicks: 1 };
      const { count, nextSeq } = reader.read(request, one.records, one.seqs);
      if (count > 0) return { seq: one.seqs[0], symbolSeq: one.records.u32[U32_SYMBOL_SEQ] };
      if (nextSeq === next) break;
      next = nextSeq;
    }
    return { seq: 0, symbolSeq: 0 };
  };

  // All that is wanted lies at or after `low`; the first tick at or after `high` is wanted, or beyond.
  let low = Math.max(oldest, search.fromSeq);
  let high = last + 1;
  while (high - low > SPAN_MIN) {
    const middle = Math.floor((low + high) / 2);
    const found = first(middle, high - 1);
    if (found.seq === 0 || ahead(found.symbolSeq, fromSymbolSeq) >= 0) high = middle;
    else low = found.seq + 1;
  }

  let count = 0;
  const piece = { records: Records.allocate(into.capacity), seqs: new Float64Array(into.capacity) };
  while (low <= last && count < into.capacity) {
    const request = { epoch, shard, fromSeq: low, toSeq: last, watch, maxTicks: into.capacity - count };
    const result = reader.read(request, piece.records, piece.seqs);
    for (let i = 0; i < result.count; i++) {
      const symbolSeq = piece.records.u32[i * RECORD_U32 + U32_SYMBOL_SEQ];
      if (ahead(symbolSeq, fromSymbolSeq) < 0) continue;
      if (ahead(symbolSeq, toSymbolSeq) > 0) return count;
      copyRecord(piece.records, i, into, count);
      seqs[count++] = piece.seqs[i];
    }
    if (result.nextSeq === low) break;
    low = result.nextSeq;
  }
  return count;
}
