import { backoffBoundMs } from '../core/backoff.js';

/** How a lost connection is taken up again. */
export interface ReconnectOptions {
  /** Upper bound of the first delay, in milliseconds. Default 250. */
  initialDelayMs?: number;
  /** Upper bound of any delay that the server did not ask for, in milliseconds. Default 15,000. */
  maxDelayMs?: number;
  /** Attempts in a row before giving up. Default: no bound. */
  maxAttempts?: number;
  /** Retry the very first connection too; without it a wrong address fails at once. Default false. */
  first?: boolean;
}

/** What a server may ask for at most: an hour. A timer beyond 2^31 ms would fire at once. */
const HINT_MS_MAX = 3_600_000;

/**
 * Exponential backoff with full jitter: attempt n waits between nothing and all of `initial × 2ⁿ`, bounded, so
 * that a thousand clients of a restarted server are spread over that time. What the server asks to wait is
 * waited first, and the jitter spans at least as long again.
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

  /**
   * Milliseconds to wait before the next attempt, or undefined when all attempts are used up.
   * @param hintMs what the server asked for: no attempt comes earlier
   */
  next(hintMs = 0): number | undefined {
    if (this.#attempts >= this.#maxAttempts) return undefined;
    const leastMs = hintMs > 0 ? Math.min(hintMs, HINT_MS_MAX) : 0;
    const bound = backoffBoundMs(this.#initialMs, this.#maxMs, this.#attempts++);
    return leastMs + this.#random() * Math.max(bound, leastMs);
  }

  succeeded(): void {
    this.#attempts = 0;
  }
}

/** Whether a close code asks to come back: 4500–4999 does not, every other end of a connection does. */
export function isPermanentClose(code: number): boolean {
  return code >= 4500 && code <= 4999;
}

/** Milliseconds that a close reason asks to wait (`… ; retry in 500 ms`), 0 where it asks for nothing. */
export function hintOfReason(reason: string): number {
  const found = /(?:^|; )retry in (\d{1,9}) ms$/.exec(reason);
  return found === null ? 0 : Number(found[1]);
}
