/**
 * Latencies of an open-loop run, in microseconds, as an HDR histogram with fixed bounds: three significant
 * digits over the whole range. Threads and processes record for themselves; what they recorded travels in the
 * histogram's own compressed format and is added up.
 */
import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  type Histogram,
} from 'hdr-histogram-js';

/** Half an hour: whatever takes longer is as good as lost. */
const LATENCY_US_MAX = 2 ** 31 - 1;
const PERCENT = 100;
/** Shares at which a curve is drawn: nine for each digit of nines. */
const CURVE_DIGITS = 5;
const CURVE_STEPS = 9;

export interface LatencyUs {
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  p9999: number;
  /** Of what was sampled. */
  max: number;
  samples: number;
  /** Samples below zero, which only clocks that disagree bring about. */
  negative: number;
}

/** What was recorded, as it travels between processes and into files. */
export interface RecordedLatency {
  /** The histogram in the compressed format that all HDR tools read, as base64. */
  hdr: string;
  max: number;
  negative: number;
}

export class LatencySamples {
  readonly #histogram: Histogram = build({
    bitBucketSize: 32,
    autoResize: false,
    lowestDiscernibleValue: 1,
    highestTrackableValue: LATENCY_US_MAX,
    numberOfSignificantValueDigits: 3,
  });
  #negative = 0;
  #max = 0;

  record(us: number): void {
    const value = Math.max(0, Math.min(LATENCY_US_MAX, us)) | 0;
    if (us < 0) this.#negative++;
    if (value > this.#max) this.#max = value;
    this.#histogram.recordValue(value);
  }

  /** Adds what another one recorded. */
  add({ hdr, max, negative }: RecordedLatency): void {
    this.#histogram.add(decodeFromCompressedBase64(hdr, 32, false));
    this.#max = Math.max(this.#max, max);
    this.#negative += negative;
  }

  recorded(): RecordedLatency {
    return { hdr: encodeIntoCompressedBase64(this.#histogram), max: this.#max, negative: this.#negative };
  }

  reset(): void {
    this.#histogram.reset();
    this.#negative = 0;
    this.#max = 0;
  }

  /** The value that a share of the samples do not exceed; 0 without any. */
  percentile(share: number): number {
    if (this.#histogram.totalCount === 0) return 0;
    return Math.min(this.#max, this.#histogram.getValueAtPercentile(share * PERCENT));
  }

  /** Points of the whole distribution: [share, µs], ever closer to 1. */
  curve(): [share: number, us: number][] {
    const points: [number, number][] = [];
    for (let digit = 0; digit < CURVE_DIGITS; digit++) {
      for (let step = 0; step < CURVE_STEPS; step++) {
        const share = 1 - (10 ** -digit * (10 - step)) / 10;
        points.push([share, this.percentile(share)]);
      }
    }
    return [...points, [1, this.#max]];
  }

  summary(): LatencyUs {
    return {
      p50: this.percentile(0.5),
      p90: this.percentile(0.9),
      p99: this.percentile(0.99),
      p999: this.percentile(0.999),
      p9999: this.percentile(0.9999),
      max: this.#max,
      samples: this.#histogram.totalCount,
      negative: this.#negative,
    };
  }
}
