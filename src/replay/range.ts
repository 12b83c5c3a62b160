/** Where a replay begins and ends: a time of receipt, or a place in the sequence. */
import { DateTime } from 'luxon';
import { TickwireError } from '../errors.js';

/** A time: UNIX seconds and nanoseconds, UTC. */
export interface TimeBound {
  kind: 'time';
  seconds: number;
  nanos: number;
}
/** A place: the tick of this seq in each shard; one number stands for all shards. */
export interface SeqBound {
  kind: 'seq';
  epoch: number;
  seqs: number[];
}
export type Bound = TimeBound | SeqBound;

/** The seq that a bound names in a shard. */
export function seqOf(bound: SeqBound, shard: number): number {
  return bound.seqs[shard] ?? bound.seqs[0];
}

/**
 * Reads `2024-06-19T08:00:00.123456789Z` (without a zone: UTC) or `epoch:seq` (with several shards:
 * `epoch:seq,seq`).
 * @throws TickwireError bad_config
 */
export function parseBound(text: string): Bound {
  const place = /^(\d+):(\d+(?:,\d+)*)$/.exec(text.trim());
  if (place !== null) {
    return { kind: 'seq', epoch: Number(place[1]), seqs: place[2].split(',').map(Number) };
  }
  // Luxon keeps milliseconds; the rest of the fraction is taken from the text.
  const fraction = /[.,](\d{1,9})/.exec(text)?.[1] ?? '';
  const time = DateTime.fromISO(text.trim(), { zone: 'utc' });
  if (!time.isValid || time.toMillis() < 0) {
    throw new TickwireError(
      'bad_config',
      `"${text}" is neither a time such as 2024-06-19T08:00:00Z nor a place such as 3:1000 (epoch:seq).`,
    );
  }
  return {
    kind: 'time',
    seconds: Math.floor(time.toMillis() / 1000),
    nanos: Number(fraction.padEnd(9, '0')),
  };
}
