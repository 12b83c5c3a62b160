/**
 * When a recorded tick is due: as long after the first one as it was recorded, divided by the speed.
 */
import type { Clock } from '../../core/clock.js';
import { ReplayClock } from '../../core/replay-clock.js';
import type { TickBatch } from './batch.js';
import type { Checkpoint } from './checkpoint.js';
import { timeEntryOf } from './time-entry.js';

/** Recorded milliseconds beyond which a silence is not waited for: no market is closed for so long, so a time is wrong. */
const SILENCE_MS_MAX = 31 * 86_400_000;

export class Pacer {
  readonly #replay: ReplayClock | undefined;
  // The stamp of the first tick: milliseconds are counted from there, so that none of their digits are lost.
  #clockS = 0;
  #clockNs = 0;

  /** @param speed recorded seconds per second, or `max`: everything is due at once */
  constructor(
    readonly speed: number | 'max',
    readonly clock: Clock,
  ) {
    this.#replay = speed === 'max' ? undefined : new ReplayClock(speed);
  }

  /** Starts again from the next tick: after a pause, or a resume from a checkpoint. */
  reset(): void {
    this.#replay?.reset();
  }

  /**
   * Milliseconds until an entry is due by the clock's last stamp; 0 or less: it is due. The first one asked about is due
   * at once. A time before it is due too: order is the file's. A time that is wrong is not waited for.
   * @param times shifts the recorded times; afterwards it has that of the entry
   */
  dueInMs(batch: TickBatch, i: number, times: Checkpoint): number {
    const dueInMs = this.#replay === undefined ? 0 : this.#dueInMs(batch, i, times, this.#replay);
    times.shifted(batch.eventS[i], batch.eventNs[i]);
    return dueInMs;
  }

  #dueInMs(batch: TickBatch, i: number, times: Checkpoint, replay: ReplayClock): number {
    let ms = replay.isSet ? this.#until(batch, i, times, replay) : 1;
    if (ms > 0) ms = this.#until(batch, timeEntryOf(batch, i), times, replay);
    if (ms * replay.speed <= SILENCE_MS_MAX) return ms;
    this.reset();
    return this.#until(batch, i, times, replay);
  }

  #until(batch: TickBatch, i: number, times: Checkpoint, replay: ReplayClock): number {
    times.shifted(batch.eventS[i], batch.eventNs[i]);
    const { eventS, eventNs } = times;
    const { seconds, nanos } = this.clock;
    if (!replay.isSet) {
      this.#clockS = seconds;
      this.#clockNs = nanos;
      replay.set(eventS, eventNs, 0);
    }
    const nowMs = (seconds - this.#clockS) * 1e3 + (nanos - this.#clockNs) / 1e6;
    return replay.dueInMs(eventS, eventNs, nowMs);
  }
}
