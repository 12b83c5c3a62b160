/** Where an entry of a recording is in time. One time that is wrong must not hold up the ticks that follow it. */
import { EntryKind, type TickBatch } from './batch.js';

/** So many entries after one decide whether its time is wrong. */
const LOOK = 16;
/** Whole seconds by which times of a recording may go back, as those of several symbols do. */
const DISORDER_S = 1;

/**
 * The entry whose time entry `i` takes: its own, unless most of those that follow it in the batch are
 * earlier. Then its time counts as wrong, and the entry belongs before the first of these.
 */
export function timeEntryOf(batch: TickBatch, i: number): number {
  const { eventS, kind, length } = batch;
  let entry = i;
  let earlier = 0;
  let seen = 0;
  for (let j = i + 1; j < length && seen < LOOK; j++) {
    if (kind[j] === EntryKind.bad) continue;
    seen++;
    if (eventS[j] + DISORDER_S >= eventS[i]) continue;
    if (earlier++ === 0) entry = j;
  }
  return 2 * earlier > seen ? entry : i;
}

/** Whether the entry after `i` is earlier, so that the time of `i` may be wrong. */
export function isInDoubt({ eventS, kind, length }: TickBatch, i: number): boolean {
  return i + 1 < length && kind[i + 1] !== EntryKind.bad && eventS[i + 1] + DISORDER_S < eventS[i];
}
