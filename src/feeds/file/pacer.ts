/**
 * When a recorded tick is due: as long after the first one as it was recorded, divided by the speed.
 */
import type { Clock } from '../../core/clock.js';
import type { TickBatch } from './batch.js';
import type { Checkpoint } from './checkpoint.js';
import { placeOf } from './place.js';

/** Recorded milliseconds beyond which a silence is not waited for: no market is closed for so long, so a time is wrong. */
const SILENCE_MS_MAX = 31 * 86_400_000;

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
   * Milliseconds until an entry is due by the clock's last stamp; 0 or less: it is due. The first one asked about is due
   * at once. A time before it is due too: order is the file's. A time that is wrong is not waited for.
   * @param times shifts the recorded times; afterwards it has that of the entry
   */
  dueInMs(batch: TickBatch, i: number, times: Checkpoint): number {
    const dueInMs = this.speed === 'max' ? 0 : this.#dueInMs(batch, i, times, this.speed);
    times.shifted(batch.eventS[i], batch.eventNs[i]);
    return dueInMs;
  }

  #dueInMs(batch: TickBatch, i: number, times: Checkpoint, speed: number): number {
    let ms = this.#isAnchored ? this.#until(batch, i, times, speed) : 1;
    if (ms > 0) ms = this.#until(batch, placeOf(batch, i), times, speed);
    if (ms * speed <= SILENCE_MS_MAX) return ms;
    this.reset();
    return this.#until(batch, i, times, speed);
  }

  #until(batch: TickBatch, i: number, times: Checkpoint, speed: number): number {
    times.shifted(batch.eventS[i], batch.eventNs[i]);
    const { eventS, eventNs } = times;
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
    return recordedMs / speed - playedMs;
  }
}
