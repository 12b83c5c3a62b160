/** Garbage collections of this thread: how many, and how long it was stopped for them. */
import { PerformanceObserver } from 'node:perf_hooks';

export interface GcPauses {
  count: number;
  ms: number;
  msMax: number;
}

export class GcWatch {
  #pauses: GcPauses = { count: 0, ms: 0, msMax: 0 };
  readonly #observer = new PerformanceObserver((list) => this.#count(list.getEntries()));

  constructor() {
    this.#observer.observe({ entryTypes: ['gc'] });
  }

  #count(entries: { duration: number }[]): void {
    for (const { duration } of entries) {
      this.#pauses.count++;
      this.#pauses.ms += duration;
      this.#pauses.msMax = Math.max(this.#pauses.msMax, duration);
    }
  }

  /** What was seen since the last call. */
  take(): GcPauses {
    this.#count(this.#observer.takeRecords());
    const pauses = this.#pauses;
    this.#pauses = { count: 0, ms: 0, msMax: 0 };
    return pauses;
  }

  stop(): void {
    this.#observer.disconnect();
  }
}
