/** Where `from` leads: a cursor checked against the present epoch, the ring and the log. */
import { type Cursor, cursorFromText, cursorToText } from '../wire/cursor.js';
import type { WireErrorCode } from '../wire/ticks.js';
import type { EpochInfo } from './deps.js';
import type { Stream } from './stream.js';
import type { ResumePoint } from './subscription.js';

export interface ResumeRefusal {
  code: WireErrorCode;
  message: string;
  /** The oldest cursor that is still held. */
  oldest?: string;
}

/** The ticks of `epoch` after `lastSeq` never became durable: they are withdrawn. */
export interface Rewind {
  epoch: number;
  lastSeq: number[];
}

export type Resume = { refused: ResumeRefusal } | { point: ResumePoint; rewound?: Rewind };

/**
 * @param critical whether the subscription reads the critical ring rather than the whole one
 * @throws whatever the log's list of epochs throws
 */
export async function resumeAt(stream: Stream, token: string, critical: boolean): Promise<Resume> {
  const cursor = cursorFromText(token);
  if (cursor === null) return refuse('cursor_invalid', 'The cursor cannot be read.');
  if (cursor.logId !== stream.logId)
    return refuse('cursor_unknown', 'The cursor belongs to another log than this server has.');
  const epochs = (await stream.deps.catchUp?.epochs()) ?? [];
  stream.look();
  if (cursor.epoch > stream.epoch) return refuse('cursor_unknown', 'The epoch of the cursor has not begun.');
  return cursor.epoch === stream.epoch
    ? resumePresent(stream, cursor, epochs, critical)
    : resumeOlder(stream, cursor, epochs);
}

function refuse(code: WireErrorCode, message: string, oldest?: Cursor): Resume {
  return {
    refused: { code, message, ...(oldest === undefined ? {} : { oldest: cursorToText(oldest) }) },
  };
}

function expired(stream: Stream, epochs: EpochInfo[]): Resume {
  const first = epochs[0];
  const oldest: Cursor =
    first === undefined
      ? {
          logId: stream.logId,
          epoch: stream.epoch,
          seqs: stream.shards.map((view) => view.ring.oldest() - 1),
        }
      : { logId: stream.logId, epoch: first.epoch, seqs: first.firstSeq.map((seq) => Math.max(0, seq - 1)) };
  return refuse('cursor_expired', 'What follows the cursor is no longer held.', oldest);
}

function resumePresent(stream: Stream, cursor: Cursor, epochs: EpochInfo[], critical: boolean): Resume {
  const seqs = Array.from(cursor.seqs);
  if (seqs.length !== stream.shards.length)
    return refuse('cursor_invalid', 'The cursor has another number of shards than its epoch.');
  if (stream.shards.some((view, s) => seqs[s] > view.head))
    return refuse('cursor_unknown', 'The cursor lies beyond the newest tick.');
  const held = epochs.find((e) => e.epoch === stream.epoch);
  for (const view of stream.shards) {
    const seq = seqs[view.index];
    const inRing = critical ? view.criticalAfter(seq) >= 0 : view.ring.oldest() <= seq + 1;
    const inLog = held !== undefined && held.firstSeq[view.index] <= seq + 1;
    if (!inRing && !inLog) return expired(stream, epochs);
  }
  return { point: { epoch: stream.epoch, seqs, epochs } };
}

function resumeOlder(stream: Stream, cursor: Cursor, epochs: EpochInfo[]): Resume {
  const info = epochs.find((e) => e.epoch === cursor.epoch);
  if (info === undefined) return expired(stream, epochs);
  if (cursor.seqs.length !== info.shards)
    return refuse('cursor_invalid', 'The cursor has another number of shards than its epoch.');
  const seqs = Array.from(cursor.seqs);
  if (seqs.some((seq, s) => seq < info.lastSeq[s] && seq + 1 < info.firstSeq[s]))
    return expired(stream, epochs);
  const point: ResumePoint = {
    epoch: cursor.epoch,
    seqs: seqs.map((seq, s) => Math.min(seq, info.lastSeq[s])),
    epochs,
  };
  if (seqs.every((seq, s) => seq <= info.lastSeq[s])) return { point };
  return { point, rewound: { epoch: info.epoch, lastSeq: [...info.lastSeq] } };
}
