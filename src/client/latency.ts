/** Delays of ticks, in microseconds. */
export interface LatencyFigures {
  count: number;
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
}

/** Buckets of each power of two, as a power of two itself: figures are 1.6 % apart at most. */
const SUB_BITS = 6;
const SUB_BUCKETS = 1 << SUB_BITS;
/** Longest delay that is resolved, in microseconds: 35 minutes. Longer ones count as it. */
const US_MAX = 0x7fff_ffff;
const BUCKETS = (32 - SUB_BITS) * SUB_BUCKETS;

/**
 * A log-linear histogram in 6.5 KB: exact below 128 µs, 64 buckets in each power of two above. Recording is an
 * increment; it neither allocates nor sorts, whatever the rate.
 */
export class LatencyHistogram {
  readonly #buckets = new Uint32Array(BUCKETS);
  #count = 0;
  #max = 0;

  /** @param us a delay in whole microseconds; a negative one (clocks that disagree) counts as 0 */
  record(us: number): void {
    const v = us < 0 ? 0 : us;
    const shift = v < SUB_BUCKETS ? 0 : 31 - Math.clz32(v) - SUB_BITS;
    // v >>> shift keeps its top bit from 64 on, which moves each power of two up by one block.
    this.#buckets[(shift << SUB_BITS) + (v >>> shift)]++;
    this.#count++;
    if (v > this.#max) this.#max = v;
  }

  figures(): LatencyFigures {
    const [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map((q) => this.#quantile(q));
    return { count: this.#count, p50, p90, p99, p999, max: this.#max };
  }

  clear(): void {
    this.#buckets.fill(0);
    this.#count = 0;
    this.#max = 0;
  }

  /** The highest delay of the bucket in which the share `q` is reached; 0 where there is none. */
  #quantile(q: number): number {
    let left = Math.ceil(q * this.#count);
    for (let i = 0; left > 0 && i < BUCKETS; i++) {
      left -= this.#buckets[i];
      if (left > 0) continue;
      const shift = Math.max(0, (i >>> SUB_BITS) - 1);
      const low = i - (shift << SUB_BITS);
      return Math.min(this.#max, (low + 1) * 2 ** shift - 1);
    }
    return 0;
  }
}

/** Measures each tick's delay, from its receipt by the engine to the arrival of its message here. */
export class Delays {
  readonly #histogram: LatencyHistogram | undefined;
  readonly #hook: ((ns: number) => void) | undefined;
  #nowS = 0;
  #nowNs = 0;

  constructor(histogram: LatencyHistogram | undefined, hook: ((ns: number) => void) | undefined) {
    this.#histogram = histogram;
    this.#hook = hook;
  }

  /** A message has come. */
  stamp(): void {
    const nowMs = performance.timeOrigin + performance.now();
    this.#nowS = Math.floor(nowMs / 1000);
    this.#nowNs = (nowMs - this.#nowS * 1000) * 1e6;
  }

  /** Takes the time of receipt of one of its ticks. Only small integers cross calls, so nothing is allocated. */
  note(recvS: number, recvNs: number): void {
    const ns = (this.#nowS - recvS) * 1e9 + this.#nowNs - recvNs;
    if (this.#histogram !== undefined) this.#histogram.record(Math.min(ns / 1000, US_MAX) | 0);
    if (this.#hook !== undefined) this.#hook(ns);
  }
}
