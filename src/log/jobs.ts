/** Jobs of the Piscina pool: what decodes the log away from the event loops. The pool's filename is this file. */
import type { LogGap } from './reader.js';

export interface ReadRangeJob {
  /** The data folder. */
  folder: string;
  epoch: number;
  shard: number;
  fromSeq: number;
  /** Inclusive; absent: up to the newest. */
  toSeq?: number;
  watch: Uint8Array | null;
  kindsMask: number;
  maxTicks: number;
}

export interface ReadRangeAnswer {
  /** `count` records of 64 bytes; seqLow is set. */
  buffer: ArrayBuffer;
  /** Full sequence numbers, `count` of them. */
  seqs: Float64Array;
  count: number;
  nextSeq: number;
  gaps: LogGap[];
}

export async function readRange(_job: ReadRangeJob): Promise<ReadRangeAnswer> {
  throw new Error('readRange is being written');
}
