/** How a lost connection is taken up again. */
export interface ReconnectOptions {
  /** Upper bound of the first delay, in milliseconds. Default 250. */
  initialDelayMs?: number;
  /** Upper bound of any delay, in milliseconds. Default 15,000. */
  maxDelayMs?: number;
  /** Attempts in a row before giving up. Default: no bound. */
  maxAttempts?: number;
  /** Retry the very first connection too; without it a wrong address fails at once. Default false. */
  first?: boolean;
}

/**
 * Exponential backoff with jitter: attempt n waits between half and all of `initial × 2ⁿ`, so that a
 * thousand clients of a restarted server do not return in the same instant, and none returns at once.
 */
export class Backoff {
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #maxAttempts: number;
  readonly #random: () => number;
  #attempts = 0;

  constructor(options: ReconnectOptions = {}, random: () => number = Math.random) {
    this.#initialMs = options.initialDelayMs ?? 250;
    this.#maxMs = options.maxDelayMs ?? 15_000;
    this.#maxAttempts = options.maxAttempts ?? Number.POSITIVE_INFINITY;
    this.#random = random;
  }

  /** Attempts since the last success. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Milliseconds to wait before the next attempt, or undefined when all attempts are used up. */
  next(): number | undefined {
    if (this.#attempts >= this.#maxAttempts) return undefined;
    const bound = Math.min(this.#maxMs, this.#initialMs * 2 ** Math.min(this.#attempts++, 30));
    return bound / 2 + (bound / 2) * this.#random();
  }

  succeeded(): void {
    this.#attempts = 0;
  }
}

/** Whether a close code asks to come back: 4500–4999 does not, every other end of a connection does. */
export function isPermanentClose(code: number): boolean {
  return code >= 4500 && code <= 4999;
}
