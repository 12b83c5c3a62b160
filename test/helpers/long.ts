/** Suites that are short in everyday runs and long on demand: `npm run test:long`. */
const isLong = process.env.TICKWIRE_LONG === '1';

/** How often something is tried, or how much of it is allowed. */
export function times(short: number, long: number): number {
  return isLong ? long : short;
}
