/**
 * The send window limits the bytes in flight to one client. Socket buffers of the kernel hide a slow reader behind
 * megabytes. So the server sends a ping after every `PING_EVERY_BYTES` bytes. Bytes count as in flight until the pong of
 * a later ping arrives.
 */
import { FRAME_BYTES_MAX, PING_EVERY_BYTES, WINDOW_BYTES } from '../../core/limits.js';

/** Byte counters are int32 and wrap around. Only their differences matter, and these are megabytes at most. */
type Bytes = number;
/** Unanswered pings at most. Some common clients close the connection after 60 unanswered pings. */
const PINGS_MAX = 32;
const PAYLOAD_BYTES = 4;
/** Bytes that a message may have on any link, however slow. */
const MESSAGE_BYTES_MIN = 8 * 1024;
/** Milliseconds after which a pong is slow. */
const SLOW_MS = 100;

export class SendWindow {
  #sent: Bytes = 0;
  #answered: Bytes = 0;
  #pingedAt: Bytes = 0;
  #pings = 0;
  #pongs = 0;
  /** Bytes per millisecond that the client reads, measured by pongs; 0 before the first pong. */
  #rate = 0;
  /** Bytes sent before each ping, by ping number modulo PINGS_MAX. */
  readonly #marks = new Int32Array(PINGS_MAX);
  /** Bytes in flight at each ping, and its monotonic time, by the same index. */
  readonly #asked = new Float64Array(PINGS_MAX);
  readonly #askedAtMs = new Float64Array(PINGS_MAX);
  readonly #number = new Uint32Array(1);
  readonly #payload = new Uint8Array(this.#number.buffer);

  get unanswered(): number {
    return (this.#sent - this.#answered) | 0;
  }

  /** Bytes that may still be sent. */
  get room(): number {
    return WINDOW_BYTES - this.unanswered;
  }

  /**
   * Bytes of the largest message that the client can receive within about `ms` milliseconds. While a longer message
   * arrives, the client sees nothing and may take the connection for dead.
   */
  messageBytes(ms: number): number {
    return Math.min(FRAME_BYTES_MAX, Math.max(MESSAGE_BYTES_MIN, this.#rate * ms));
  }

  /** Counts a message; true when a ping is due. */
  count(bytes: number): boolean {
    this.#sent = (this.#sent + bytes) | 0;
    return this.isPingDue(PING_EVERY_BYTES);
  }

  /** @param everyBytes bytes between two pings */
  isPingDue(everyBytes: number): boolean {
    const isDue = ((this.#sent - this.#pingedAt) | 0) >= everyBytes;
    return isDue && this.#pings - this.#pongs < PINGS_MAX;
  }

  /** Whether bytes were sent since the last ping, and another ping may be sent. */
  get unasked(): boolean {
    return this.#sent !== this.#pingedAt && this.#pings - this.#pongs < PINGS_MAX;
  }

  /** Counts a ping; returns its payload. The next call overwrites the payload. */
  ping(): Uint8Array {
    const at = this.#pings % PINGS_MAX;
    this.#marks[at] = this.#sent;
    this.#asked[at] = this.unanswered;
    this.#askedAtMs[at] = performance.now();
    this.#pingedAt = this.#sent;
    this.#number[0] = this.#pings++;
    return this.#payload;
  }

  /** Takes a pong. False when it answers no open ping: a foreign payload, a repeat, or a number never sent. */
  pong(message: ArrayBuffer): boolean {
    if (message.byteLength !== PAYLOAD_BYTES) return false;
    const ahead = (new DataView(message).getUint32(0, true) - this.#pongs) >>> 0;
    if (ahead >= this.#pings - this.#pongs) return false;
    this.#pongs += ahead + 1;
    const at = (this.#pongs - 1) % PINGS_MAX;
    this.#answered = this.#marks[at];
    const tookMs = Math.max(0.1, performance.now() - this.#askedAtMs[at]);
    const rate = this.#asked[at] / tookMs;
    // A quick pong after few bytes measures the delay, not the rate. It must not lower the estimate; a slow pong may.
    if (rate > this.#rate || tookMs > SLOW_MS) this.#rate = rate;
    return true;
  }
}
