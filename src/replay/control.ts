/**
 * Controls and observes a running replay, from its own thread or another one: a block of shared memory. The command writes
 * the controls and the player reads them; the player writes its progress and the command reads it.
 *
 * ```
 *  0 i32 1 = paused │ 4 i32 count of seeks │ 8 i32 1 = live: the end was reached and is followed │ 12 unused
 * 16 f64 speed, recorded seconds per second; 0 = max │ 24 f64 seek s │ 32 f64 seek ns
 * 40 f64 ticks played │ 48 f64 position s, 0 before the first tick │ 56 f64 position ns
 * ```
 */
import type { Time } from '../core/time.js';
import type { Speed } from '../wire/ticks.js';

const BYTES = 64;
const I32_PAUSED = 0;
const I32_SEEKS = 1;
const I32_LIVE = 2;
const F64_SPEED = 2;
const F64_SEEK = 3;
const F64_PLAYED = 5;
const F64_POSITION = 6;

export class ReplayControl {
  readonly #flags: Int32Array;
  readonly #words: Float64Array;

  constructor(readonly memory: SharedArrayBuffer) {
    this.#flags = new Int32Array(memory);
    this.#words = new Float64Array(memory);
  }

  static create(speed: Speed): ReplayControl {
    const control = new ReplayControl(new SharedArrayBuffer(BYTES));
    control.speed = speed;
    return control;
  }

  get isPaused(): boolean {
    return Atomics.load(this.#flags, I32_PAUSED) === 1;
  }
  set isPaused(paused: boolean) {
    Atomics.store(this.#flags, I32_PAUSED, paused ? 1 : 0);
  }

  get speed(): Speed {
    return this.#words[F64_SPEED] === 0 ? 'max' : this.#words[F64_SPEED];
  }
  set speed(speed: Speed) {
    this.#words[F64_SPEED] = speed === 'max' ? 0 : speed;
  }

  /** Counts the seeks: a player that finds another count than before goes to `target`. */
  get seeks(): number {
    return Atomics.load(this.#flags, I32_SEEKS);
  }

  /** Asks for the first tick received at or after a time. */
  seek({ seconds, nanos }: Time): void {
    this.#words[F64_SEEK] = seconds;
    this.#words[F64_SEEK + 1] = nanos;
    Atomics.add(this.#flags, I32_SEEKS, 1);
  }

  get target(): Time {
    return { seconds: this.#words[F64_SEEK], nanos: this.#words[F64_SEEK + 1] };
  }

  /** Whether the replay has reached the end of the log and follows it. */
  get isLive(): boolean {
    return Atomics.load(this.#flags, I32_LIVE) === 1;
  }
  set isLive(live: boolean) {
    Atomics.store(this.#flags, I32_LIVE, live ? 1 : 0);
  }

  /** Reports the position of the player: the last played tick. */
  report(played: number, seconds: number, nanos: number): void {
    this.#words[F64_PLAYED] = played;
    this.#words[F64_POSITION] = seconds;
    this.#words[F64_POSITION + 1] = nanos;
  }

  get played(): number {
    return this.#words[F64_PLAYED];
  }

  /** Time of receipt of the tick played last; null before the first. */
  get position(): Time | null {
    const seconds = this.#words[F64_POSITION];
    return seconds === 0 ? null : { seconds, nanos: this.#words[F64_POSITION + 1] };
  }
}
