/** Which jobs an export is made of: one file is one job; several are spread over the processor's cores. */
import { availableParallelism } from 'node:os';
import type { LogReader } from '../log/reader.js';
import type { TimeBound } from '../replay/range.js';
import { NO_TIME_S, Records, U32_TS_RECV_S } from '../tick.js';
import type { ExportRange } from './copy.js';

/** One file for all, one a symbol, or one a UTC day of receipt. */
export const SPLITS = ['none', 'symbol', 'day'] as const;
export type Split = (typeof SPLITS)[number];

export interface PlannedJob {
  range: ExportRange;
  /** Of the one file, without its ending; absent: a file a symbol. */
  name?: string;
}

const DAY_S = 86_400;

/** A job for each core, each with its part of the symbols: every job reads the range once. */
export function bySymbol(range: ExportRange, symbolCount: number): PlannedJob[] {
  const wanted: number[] = [];
  for (let id = 0; id < symbolCount; id++) {
    if (range.watch === null || range.watch[id] === 1) wanted.push(id);
  }
  const jobs = Math.min(availableParallelism(), wanted.length);
  return Array.from({ length: jobs }, (_, j) => {
    const watch = new Uint8Array(symbolCount);
    wanted.forEach((id, n) => {
      if (n % jobs === j) watch[id] = 1;
    });
    return { range: { ...range, watch } };
  });
}

/**
 * A job for each UTC day between the first and the last tick. The first day takes in what is older, the last
 * one what is newer, so that the days together are the range.
 */
export function byDay(reader: LogReader, range: ExportRange): PlannedJob[] {
  const { from, to } = range;
  const held = heldSeconds(reader);
  const firstS = Math.max(held.from, from?.kind === 'time' ? from.seconds : 0);
  const lastS = Math.min(held.to, to?.kind === 'time' ? to.seconds : NO_TIME_S);
  const first = Math.floor(firstS / DAY_S);
  const last = Math.max(first, Math.floor(lastS / DAY_S));
  return Array.from({ length: last - first + 1 }, (_, n) => {
    const day = first + n;
    const start: TimeBound = { kind: 'time', seconds: day * DAY_S, nanos: 0 };
    const end: TimeBound = { kind: 'time', seconds: (day + 1) * DAY_S, nanos: 0 };
    return {
      name: new Date(day * DAY_S * 1000).toISOString().slice(0, 10),
      range: { ...range, from: n === 0 ? from : start, to: day === last ? to : end },
    };
  });
}

/** Seconds of receipt between which the log's ticks lie, but for clocks that were set back. */
function heldSeconds(reader: LogReader): { from: number; to: number } {
  const into = Records.allocate(1);
  const seqs = new Float64Array(1);
  let from = NO_TIME_S;
  let to = 0;
  for (const { epoch, shards } of reader.epochs()) {
    for (let shard = 0; shard < shards; shard++) {
      const { oldest, newest } = reader.bounds(epoch, shard);
      for (const fromSeq of [oldest, newest]) {
        const { count } = reader.read({ epoch, shard, fromSeq, maxTicks: 1 }, into, seqs);
        if (count === 0) continue;
        from = Math.min(from, into.u32[U32_TS_RECV_S]);
        to = Math.max(to, into.u32[U32_TS_RECV_S]);
      }
    }
  }
  return from > to ? { from: 0, to: 0 } : { from, to };
}
