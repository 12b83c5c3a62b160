/**
 * Detects a client that is gone: asleep or unplugged. TCP alone would notice that only after many minutes. After half of
 * `idleMs` without a message the server sends a ping, which every WebSocket client answers by itself. A client that has
 * not answered after `idleMs` is gone.
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

  /** What the connection must do: nothing, send a ping, or close. */
  check(nowMs: number): 'wait' | 'ask' | 'gone' {
    const silentMs = nowMs - this.#heardAtMs;
    if (silentMs < this.idleMs / 2) return 'wait';
    if (!this.#asked) {
      // If the event loop was blocked, the client still gets half of `idleMs` to answer.
      this.#heardAtMs = Math.max(this.#heardAtMs, nowMs - this.idleMs / 2);
      this.#asked = true;
      return 'ask';
    }
    if (silentMs < this.idleMs) return 'wait';
    // If the event loop was blocked, an answer may be unread: it is read before the second check.
    if (this.#suspected) return 'gone';
    this.#suspected = true;
    return 'wait';
  }
}
