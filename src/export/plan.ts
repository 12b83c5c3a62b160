/** Which jobs an export is made of: one file is one job; several are spread over the processor's cores. */
import { availableParallelism } from 'node:os';
import { Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../core/tick.js';
import type { LogReader } from '../log/read/log-reader.js';
import type { TimeBound } from '../replay/range.js';
import { LogStream } from '../replay/stream.js';
import { onlyOf } from '../replay/stream-options.js';
import type { ExportRange } from './copy.js';

/** One file for all, one a symbol, or one a UTC day of receipt. */
export const SPLITS = ['none', 'symbol', 'day'] as const;
export type Split = (typeof SPLITS)[number];

export interface PlannedJob {
  range: ExportRange;
  /** Of the one file, without its ending; absent: a file a symbol. */
  name?: string;
  /** Whether there is no such file where it would have no ticks. */
  isOptional?: boolean;
}

const DAY_S = 86_400;
/** Name of a file that is not kept, as it has no ticks. */
const NO_DAY = 'none';

/** A job for each core, each with its part of the symbols: every job reads the range once. */
export function bySymbol(range: ExportRange, symbolCount: number): PlannedJob[] {
  const wanted: number[] = [];
  for (let id = 0; id < symbolCount; id++) {
    if (range.filter === null || range.filter[id] === 1) wanted.push(id);
  }
  const jobs = Math.min(availableParallelism(), wanted.length);
  return Array.from({ length: jobs }, (_, j) => {
    const filter = new Uint8Array(symbolCount);
    wanted.forEach((id, n) => {
      if (n % jobs === j) filter[id] = 1;
    });
    return { range: { ...range, filter } };
  });
}

/**
 * A job for each UTC day of receipt that has wanted ticks. A job goes on until the next one begins, so that the days
 * together are the range, and what is lost between them is told.
 */
export function byDay(reader: LogReader, range: ExportRange): PlannedJob[] {
  const only = onlyOf(range);
  const days = daysOf(reader, range);
  // Without a tick that can be read, one job tells what is lost.
  if (days.length === 0) return [{ name: NO_DAY, range, isOptional: true }];
  const startOf = (n: number): TimeBound => ({ kind: 'time', seconds: days[n] * DAY_S, nanos: 0 });
  return days.map((day, n) => ({
    name: new Date(day * DAY_S * 1000).toISOString().slice(0, 10),
    isOptional: true,
    range: {
      ...range,
      ...(only === undefined ? {} : { only }),
      from: n === 0 ? range.from : startOf(n),
      to: n === days.length - 1 ? range.to : startOf(n + 1),
    },
  }));
}

/** Days since 1970 on which wanted ticks were received, in order. */
function daysOf(reader: LogReader, range: ExportRange): number[] {
  const { from, to, filter, kindsMask } = range;
  const stream = new LogStream(reader, { from, to, filter });
  const record = Records.allocate(1);
  const seqs = new Float64Array(1);
  const days = new Set<number>();
  for (const { epoch, shard, first, last } of stream.ranges()) {
    for (let seq = first; seq <= last; ) {
      const wanted = { epoch, shard, fromSeq: seq, toSeq: last, filter, kindsMask, maxTicks: 1 };
      const { count, nextSeq } = reader.read(wanted, record, seqs);
      const seconds = record.u32[U32_TS_RECV_S];
      if (count === 0) {
        if (nextSeq <= seq) break;
        seq = nextSeq;
        continue;
      }
      if (to?.kind === 'time' && isAtOrAfter(seconds, record.u32[U32_TS_RECV_NS], to)) break;
      const day = Math.floor(seconds / DAY_S);
      days.add(day);
      // On to the first tick of a later day.
      seq = Math.max(nextSeq, reader.seekTime(epoch, shard, (day + 1) * DAY_S, 0));
    }
  }
  return [...days].sort((a, b) => a - b);
}

function isAtOrAfter(seconds: number, nanos: number, time: TimeBound): boolean {
  return seconds > time.seconds || (seconds === time.seconds && nanos >= time.nanos);
}
