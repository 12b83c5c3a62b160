const SUB_BUCKETS = 8;

/**
 * A histogram of delays for one second, in eighths of a power of two: coarse, but it neither allocates nor
 * sorts, whatever the rate.
 */
export class LatencyHistogram {
  readonly #buckets = new Uint32Array(64 * SUB_BUCKETS);
  #count = 0;

  /** @param ns a delay in nanoseconds; a negative one (clocks that disagree) counts as 0 */
  record(ns: number): void {
    this.#buckets[Math.floor(Math.log2(Math.max(1, ns)) * SUB_BUCKETS)]++;
    this.#count++;
  }

  /** The delay in nanoseconds that the share `q` of all lies under, or undefined when there are none. */
  quantile(q: number): number | undefined {
    if (this.#count === 0) return undefined;
    let left = q * this.#count;
    for (let i = 0; i < this.#buckets.length; i++) {
      left -= this.#buckets[i];
      if (left <= 0) return 2 ** ((i + 0.5) / SUB_BUCKETS);
    }
    return undefined;
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#count = 0;
  }
}
