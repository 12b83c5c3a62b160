/**
 * When to flush. While ticks come the loop polls with a turn of the event loop between looks; when they stop
 * it sleeps on the doorbell without blocking the thread. A flush that costs little goes out at once; as the
 * work grows, so does the pause after it, up to a bound, and with it what one flush carries.
 */
import type { Bell } from '../pipeline/wait.js';
import { turn } from '../pipeline/wait.js';
import type { Stream } from './stream.js';

/** Looks that found nothing before the loop sleeps. */
const POLLS = 32;
/** Milliseconds of sleep after which the loop looks again, doorbell or not. */
const SLEEP_MS = 50;
/** The same while some subscription waits for the log, which rings no bell. */
const SLEEP_LOG_MS = 5;
/** New ticks per flush below which the next one may follow at once. A loop that polls takes a core from the shards. */
const LIGHT_TICKS = 128;
/** Milliseconds of the shortest pause: what timers can do. */
const PAUSE_MS_MIN = 1;
const SMOOTHING = 0.25;

export class FlushLoop {
  /** Milliseconds of work per flush, smoothed. */
  workMs = 0;
  /** Ticks that were new to the last flush. */
  #ticks = 0;
  #urgent = false;
  #running = false;
  #done: Promise<void> = Promise.resolve();
  #idle: (() => void) | undefined;
  #logWaited = false;

  constructor(
    readonly stream: Stream,
    readonly bell: Bell,
    readonly intervalMsMax: number,
    readonly hasWork: () => boolean,
    /** Flushes every connection; true when some of them could take more at once. */
    readonly flush: () => boolean,
  ) {}

  /** Milliseconds between the end of one flush and the next. */
  get intervalMs(): number {
    const { workMs, intervalMsMax } = this;
    if (this.#ticks < LIGHT_TICKS && workMs < PAUSE_MS_MIN) return 0;
    // A flush that takes longer than the pause may be carries enough: pausing on would only add delay.
    const most = workMs <= intervalMsMax ? workMs : 2 * intervalMsMax - workMs;
    return Math.min(intervalMsMax, Math.max(PAUSE_MS_MIN, most));
  }

  start(): void {
    this.#running = true;
    this.#done = this.#run();
  }

  /** Ends after the flush at hand. */
  async stop(): Promise<void> {
    this.#running = false;
    this.wake();
    await this.#done;
  }

  /** Asks for a flush soon, ticks or not. */
  wake(): void {
    if (this.#urgent) return;
    this.#urgent = true;
    this.#idle?.();
    this.bell.ring();
  }

  async #run(): Promise<void> {
    let polls = 0;
    let nextAtMs = 0;
    while (this.#running) {
      if (!this.hasWork()) {
        await this.#someone();
        continue;
      }
      const seen = this.bell.read();
      const nowMs = performance.now();
      if (!this.#due(nowMs)) {
        if (++polls < POLLS) await turn();
        else await this.bell.parkAsync(seen, this.#sleepMs(nowMs));
        continue;
      }
      polls = 0;
      if (nowMs < nextAtMs) {
        await pause(nextAtMs - nowMs);
        continue;
      }
      this.flushNow();
      nextAtMs = performance.now() + this.intervalMs;
      if (this.intervalMs === 0) await turn();
      else await pause(this.intervalMs);
    }
  }

  flushNow(): void {
    const startedMs = performance.now();
    this.#urgent = false;
    const before = this.stream.head;
    this.stream.advance(startedMs);
    this.#ticks = this.stream.head - before;
    this.#logWaited = false;
    if (this.flush()) this.#urgent = true;
    const took = performance.now() - startedMs;
    this.workMs += (took - this.workMs) * SMOOTHING;
  }

  #due(nowMs: number): boolean {
    if (this.#urgent || this.#logWaited || nowMs >= this.stream.dueAtMs) return true;
    return this.stream.moved();
  }

  #sleepMs(nowMs: number): number {
    if (this.stream.awaitsLog) {
      this.#logWaited = true;
      return SLEEP_LOG_MS;
    }
    return Math.max(0, Math.min(SLEEP_MS, this.stream.dueAtMs - nowMs));
  }

  /** With nobody to send to the loop stands still. */
  #someone(): Promise<void> {
    this.#urgent = false;
    return new Promise((resolve) => {
      this.#idle = () => {
        this.#idle = undefined;
        resolve();
      };
    });
  }
}

/** Timers have a resolution of a millisecond: what is left of a pause may become as long as that. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
