/**
 * Latencies of an open-loop run, in microseconds: counts on a scale that is linear within each power of two,
 * so that every value is kept to within 0.8 %, and recording one is a shift and an increment.
 */

/** Parts of a power of two. */
const PARTS_BITS = 7;
const PARTS = 1 << PARTS_BITS;
/** Half an hour: whatever takes longer is as good as lost. */
const LATENCY_US_MAX = 2 ** 31 - 1;

export interface LatencyUs {
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  /** Of what was sampled. */
  max: number;
  samples: number;
  /** Samples below zero, which only clocks that disagree bring about. */
  negative: number;
}

export class LatencySamples {
  /** Values below 2 × PARTS count as themselves, those above by their power of two and its part. */
  readonly #counts = new Float64Array((32 - PARTS_BITS) * PARTS);
  #samples = 0;
  #negative = 0;
  #max = 0;

  record(us: number): void {
    const value = Math.max(0, Math.min(LATENCY_US_MAX, us)) | 0;
    if (us < 0) this.#negative++;
    if (value > this.#max) this.#max = value;
    const shift = Math.max(0, 31 - PARTS_BITS - Math.clz32(value));
    this.#counts[shift * PARTS + (value >>> shift)]++;
    this.#samples++;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#samples = 0;
    this.#negative = 0;
    this.#max = 0;
  }

  /** The value that a share of the samples do not exceed; 0 without any. */
  percentile(share: number): number {
    const wanted = Math.max(1, Math.ceil(share * this.#samples));
    let seen = 0;
    for (let i = 0; i < this.#counts.length; i++) {
      seen += this.#counts[i];
      if (seen >= wanted) return Math.min(this.#max, highestOf(i));
    }
    return 0;
  }

  summary(): LatencyUs {
    return {
      p50: this.percentile(0.5),
      p90: this.percentile(0.9),
      p99: this.percentile(0.99),
      p999: this.percentile(0.999),
      max: this.#max,
      samples: this.#samples,
      negative: this.#negative,
    };
  }
}

/** The highest value that counts at an index. */
function highestOf(index: number): number {
  if (index < 2 * PARTS) return index;
  const shift = (index >>> PARTS_BITS) - 1;
  return (index - shift * PARTS + 1) * 2 ** shift - 1;
}
