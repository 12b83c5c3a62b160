/**
 * When synthetic ticks are due: an open-loop schedule, which continues whether or not the engine keeps up, so
 * that what was missed is caught up with.
 */
const TWO_PI = 2 * Math.PI;

/**
 * How many ticks are due since the start. The rate swings around its average once a second; at whole
 * seconds the count is exactly the average's.
 * @param swing 0 (even) to 1
 */
export function ticksDue(elapsedS: number, rate: number, swing: number): number {
  if (elapsedS <= 0) return 0;
  const wave = (swing / TWO_PI) * Math.sin(TWO_PI * (elapsedS - Math.floor(elapsedS)));
  return Math.floor(rate * (elapsedS - wave) + 1e-6);
}
