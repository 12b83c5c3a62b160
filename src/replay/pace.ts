/**
 * When recorded ticks are due: recorded time runs against this thread's monotonic clock, at a speed that may
 * change and with pauses, without a jump. Timers are a millisecond coarse, so a wait sleeps until shortly
 * before its end and spins the rest, with turns of the event loop as long as there is time for them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ReplayClock } from '../core/replay-clock.js';
import { turn } from '../pipeline/memory/doorbell.js';
import type { Speed } from '../wire/ticks.js';

/** A wait sleeps until so much before its end: timers come up to a millisecond late, seldom two. */
const SPIN_MS = 2;
/** Below this a turn of the event loop could take too long. */
const TIGHT_MS = 0.2;
/** A signal, a key or a change of speed is noticed within this time. */
const SLEEP_MS_MAX = 50;

/** The clock and the two ways of waiting: the system's, unless a test has its own. */
export interface PaceTime {
  /** Monotonic milliseconds. */
  nowMs(): number;
  sleep(ms: number): Promise<unknown>;
  turn(): Promise<void>;
}

const SYSTEM: PaceTime = { nowMs: () => performance.now(), sleep, turn };

export class Pace {
  #speed: Speed;
  readonly #clock = new ReplayClock(1);
  #isPaused = false;

  constructor(
    speed: Speed,
    readonly time: PaceTime = SYSTEM,
  ) {
    this.#speed = speed;
    if (speed !== 'max') this.#clock.speed = speed;
  }

  get speed(): Speed {
    return this.#speed;
  }
  set speed(speed: Speed) {
    if (speed === this.#speed) return;
    // At `max` recorded time stands for no time at all: there is nothing to go on from.
    if (this.#speed === 'max') this.reset();
    else this.#settle();
    this.#speed = speed;
    if (speed !== 'max') this.#clock.speed = speed;
  }

  /** While paused recorded time stands still. */
  get isPaused(): boolean {
    return this.#isPaused;
  }
  set isPaused(paused: boolean) {
    if (paused === this.#isPaused) return;
    this.#settle();
    this.#isPaused = paused;
  }

  /** Restarts the pace: the next tick is due at once. */
  reset(): void {
    this.#clock.reset();
  }

  /** Milliseconds until a tick of this time of receipt is due; 0 or less: it is. */
  dueInMs(recvS: number, recvNs: number): number {
    if (this.#speed === 'max') return 0;
    const nowMs = this.time.nowMs();
    if (!this.#clock.isSet) this.#clock.set(recvS, recvNs, nowMs);
    return this.#clock.dueInMs(recvS, recvNs, nowMs);
  }

  /** Waits a part of what `dueInMs` said: sleeps while that is long, and returns as exactly as it can at its end. */
  async wait(dueInMs: number): Promise<void> {
    const { time } = this;
    const endMs = time.nowMs() + dueInMs;
    if (dueInMs > SPIN_MS) {
      // Timers take whole milliseconds; what is left over is left to the next wait.
      await time.sleep(Math.min(SLEEP_MS_MAX, Math.max(1, Math.floor(dueInMs - SPIN_MS))));
      return;
    }
    while (endMs - time.nowMs() > TIGHT_MS) await time.turn();
    while (time.nowMs() < endMs);
  }

  /** Takes the recorded time as it is now for the new base. */
  #settle(): void {
    if (!this.#clock.isSet) return;
    this.#clock.rebase(this.time.nowMs(), this.#speed === 'max' || this.#isPaused);
  }
}
