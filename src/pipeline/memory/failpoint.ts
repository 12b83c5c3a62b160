/**
 * Fault injection: a stage can be made to die between any two of its writes to shared memory. A write
 * site calls `failpoint()`; when the armed count runs out, the thread exits on the spot, as a crash would,
 * without running another line. Disarmed (always, but in tests) a failpoint is one comparison.
 */
let remaining = 0;
let strike: () => void = () => {};

/** Arms the thread: the `count`-th failpoint from now calls `die`. 0 disarms. */
export function armFailpoint(count: number, die: () => void): void {
  remaining = count;
  strike = die;
}

export function failpoint(): void {
  if (remaining !== 0 && --remaining === 0) strike();
}
