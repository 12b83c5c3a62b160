/** Suites that are short in everyday runs and long on demand: `npm run test:long`. */
const isLong = process.env.TICKWIRE_LONG === '1';

/** How often something is tried. */
export function times(short: number, long: number): number {
  return isLong ? long : short;
}
