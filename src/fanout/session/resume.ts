/** Resolves `from`, a cursor or a time, to a resume point, which is checked against the epochs, the ring and the log. */

import type { EpochInfo, StreamPosition } from '../../core/log-port.js';
import { RECORD_U32, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../core/tick.js';
import type { Time } from '../../core/time.js';
import { parseTime } from '../../core/time-text.js';
import { type Cursor, cursorFromText, cursorToText } from '../../wire/cursor.js';
import type { From } from '../../wire/ticks.js';
import type { ShardView } from '../batch/shard-view.js';
import type { SharedView } from '../batch/shared-view.js';
import type { ResumePoint } from '../reader/subscription-reader.js';

type RefusalCode = 'cursor_invalid' | 'cursor_unknown' | 'cursor_expired';

export interface ResumeRefusal {
  code: RefusalCode;
  message: string;
  /** Text of the oldest cursor whose ticks are still held. */
  oldest?: string;
}

/** The ticks of `epoch` after `lastSeq` (by shard) never became durable and are withdrawn. */
export interface Rewind {
  epoch: number;
  lastSeq: number[];
}

export type Resume = { refused: ResumeRefusal } | { point: ResumePoint; rewound?: Rewind };

/**
 * Resolves `from`, or returns why it cannot be resolved.
 * @param critical whether the subscription reads the critical rings
 * @throws any error of the log
 */
export async function resumeAt(shared: SharedView, from: From, critical: boolean): Promise<Resume> {
  const time = parseTime(from);
  if (time !== null) return resumeTime(shared, time);
  const cursor = cursorFromText(String(from));
  if (cursor === null) {
    return refuse(
      'cursor_invalid',
      'from is neither a cursor nor a time such as 2024-06-19T08:00:00Z or UNIX nanoseconds.',
    );
  }
  if (cursor.logId !== shared.logId)
    return refuse('cursor_unknown', 'The cursor belongs to another log than this server has.');
  const epochs = (await shared.ports.catchUp?.epochs()) ?? [];
  shared.readHeads();
  if (cursor.epoch > shared.epoch) return refuse('cursor_unknown', 'The epoch of the cursor has not begun.');
  return cursor.epoch === shared.epoch
    ? resumePresent(shared, cursor, epochs, critical)
    : resumeOlder(shared, cursor, epochs);
}

async function resumeTime(shared: SharedView, time: Time): Promise<Resume> {
  const { catchUp } = shared.ports;
  const oldest = (view: ShardView) => view.ring.oldest() - 1;
  const position: StreamPosition = (await catchUp?.seekTime(time.seconds, time.nanos)) ?? {
    epoch: shared.epoch,
    seqs: shared.shards.map(oldest),
  };
  const epochs = (await catchUp?.epochs()) ?? [];
  shared.readHeads();
  if (position.epoch !== shared.epoch && epochs.some((e) => e.epoch === position.epoch)) {
    const { lastSeq } = epochs.find((e) => e.epoch === position.epoch)!;
    if (position.seqs.some((seq, s) => seq < lastSeq[s])) return { point: { ...position, epochs } };
  }
  // Ticks that the log does not show yet may be older than the time, too.
  const seqs = shared.shards.map((view, s) =>
    beforeInRing(view, position.epoch === shared.epoch ? position.seqs[s] : 0, time),
  );
  return { point: { epoch: shared.epoch, seqs, epochs } };
}

/** The last seq from `seq` on such that all ticks up to it were received before the time. `seq` if the ring lost them. */
function beforeInRing(view: ShardView, seq: number, time: Time): number {
  const { ring } = view;
  if (ring.oldest() > seq + 1) return seq;
  let at = seq;
  while (at < view.head) {
    const w = ring.slot(at + 1) * RECORD_U32;
    const seconds = ring.records.u32[w + U32_TS_RECV_S];
    const isBefore =
      seconds < time.seconds ||
      (seconds === time.seconds && ring.records.u32[w + U32_TS_RECV_NS] < time.nanos);
    if (!isBefore) break;
    at++;
  }
  return ring.oldest() > seq + 1 ? seq : at;
}

function refuse(code: RefusalCode, message: string, oldest?: Cursor): Resume {
  return {
    refused: { code, message, ...(oldest === undefined ? {} : { oldest: cursorToText(oldest) }) },
  };
}

function expired(shared: SharedView, epochs: EpochInfo[]): Resume {
  // The list still has epochs whose ticks retention has removed.
  const first = epochs.find((e) => e.firstSeq.some((seq, s) => seq <= e.lastSeq[s])) ?? epochs.at(-1);
  const oldest: Cursor =
    first === undefined
      ? {
          logId: shared.logId,
          epoch: shared.epoch,
          seqs: shared.shards.map((view) => view.ring.oldest() - 1),
        }
      : { logId: shared.logId, epoch: first.epoch, seqs: first.firstSeq.map((seq) => Math.max(0, seq - 1)) };
  return refuse('cursor_expired', 'What follows the cursor is no longer held.', oldest);
}

function resumePresent(shared: SharedView, cursor: Cursor, epochs: EpochInfo[], critical: boolean): Resume {
  const seqs = Array.from(cursor.seqs);
  if (seqs.length !== shared.shards.length)
    return refuse('cursor_invalid', 'The cursor has another number of shards than its epoch.');
  if (shared.shards.some((view, s) => seqs[s] > view.head))
    return refuse('cursor_unknown', 'The cursor lies beyond the newest tick.');
  const held = epochs.find((e) => e.epoch === shared.epoch);
  for (const view of shared.shards) {
    const seq = seqs[view.index];
    const inRing = critical ? view.criticalAfter(seq) >= 0 : view.ring.oldest() <= seq + 1;
    const inLog = held !== undefined && held.firstSeq[view.index] <= seq + 1;
    if (!inRing && !inLog) return expired(shared, epochs);
  }
  return { point: { epoch: shared.epoch, seqs, epochs } };
}

function resumeOlder(shared: SharedView, cursor: Cursor, epochs: EpochInfo[]): Resume {
  const info = epochs.find((e) => e.epoch === cursor.epoch);
  if (info === undefined) return expired(shared, epochs);
  if (cursor.seqs.length !== info.shards)
    return refuse('cursor_invalid', 'The cursor has another number of shards than its epoch.');
  const seqs = Array.from(cursor.seqs);
  if (seqs.some((seq, s) => seq < info.lastSeq[s] && seq + 1 < info.firstSeq[s]))
    return expired(shared, epochs);
  const point: ResumePoint = {
    epoch: cursor.epoch,
    seqs: seqs.map((seq, s) => Math.min(seq, info.lastSeq[s])),
    epochs,
  };
  if (seqs.every((seq, s) => seq <= info.lastSeq[s])) return { point };
  return { point, rewound: { epoch: info.epoch, lastSeq: [...info.lastSeq] } };
}
