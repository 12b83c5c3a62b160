/** What a playing loop waits for: being resumed after a pause, and time, both cut short by a stop. */

/** Waits for about `ms` milliseconds, less when the signal is aborted. Injectable, so that tests need not wait. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

/** Milliseconds of a sleep that a stop can wait for: to listen for it would cost more than the sleep. */
const UNCUT_MS = 2;

export const sleepFor: Sleep = (ms, signal) =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    if (ms <= UNCUT_MS) {
      setTimeout(resolve, ms);
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });

export class PauseGate {
  #resumed: Promise<void> | undefined;
  #open: () => void = () => {};

  get isPaused(): boolean {
    return this.#resumed !== undefined;
  }

  pause(): void {
    this.#resumed ??= new Promise((resolve) => (this.#open = resolve));
  }

  resume(): void {
    this.#resumed = undefined;
    this.#open();
  }

  /** Resolves when the gate is open, or the signal is aborted. */
  async pass(signal: AbortSignal): Promise<void> {
    if (this.#resumed === undefined || signal.aborted) return;
    let stop = (): void => {};
    const stopped = new Promise<void>((resolve) => (stop = resolve));
    signal.addEventListener('abort', stop, { once: true });
    await Promise.race([this.#resumed, stopped]);
    signal.removeEventListener('abort', stop);
  }
}
