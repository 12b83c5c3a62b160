/** Resolves after some milliseconds. For code that runs in browsers too; elsewhere `node:timers/promises` has it. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
