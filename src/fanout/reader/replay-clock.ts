/** The pace at which the past is played: recorded times of receipt against this thread's monotonic clock. */
import { RECORD_U32, type Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../core/tick.js';

export class ReplayClock {
  // The recorded time that stands for `#baseMs`.
  #baseS = 0;
  #baseNs = 0;
  #baseMs = Number.NaN;

  /** @param speed recorded seconds per second */
  constructor(readonly speed: number) {}

  /** Whether it has a place to count from. */
  get isSet(): boolean {
    return !Number.isNaN(this.#baseMs);
  }

  /** The time of record `i` is now. */
  set(records: Records, i: number, nowMs: number): void {
    const w = i * RECORD_U32;
    this.#baseS = records.u32[w + U32_TS_RECV_S];
    this.#baseNs = records.u32[w + U32_TS_RECV_NS];
    this.#baseMs = nowMs;
  }

  /** Forgets its place: the next tick is due at once. */
  reset(): void {
    this.#baseMs = Number.NaN;
  }

  /** Monotonic milliseconds at which record `i` is due. */
  dueAtMs(records: Records, i: number): number {
    const w = i * RECORD_U32;
    const seconds = records.u32[w + U32_TS_RECV_S] - this.#baseS;
    const nanos = records.u32[w + U32_TS_RECV_NS] - this.#baseNs;
    return this.#baseMs + (seconds * 1000 + nanos / 1e6) / this.speed;
  }
}
