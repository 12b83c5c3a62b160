/** A replay's line on the terminal: where it is in time, how fast it goes, how long it takes still. */
import type { ReplayControl } from '../../replay/control.js';
import type { Span } from '../../replay/span.js';
import type { ReplayKeys } from './key-bindings.js';

const BAR_CHARS = 24;
const RATE_MS = 500;
const SECOND_MS = 1000;

export class ReplayBar {
  #ratedAtMs = 0;
  #ratedTicks = 0;
  #ratedRecordedMs = 0;
  #ticksPerSecond = 0;
  /** Recorded milliseconds per millisecond, as it turned out. */
  #factor = 0;

  /** @param span of the recording; null where it is empty */
  constructor(
    readonly control: ReplayControl,
    readonly span: Span | null,
    readonly keys: ReplayKeys | undefined,
  ) {}

  /** The line as of now, at most `columns` long. */
  line(nowMs: number, columns: number): string {
    const { keys, control, span } = this;
    if (keys?.typed !== undefined) return `go to (time, or HH:MM of this day): ${keys.typed}`;
    if (keys !== undefined && keys.complaint !== '') return keys.complaint.slice(0, columns);
    const { position, played } = control;
    if (position === null || span === null) return 'nothing played yet';
    const atMs = position.seconds * SECOND_MS + position.nanos / 1e6;
    this.#rate(nowMs, atMs, played);
    const speed = control.speed === 'max' ? 'max' : `×${Number(control.speed.toPrecision(3))}`;
    const state = control.isPaused ? 'paused' : control.isLive ? 'live' : speed;
    const share = Math.min(1, Math.max(0, (atMs - span.firstMs) / Math.max(1, span.lastMs - span.firstMs)));
    const filled = Math.round(share * BAR_CHARS);
    const bar = `[${'='.repeat(filled)}${' '.repeat(BAR_CHARS - filled)}]`;
    const time = new Date(atMs).toISOString().replace('T', ' ').replace('Z', '');
    const rate = `${Math.round(this.#ticksPerSecond)} ticks/s`;
    return [bar, time, state, rate, this.#left(span.lastMs - atMs)].join('  ').slice(0, columns);
  }

  #rate(nowMs: number, atMs: number, played: number): void {
    const tookMs = nowMs - this.#ratedAtMs;
    if (tookMs < RATE_MS) return;
    if (this.#ratedAtMs > 0) {
      this.#ticksPerSecond = ((played - this.#ratedTicks) * SECOND_MS) / tookMs;
      this.#factor = (atMs - this.#ratedRecordedMs) / tookMs;
    }
    this.#ratedAtMs = nowMs;
    this.#ratedTicks = played;
    this.#ratedRecordedMs = atMs;
  }

  #left(recordedMs: number): string {
    const { isLive, isPaused, speed } = this.control;
    if (isLive || isPaused || recordedMs <= 0) return '';
    const factor = speed === 'max' ? this.#factor : speed;
    if (factor <= 0) return '';
    const seconds = Math.round(recordedMs / factor / SECOND_MS);
    const two = (n: number) => String(n).padStart(2, '0');
    return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)} left`;
  }
}
