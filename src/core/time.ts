/** Times in seconds and nanoseconds, and how two of them compare. */

/** UNIX time, UTC. */
export interface Time {
  seconds: number;
  nanos: number;
}

/** Whether one time, in seconds and nanoseconds, lies before another. */
export function isBefore(aS: number, aNs: number, bS: number, bNs: number): boolean {
  return aS < bS || (aS === bS && aNs < bNs);
}

/** The same of two times as objects. */
export function isEarlier(a: Time, b: Time): boolean {
  return isBefore(a.seconds, a.nanos, b.seconds, b.nanos);
}

/** UNIX milliseconds at the start of a day, UTC; NaN when the calendar has no such day. Months count from 1. */
export function dayMs(year: number, month: number, day: number): number {
  const ms = Date.UTC(year, month - 1, day);
  const date = new Date(ms);
  const isSame =
    date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return isSame ? ms : Number.NaN;
}
