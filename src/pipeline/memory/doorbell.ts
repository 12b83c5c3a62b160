/**
 * How stages wait, apart from what they wait for. A doorbell is one i32 that a producer rings after it has
 * published. A consumer reads the doorbell, looks for work, and only then sleeps on the value it read. So no
 * ring between the look and the sleep is missed.
 *
 * A consumer that looks in intervals writes beside its doorbell when it will look next. The stage before it may then nap: it
 * sleeps through rings that are not urgent, and takes what has gathered in one batch. Waking a thread costs as much as
 * sequencing a thousand ticks.
 *
 * ```
 * doorbell i, at 128 × i: 0 i32 count of rings │ 4 i32 0 awake, 1 parked, 2 napping
 *                   │ 8 i32 the next look, in µs of the monotonic clock modulo 2^32; 0: at a ring … to 128
 * ```
 */
import { monotonicNs } from '../../core/clock.js';

const STRIDE_I32 = 32;
const SLEEP = 1;
const LOOK_US = 2;
const AWAKE = 0;
const PARKED = 1;
const NAPPING = 2;

export function allocateDoorbells(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * STRIDE_I32 * 4);
}

/** Node 20 has it; the language level that types it is newer. */
const { waitAsync } = Atomics as unknown as {
  waitAsync(
    words: Int32Array,
    at: number,
    value: number,
    timeoutMs: number,
  ): { async: false } | { async: true; value: Promise<string> };
};

export class Doorbell {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(memory: SharedArrayBuffer, index: number) {
    this.#words = new Int32Array(memory);
    this.#at = index * STRIDE_I32;
  }

  /**
   * Signals the consumer that something was published.
   * @param isUrgent false: a consumer that naps is not woken
   */
  ring(isUrgent = true): void {
    Atomics.add(this.#words, this.#at, 1);
    const sleep = Atomics.load(this.#words, this.#at + SLEEP);
    if (sleep === PARKED || (sleep === NAPPING && isUrgent)) Atomics.notify(this.#words, this.#at);
  }

  /** The consumer says when it will look next, doorbell or not: in so many milliseconds; 0: when the doorbell rings. */
  lookIn(ms: number): void {
    const look = ms > 0 ? (monotonicNs() / 1000 + ms * 1000) | 1 : 0;
    Atomics.store(this.#words, this.#at + LOOK_US, look);
  }

  /** Milliseconds until that look; 0 where it is due, or where the consumer waits for a ring. */
  get msToLook(): number {
    const look = Atomics.load(this.#words, this.#at + LOOK_US);
    return look === 0 ? 0 : Math.max(0, (look - monotonicNs() / 1000) | 0) / 1000;
  }

  /** To be read before looking for work. */
  read(): number {
    return Atomics.load(this.#words, this.#at);
  }

  /** Sleeps until the doorbell differs from `seen`, or for `timeoutMs`. Blocks the thread. */
  park(seen: number, timeoutMs: number): void {
    this.#sleep(PARKED, seen, timeoutMs);
  }

  /** As `park`, but only an urgent ring ends it. */
  nap(seen: number, timeoutMs: number): void {
    this.#sleep(NAPPING, seen, timeoutMs);
  }

  #sleep(how: number, seen: number, timeoutMs: number): void {
    Atomics.store(this.#words, this.#at + SLEEP, how);
    Atomics.wait(this.#words, this.#at, seen, timeoutMs);
    Atomics.store(this.#words, this.#at + SLEEP, AWAKE);
  }

  /** As `park`, for threads that must not block: resolves when the doorbell differs from `seen`, or after `timeoutMs`. */
  async parkAsync(seen: number, timeoutMs: number): Promise<void> {
    Atomics.store(this.#words, this.#at + SLEEP, PARKED);
    const waiting = waitAsync(this.#words, this.#at, seen, timeoutMs);
    if (waiting.async) await waiting.value;
    Atomics.store(this.#words, this.#at + SLEEP, AWAKE);
  }
}

/** Looks that found nothing before a stage parks, and where it is known to wait for longer than they take. */
const SPINS = 64;
const SPINS_FEW = 4;
/** Milliseconds of a park so short that spinning would have been cheaper: most of it is the waking up. */
const SHORT_MS = 0.1;
const PARK_MS = 20;

/** Milliseconds of the shortest nap, which is what timers can do, and of the longest: the table is older by that. */
const NAP_MS_MIN = 1;
const NAP_MS_MAX = 5;
/** A nap ends so many milliseconds before the next stage looks. */
const LEAD_MS = 1;

/**
 * For stages that own their thread (shards): spin briefly, then park on the doorbell. After a long wait hardly spin; after
 * work, while the next stage looks only in intervals, nap.
 */
export class SpinThenPark {
  #idle = 0;
  #spins = SPINS;
  #seen = 0;
  #mayNap = false;

  constructor(
    readonly doorbell: Doorbell,
    readonly next?: Doorbell,
  ) {}

  /** Call before looking for work. */
  before(): void {
    this.#seen = this.doorbell.read();
  }

  /** Call after looking, with what was found. */
  after(work: number): void {
    if (work > 0) {
      this.#idle = 0;
      this.#mayNap = true;
    } else if (!this.#napped() && ++this.#idle > this.#spins) {
      const parkedAtMs = performance.now();
      this.doorbell.park(this.#seen, PARK_MS);
      this.#spins = performance.now() - parkedAtMs < SHORT_MS ? SPINS : SPINS_FEW;
    }
  }

  /** Once after work: the first tick after a silence must not wait. */
  #napped(): boolean {
    if (!this.#mayNap || this.next === undefined) return false;
    this.#mayNap = false;
    const napMs = Math.min(NAP_MS_MAX, this.next.msToLook - LEAD_MS);
    if (napMs < NAP_MS_MIN) return false;
    this.doorbell.nap(this.#seen, napMs);
    return true;
  }
}

/** Milliseconds by which the parks of a stage with an event loop grow. */
const PARK_STEP_MS = 1 / 16;

/** For stages with an event loop: short parks, with a turn of the loop between them. */
export class YieldThenPark {
  #idle = 0;
  #seen = 0;

  constructor(
    readonly doorbell: Doorbell,
    readonly parkMsMax = 4,
    readonly parkStepMs = PARK_STEP_MS,
  ) {}

  before(): void {
    this.#seen = this.doorbell.read();
  }

  /** Resolves after a turn of the event loop; parks first when there has been nothing to do for a while. */
  async after(work: number, mayPark = true): Promise<void> {
    if (work > 0) {
      this.#idle = 0;
    } else if (++this.#idle > SPINS && mayPark) {
      this.doorbell.park(this.#seen, Math.min(this.parkMsMax, (this.#idle - SPINS) * this.parkStepMs));
    }
    await turn();
  }
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
