/**
 * How often things happen in the synthetic market, as tables that the generator looks up: which symbol
 * ticks (Zipf: a few are busy, most are not), and how long until the next tick (exponential).
 */

/** Draws from a fixed distribution in constant time (Walker's alias method, by Vose). */
export class ZipfTable {
  /** By column: chance of the column itself, of 65,536. */
  readonly chance: Int32Array;
  /** By column: what it stands for otherwise, and itself; the order lets a comparison's sign choose. */
  readonly choices: Uint16Array;

  /** @param exponent how fast activity falls with rank; 0: all symbols are equally busy */
  constructor(
    readonly count: number,
    exponent: number,
  ) {
    this.chance = new Int32Array(count).fill(65_536);
    this.choices = new Uint16Array(2 * count).map((_, i) => i >> 1);
    const weights = Array.from({ length: count }, (_, rank) => (rank + 1) ** -exponent);
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const scaled = weights.map((weight) => (weight * count) / total);
    const small: number[] = [];
    const large: number[] = [];
    scaled.forEach((share, i) => {
      (share < 1 ? small : large).push(i);
    });
    while (small.length > 0 && large.length > 0) {
      const poor = small.pop()!;
      const rich = large.at(-1)!;
      this.chance[poor] = Math.round(scaled[poor] * 65_536);
      this.choices[2 * poor] = rich;
      scaled[rich] -= 1 - scaled[poor];
      if (scaled[rich] < 1) small.push(large.pop()!);
    }
  }
}

/** The rank, from 0, that 32 random bits stand for, by the two tables. Without a branch, which chance would mispredict. */
export function rankOf(chance: Int32Array, choices: Uint16Array, random: number): number {
  const column = (Math.imul(random >>> 16, chance.length) >>> 16) & 0xffff;
  const isOwn = ((random & 0xffff) - chance[column]) >>> 31;
  return choices[2 * column + isOwn];
}

/** Steps of the table; between them is a straight line. */
const GAP_STEPS = 256;

/** Exponentially distributed gaps of the given mean, in whole ns, by quantile: GAP_STEPS + 1 entries. */
export function gapTable(meanNs: number): Float64Array {
  return Float64Array.from({ length: GAP_STEPS + 1 }, (_, i) =>
    Math.round(-Math.log((i + 0.5) / (GAP_STEPS + 1)) * meanNs),
  );
}
