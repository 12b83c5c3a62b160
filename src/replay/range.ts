/** Where a replay begins and ends: a time of receipt, or a place in the sequence. */
import { TickwireError } from '../errors.js';
import { parseTime, type Time } from '../time.js';

/** A time: UNIX seconds and nanoseconds, UTC. */
export interface TimeBound extends Time {
  kind: 'time';
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
  const time = parseTime(text);
  if (time === null) {
    throw new TickwireError(
      'bad_config',
      `"${text}" is neither a time such as 2024-06-19T08:00:00Z nor a place such as 3:1000 (epoch:seq).`,
    );
  }
  return { kind: 'time', ...time };
}
