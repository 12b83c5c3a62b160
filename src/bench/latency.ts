/** Latencies of an open-loop run, in microseconds. */
import { build } from 'hdr-histogram-js';

/** Five minutes: whatever takes longer is as good as lost. */
const LATENCY_US_MAX = 300_000_000;

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
  readonly #histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_US_MAX,
    numberOfSignificantValueDigits: 3,
  });

  #negative = 0;

  record(us: number): void {
    if (us < 0) this.#negative++;
    this.#histogram.recordValue(Math.max(0, Math.min(LATENCY_US_MAX, Math.round(us))));
  }

  reset(): void {
    this.#histogram.reset();
    this.#negative = 0;
  }

  summary(): LatencyUs {
    const h = this.#histogram;
    const at = (percentile: number) => (h.totalCount === 0 ? 0 : h.getValueAtPercentile(percentile));
    return {
      p50: at(50),
      p90: at(90),
      p99: at(99),
      p999: at(99.9),
      max: h.totalCount === 0 ? 0 : h.maxValue,
      samples: h.totalCount,
      negative: this.#negative,
    };
  }
}
