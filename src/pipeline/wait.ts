/**
 * How stages wait, apart from what they wait for. A bell is one i32 that a producer rings after it has
 * published; a consumer reads the bell, looks for work, and only then sleeps on the value it read, so no
 * ring between the look and the sleep is missed.
 *
 * ```
 * bell i, at 128 × i: 0 i32 count of rings │ 4 i32 1 while the consumer is parked … padded to 128
 * ```
 */
const STRIDE_I32 = 32;
const PARKED = 1;

export function allocateBells(count: number): SharedArrayBuffer {
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

export class Bell {
  readonly #words: Int32Array;
  readonly #at: number;

  constructor(memory: SharedArrayBuffer, index: number) {
    this.#words = new Int32Array(memory);
    this.#at = index * STRIDE_I32;
  }

  /** Tells the consumer that something was published. */
  ring(): void {
    Atomics.add(this.#words, this.#at, 1);
    if (Atomics.load(this.#words, this.#at + PARKED) !== 0) Atomics.notify(this.#words, this.#at);
  }

  /** To be read before looking for work. */
  read(): number {
    return Atomics.load(this.#words, this.#at);
  }

  /** Sleeps until the bell differs from `seen`, or for `timeoutMs`. Blocks the thread. */
  park(seen: number, timeoutMs: number): void {
    Atomics.store(this.#words, this.#at + PARKED, 1);
    Atomics.wait(this.#words, this.#at, seen, timeoutMs);
    Atomics.store(this.#words, this.#at + PARKED, 0);
  }

  /** As `park`, for threads that must not block: resolves when the bell differs from `seen`, or after `timeoutMs`. */
  async parkAsync(seen: number, timeoutMs: number): Promise<void> {
    Atomics.store(this.#words, this.#at + PARKED, 1);
    const waiting = waitAsync(this.#words, this.#at, seen, timeoutMs);
    if (waiting.async) await waiting.value;
    Atomics.store(this.#words, this.#at + PARKED, 0);
  }
}

/** Looks that found nothing before a stage parks, and where it is known to wait for longer than they take. */
const SPINS = 64;
const SPINS_FEW = 4;
/** Milliseconds of a park that spinning might have spared: most of them is the waking up. */
const SHORT_MS = 0.1;
const PARK_MS = 20;

/** For stages that own their thread (shards): spin briefly, then park on the bell. After a long wait hardly spin. */
export class SpinThenPark {
  #idle = 0;
  #spins = SPINS;
  #seen = 0;

  constructor(readonly bell: Bell) {}

  /** Call before looking for work. */
  before(): void {
    this.#seen = this.bell.read();
  }

  /** Call after looking, with what was found. */
  after(work: number): void {
    if (work > 0) {
      this.#idle = 0;
    } else if (++this.#idle > this.#spins) {
      const parkedAtMs = performance.now();
      this.bell.park(this.#seen, PARK_MS);
      this.#spins = performance.now() - parkedAtMs < SHORT_MS ? SPINS : SPINS_FEW;
    }
  }
}

/** Milliseconds by which the parks of a stage with an event loop grow. */
const PARK_STEP_MS = 1 / 16;

/** For stages with an event loop: short parks, with a turn of the loop between them. */
export class YieldThenPark {
  #idle = 0;
  #seen = 0;

  constructor(
    readonly bell: Bell,
    readonly parkMsMax = 4,
    readonly parkStepMs = PARK_STEP_MS,
  ) {}

  before(): void {
    this.#seen = this.bell.read();
  }

  /** Resolves after a turn of the event loop; parks first when there has been nothing to do for a while. */
  async after(work: number, mayPark = true): Promise<void> {
    if (work > 0) {
      this.#idle = 0;
    } else if (++this.#idle > SPINS && mayPark) {
      this.bell.park(this.#seen, Math.min(this.parkMsMax, (this.#idle - SPINS) * this.parkStepMs));
    }
    await turn();
  }
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
