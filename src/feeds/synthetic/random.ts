/** Random words for the synthetic market: integer arithmetic only, the same on every machine. */

export function rotated(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** The output function of xoroshiro64**: 32 random bits, as a signed integer. */
export function scramble(x: number): number {
  return Math.imul(rotated(Math.imul(x, 0x9e3779bb), 5), 5);
}

/** Spreads the bits of a seed (the finalizer of MurmurHash3). */
export function mix(x: number): number {
  let h = x ^ 0x9e3779b9;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
