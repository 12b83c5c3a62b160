/**
 * The engine's clock: monotonic time plus a wall anchor that is slewed, never stepped, so that it never
 * goes back. All stages share it through one SharedArrayBuffer.
 *
 * ```
 *  0 i32 version (odd = being written) │ 4 unused
 *  8 f64 monotonic ns of the anchor
 * 16 f64 wall s of the anchor
 * 24 f64 wall ns of the anchor, 0..999,999,999
 * 32 f64 rate: wall nanoseconds per monotonic nanosecond
 * ```
 */
const BYTES = 40;
/** How much of an offset is slewed away per second of time: 500 ppm, as time daemons do. */
const SLEW_MAX = 500e-6;
const SECOND_NS = 1e9;

/** What a stage needs of a clock. `stamp` fills `seconds` and `nanos`; both are UNIX time, UTC. */
export interface Clock {
  seconds: number;
  nanos: number;
  stamp(): void;
}

/** Nanoseconds of the system's monotonic clock, comparable across threads and processes of one machine. */
export function monotonicNs(): number {
  const t = process.hrtime();
  return t[0] * SECOND_NS + t[1];
}

export class SharedClock implements Clock {
  seconds = 0;
  nanos = 0;
  readonly #version: Int32Array;
  readonly #anchor: Float64Array;

  constructor(readonly memory: SharedArrayBuffer) {
    this.#version = new Int32Array(memory, 0, 1);
    this.#anchor = new Float64Array(memory, 8, 4);
  }

  static allocate(): SharedArrayBuffer {
    const memory = new SharedArrayBuffer(BYTES);
    const anchor = new Float64Array(memory, 8, 4);
    const wallMs = Date.now();
    anchor[0] = monotonicNs();
    anchor[1] = Math.floor(wallMs / 1000);
    anchor[2] = (wallMs % 1000) * 1e6;
    anchor[3] = 1;
    return memory;
  }

  stamp(): void {
    const a = this.#anchor;
    let ns: number;
    let s: number;
    let version: number;
    do {
      version = Atomics.load(this.#version, 0);
      ns = a[2] + (monotonicNs() - a[0]) * a[3];
      s = a[1];
    } while ((version & 1) !== 0 || Atomics.load(this.#version, 0) !== version);
    const carry = Math.floor(ns / SECOND_NS);
    s += carry;
    ns = Math.floor(ns - carry * SECOND_NS);
    // The slewed line is continuous; the clamp covers the rounding where two anchors meet.
    if (s < this.seconds || (s === this.seconds && ns < this.nanos)) return;
    this.seconds = s;
    this.nanos = ns;
  }

  /**
   * Moves the anchor to now and bends the rate towards the system's wall clock. Called about once a
   * second, by one thread only.
   * @param wallMs the system's wall time in milliseconds
   */
  discipline(wallMs = Date.now()): void {
    this.stamp();
    const offsetNs = wallMs * 1e6 - (this.seconds * SECOND_NS + this.nanos);
    const slew = Math.max(-SLEW_MAX, Math.min(SLEW_MAX, offsetNs / SECOND_NS));
    const a = this.#anchor;
    Atomics.add(this.#version, 0, 1);
    const mono = monotonicNs();
    const ns = a[2] + (mono - a[0]) * a[3];
    const carry = Math.floor(ns / SECOND_NS);
    a[0] = mono;
    a[1] += carry;
    a[2] = ns - carry * SECOND_NS;
    a[3] = 1 + slew;
    Atomics.add(this.#version, 0, 1);
  }
}

/** A clock that its owner sets: for tests and for replay on recorded time. */
export class VirtualClock implements Clock {
  seconds = 0;
  nanos = 0;
  #next = { s: 0, ns: 0 };

  set(s: number, ns: number): void {
    this.#next = { s, ns };
  }

  stamp(): void {
    this.seconds = this.#next.s;
    this.nanos = this.#next.ns;
  }
}
