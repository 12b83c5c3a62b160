/** A token bucket: `burst` at once, `perSecond` over time. */
export class TokenBucket {
  #left: number;
  #atMs: number;

  constructor(
    readonly burst: number,
    readonly perSecond: number,
    nowMs: number,
  ) {
    this.#left = burst;
    this.#atMs = nowMs;
  }

  /** Whether one can be taken at a monotonic time in milliseconds. */
  has(nowMs: number): boolean {
    this.#left = Math.min(this.burst, this.#left + ((nowMs - this.#atMs) / 1000) * this.perSecond);
    this.#atMs = nowMs;
    return this.#left >= 1;
  }

  /** Takes one, if there is one. */
  take(nowMs: number): boolean {
    if (!this.has(nowMs)) return false;
    this.#left--;
    return true;
  }

  /** Milliseconds until `count` can be taken, as of the last call of `has` or `take`. */
  waitMs(count: number): number {
    return Math.max(0, Math.ceil(((count - this.#left) / this.perSecond) * 1000));
  }
}
