/**
 * Recorded time against a running clock: when a recorded tick is due. The first tick sets the base; another is due as
 * long after the base as it was recorded, divided by the speed. Callers pass the milliseconds of their own clock.
 */
export class ReplayClock {
  // `#baseMs` of the running clock stands for this recorded time and the milliseconds beyond it.
  #baseS = 0;
  #baseNs = 0;
  #beyondMs = 0;
  #baseMs = Number.NaN;

  /** @param speed recorded seconds per second */
  constructor(public speed: number) {}

  get isSet(): boolean {
    return !Number.isNaN(this.#baseMs);
  }

  /** A recorded time is now. */
  set(s: number, ns: number, nowMs: number): void {
    this.#baseS = s;
    this.#baseNs = ns;
    this.#beyondMs = 0;
    this.#baseMs = nowMs;
  }

  /** Forgets the base: the next tick sets another. */
  reset(): void {
    this.#baseMs = Number.NaN;
  }

  /** Moves the base to now, so that the speed may change without a jump. While paused, recorded time did not pass. */
  rebase(nowMs: number, isPaused: boolean): void {
    if (!isPaused) this.#beyondMs += (nowMs - this.#baseMs) * this.speed;
    this.#baseMs = nowMs;
  }

  /** Milliseconds of the running clock at which a recorded time is due. */
  dueAtMs(s: number, ns: number): number {
    return this.#baseMs + this.#sinceBaseMs(s, ns) / this.speed;
  }

  /** Milliseconds until a recorded time is due; 0 or less: it is. */
  dueInMs(s: number, ns: number, nowMs: number): number {
    return this.#sinceBaseMs(s, ns) / this.speed - (nowMs - this.#baseMs);
  }

  #sinceBaseMs(s: number, ns: number): number {
    return (s - this.#baseS) * 1e3 + (ns - this.#baseNs) / 1e6 - this.#beyondMs;
  }
}
