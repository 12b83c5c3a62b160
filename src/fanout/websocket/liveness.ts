/**
 * Whether somebody is still there. Whoever shows no sign of life for half of the bound is asked by a ping,
 * which every WebSocket client answers by itself; whoever does not answer until the bound is gone: asleep, or
 * unplugged, which TCP alone would notice only after many minutes.
 */
export class Liveness {
  #heardAtMs: number;
  #asked = false;
  #suspected = false;

  constructor(
    readonly idleMs: number,
    nowMs: number,
  ) {
    this.#heardAtMs = nowMs;
  }

  heard(): void {
    this.#heardAtMs = performance.now();
    this.#asked = false;
    this.#suspected = false;
  }

  /** What is to be done: nothing, ask, or give up. */
  look(nowMs: number): 'wait' | 'ask' | 'gone' {
    const silentMs = nowMs - this.#heardAtMs;
    if (silentMs < this.idleMs / 2) return 'wait';
    if (!this.#asked) {
      // After a loop stood still the answer gets its time from now on.
      this.#heardAtMs = Math.max(this.#heardAtMs, nowMs - this.idleMs / 2);
      this.#asked = true;
      return 'ask';
    }
    if (silentMs < this.idleMs) return 'wait';
    // What arrived while the loop stood still is read between two looks: one is not enough.
    if (this.#suspected) return 'gone';
    this.#suspected = true;
    return 'wait';
  }
}
