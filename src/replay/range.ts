/** The bounds of a replay: a time of receipt, or a position in the sequence. */
import { TickwireError } from '../core/errors.js';
import type { Time } from '../core/time.js';
import { digitsHint, parseTime } from '../core/time-text.js';
import { cursorFromText } from '../wire/cursor.js';

/** A time: UNIX seconds and nanoseconds, UTC. */
export interface TimeBound extends Time {
  kind: 'time';
}
/** A position: the tick of this seq in each shard; a single seq counts for all shards. */
export interface SeqBound {
  kind: 'seq';
  epoch: number;
  seqs: number[];
  /** Id of its log, if the text had one: 16 hex digits. */
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
 * @param side a cursor names the last seen tick: `from` begins exactly after it, `to` ends with it
 * @throws TickwireError bad_config
 */
export function parseBound(text: string, side: 'from' | 'to' = 'from'): Bound {
  // `08:30` and `10:00` are times of a day: a missing date would mean today. `10:30` is a position.
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

/** Whether what begins at a time, in UNIX milliseconds, may have ticks before the end of a range. */
export function mayBegin(startsAt: number, to: Bound | undefined): boolean {
  return to?.kind !== 'time' || to.seconds * 1000 + to.nanos / 1e6 > startsAt;
}
