/**
 * The window: how much may be under way to one client. Kernels hide slow readers behind megabytes of socket
 * buffers, so a ping goes out every so many bytes, and what its pong has not answered counts as under way.
 */
import { FRAME_BYTES_MAX, PING_EVERY_BYTES, WINDOW_BYTES } from '../../core/limits.js';

/** Counts of bytes are int32 and run over: what matters is how far they are apart, which is megabytes at most. */
type Bytes = number;
/** Pings not yet answered that are remembered; there are never more. Stock clients give up who sends them 60 at once. */
const PINGS_MAX = 32;
const PAYLOAD_BYTES = 4;
/** Bytes of a message that are risked on any link. */
const MESSAGE_BYTES_MIN = 8 * 1024;
/** Milliseconds after which an answer is slow. */
const SLOW_MS = 100;

export class SendWindow {
  #sent: Bytes = 0;
  #answered: Bytes = 0;
  #pingedAt: Bytes = 0;
  #pings = 0;
  #pongs = 0;
  /** Bytes per millisecond at which the client takes what is sent, as the pongs tell; a low guess before the first. */
  #rate = 0;
  /** Bytes sent before each ping, by its number modulo PINGS_MAX. */
  readonly #marks = new Int32Array(PINGS_MAX);
  /** Bytes that were unanswered at each ping, and when that was, likewise. */
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
   * Bytes that a message may have to be whole within about so many milliseconds: until then the client hears
   * nothing, and would think the connection dead.
   */
  messageBytes(ms: number): number {
    return Math.min(FRAME_BYTES_MAX, Math.max(MESSAGE_BYTES_MIN, this.#rate * ms));
  }

  /** Counts a message; true when a ping is due. */
  count(bytes: number): boolean {
    this.#sent = (this.#sent + bytes) | 0;
    return this.isPingDue(PING_EVERY_BYTES);
  }

  /** @param everyBytes those that may be sent between two pings */
  isPingDue(everyBytes: number): boolean {
    const isDue = ((this.#sent - this.#pingedAt) | 0) >= everyBytes;
    return isDue && this.#pings - this.#pongs < PINGS_MAX;
  }

  /** Whether bytes were sent since the last ping, so that only another one can tell when they arrived. */
  get unasked(): boolean {
    return this.#sent !== this.#pingedAt && this.#pings - this.#pongs < PINGS_MAX;
  }

  /** The payload of the next ping. */
  ping(): Uint8Array {
    const at = this.#pings % PINGS_MAX;
    this.#marks[at] = this.#sent;
    this.#asked[at] = this.unanswered;
    this.#askedAtMs[at] = performance.now();
    this.#pingedAt = this.#sent;
    this.#number[0] = this.#pings++;
    return this.#payload;
  }

  /** Takes a pong; whether it answered a ping. Foreign payloads, repeats and numbers never sent count for nothing. */
  pong(message: ArrayBuffer): boolean {
    if (message.byteLength !== PAYLOAD_BYTES) return false;
    const ahead = (new DataView(message).getUint32(0, true) - this.#pongs) >>> 0;
    if (ahead >= this.#pings - this.#pongs) return false;
    this.#pongs += ahead + 1;
    const at = (this.#pongs - 1) % PINGS_MAX;
    this.#answered = this.#marks[at];
    const tookMs = Math.max(0.1, performance.now() - this.#askedAtMs[at]);
    const rate = this.#asked[at] / tookMs;
    // Few bytes that came quickly say nothing of how fast many would come; what took long does.
    if (rate > this.#rate || tookMs > SLOW_MS) this.#rate = rate;
    return true;
  }
}
