/** Where a replay begins and ends: a time of receipt, or a place in the sequence. */
import { TickwireError } from '../core/errors.js';
import type { Time } from '../core/time.js';
import { digitsHint, parseTime } from '../core/time-text.js';
import { cursorFromText } from '../wire/cursor.js';

/** A time: UNIX seconds and nanoseconds, UTC. */
export interface TimeBound extends Time {
  kind: 'time';
}
/** A place: the tick of this seq in each shard; one number stands for all shards. */
export interface SeqBound {
  kind: 'seq';
  epoch: number;
  seqs: number[];
  /** The log that it belongs to, where the text told: 16 hex digits. */
  logId?: string;
}
export type Bound = TimeBound | SeqBound;

/** The seq that a bound names in a shard. */
export function seqOf(bound: SeqBound, shard: number): number {
  return bound.seqs[shard] ?? bound.seqs[0];
}

/**
 * Reads `2024-06-19T08:00:00.123456789Z` (without a zone: UTC), `epoch:seq` (with several shards:
 * `epoch:seq,seq`), or a cursor of the wire.
 * @param side a cursor says what was seen: `from` begins exactly after it, `to` ends with it
 * @throws TickwireError bad_config
 */
export function parseBound(text: string, side: 'from' | 'to' = 'from'): Bound {
  // `08:30` and `10:00` are times of a day. A missing date would be taken for today's, and `10:30` is a place.
  const place = /^(?!0\d)(\d+):(?!0\d)(\d+(?:,\d+)*)$/.exec(text.trim());
  if (place !== null) {
    return { kind: 'seq', epoch: Number(place[1]), seqs: place[2].split(',').map(Number) };
  }
  const time = isClock(text) ? null : parseTime(text);
  if (time !== null) return { kind: 'time', ...time };
  const cursor = cursorFromText(text.trim());
  if (cursor === null) {
    throw new TickwireError(
      'bad_config',
      `"${text}" is neither a time such as 2024-06-19T08:00:00Z, nor a place such as 3:1000 (epoch:seq), nor a cursor.${digitsHint(text)}${isClock(text) ? ' A time needs its date.' : ''}`,
    );
  }
  const { epoch, logId } = cursor;
  const seqs = Array.from(cursor.seqs, (seq) => (side === 'from' ? seq + 1 : seq));
  return { kind: 'seq', epoch, seqs, logId };
}

/** Whether text is a time of a day without its date. */
function isClock(text: string): boolean {
  return /^T?\d\d?:\d\d/i.test(text.trim());
}

/** @throws TickwireError bad_input when a cursor belongs to another log */
export function checkLog(bound: Bound | undefined, logId: string): void {
  if (bound?.kind !== 'seq' || bound.logId === undefined || bound.logId === logId) return;
  throw new TickwireError(
    'bad_input',
    `The cursor belongs to log ${bound.logId}; this data folder holds log ${logId}. Give the folder whose server gave the cursor.`,
  );
}
