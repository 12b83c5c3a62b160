/** The time span of a replay, for its progress. */

import { Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../core/tick.js';
import type { LogReader } from '../log/read/log-reader.js';
import { type Bound, seqOf } from './range.js';
import { LogStream } from './stream.js';

/** Times of receipt in UNIX milliseconds. */
export interface Span {
  firstMs: number;
  lastMs: number;
}

/** Null when the log holds nothing of the range. */
export function spanOf(reader: LogReader, from: Bound | undefined, to: Bound | undefined): Span | null {
  const stream = new LogStream(reader, { from, to, filter: null });
  if (!stream.next()) return null;
  const firstMs = stream.recvS * 1000 + stream.recvNs / 1e6;
  const newest = newestMs(reader, to?.kind === 'seq' ? to : undefined) ?? firstMs;
  const lastMs = to?.kind === 'time' ? Math.min(newest, to.seconds * 1000 + to.nanos / 1e6) : newest;
  return { firstMs, lastMs: Math.max(firstMs, lastMs) };
}

function newestMs(reader: LogReader, to: Extract<Bound, { kind: 'seq' }> | undefined): number | undefined {
  const record = Records.allocate(1);
  const seqs = new Float64Array(1);
  let ms: number | undefined;
  // Imports come first, as their numbers are the highest: all of them count, and of the others the newest.
  for (const { epoch, shards, import: isImport } of reader.epochs().reverse()) {
    if (to !== undefined && epoch > to.epoch) continue;
    for (let shard = 0; shard < shards; shard++) {
      const { newest } = reader.bounds(epoch, shard);
      const last = to?.epoch === epoch ? Math.min(newest, seqOf(to, shard)) : newest;
      const fromSeq = reader.lastBlock(epoch, shard, last);
      if (fromSeq === 0 || reader.read({ epoch, shard, fromSeq, maxTicks: 1 }, record, seqs).count === 0) {
        continue;
      }
      const at = record.u32[U32_TS_RECV_S] * 1000 + record.u32[U32_TS_RECV_NS] / 1e6;
      ms = Math.max(ms ?? 0, at);
    }
    if (ms !== undefined && isImport === undefined) return ms;
  }
  return ms;
}
