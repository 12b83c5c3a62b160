/** Doublings after which the bound of a delay grows no more. */
const DOUBLINGS_MAX = 30;

/** The bound of the delay before a further attempt: it doubles with each, up to `maxMs`. Callers add their own jitter. */
export function backoffBoundMs(initialMs: number, maxMs: number, attempt: number): number {
  return Math.min(maxMs, initialMs * 2 ** Math.min(attempt, DOUBLINGS_MAX));
}
