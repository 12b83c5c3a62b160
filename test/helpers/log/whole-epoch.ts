/** Every tick that the log of a data folder holds of one epoch. */

import {
  F64_BID,
  Flag,
  flagsOf,
  KIND_NAMES,
  type KindName,
  kindOf,
  RECORD_F64,
  RECORD_U32,
  Records,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
} from '../../../src/core/tick.js';
import { LogReader } from '../../../src/log/read/log-reader.js';

const READ_TICKS = 8192;

export interface LoggedTick {
  symbolId: number;
  kind: KindName;
  symbolSeq: number;
  /** Bid or price. */
  value: number;
  /** Whether the table takes it as the newest of its kind. */
  isState: boolean;
}

/** By shard: its ticks, by seq - 1. */
export async function readEpoch(folder: string, epoch: number, shards: number): Promise<LoggedTick[][]> {
  const reader = LogReader.open(folder);
  const read = Array.from({ length: shards }, (_, shard) => readShard(reader, epoch, shard));
  await reader.close();
  return read;
}

function readShard(reader: LogReader, epoch: number, shard: number): LoggedTick[] {
  const records = Records.allocate(READ_TICKS);
  const seqs = new Float64Array(READ_TICKS);
  const ticks: LoggedTick[] = [];
  for (let fromSeq = 1; ; ) {
    const read = reader.read({ epoch, shard, fromSeq, maxTicks: READ_TICKS }, records, seqs);
    if (read.gaps.length > 0) throw new Error(`the log has gaps: ${JSON.stringify(read.gaps)}`);
    if (read.count === 0) return ticks;
    for (let i = 0; i < read.count; i++) {
      const w = i * RECORD_U32;
      const kind = KIND_NAMES[kindOf(records, i)];
      const isOutOfTable = (flagsOf(records, i) & (Flag.crossed | Flag.late)) !== 0;
      ticks.push({
        symbolId: records.u32[w + U32_SYMBOL],
        kind,
        symbolSeq: records.u32[w + U32_SYMBOL_SEQ],
        value: records.f64[i * RECORD_F64 + F64_BID],
        isState: (kind === 'quote' || kind === 'trade') && !isOutOfTable,
      });
      if (seqs[i] !== ticks.length) throw new Error(`the log has ${seqs[i]} in the place of ${ticks.length}`);
    }
    fromSeq = read.nextSeq;
  }
}
