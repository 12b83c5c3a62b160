/**
 * When a recorded tick is due: as long after the first one as it was recorded, divided by the speed.
 */
import type { Clock } from '../../clock.js';

export class Pacer {
  #isAnchored = false;
  #clockS = 0;
  #clockNs = 0;
  #eventS = 0;
  #eventNs = 0;

  /** @param speed recorded seconds per second, or `max`: everything is due at once */
  constructor(
    readonly speed: number | 'max',
    readonly clock: Clock,
  ) {}

  /** Starts anew from the next tick: after a pause, or a resume from a checkpoint. */
  reset(): void {
    this.#isAnchored = false;
  }

  /**
   * Milliseconds until a tick of this event time is due by the clock's last stamp; 0 or less: it is due.
   * The first one asked about is due at once. A time before it is due too: order is the file's.
   */
  dueInMs(eventS: number, eventNs: number): number {
    if (this.speed === 'max') return 0;
    const { seconds, nanos } = this.clock;
    if (!this.#isAnchored) {
      this.#isAnchored = true;
      this.#clockS = seconds;
      this.#clockNs = nanos;
      this.#eventS = eventS;
      this.#eventNs = eventNs;
    }
    const playedMs = (seconds - this.#clockS) * 1e3 + (nanos - this.#clockNs) / 1e6;
    const recordedMs = (eventS - this.#eventS) * 1e3 + (eventNs - this.#eventNs) / 1e6;
    return recordedMs / this.speed - playedMs;
  }
}
