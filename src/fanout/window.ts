/**
 * The window: how much may be under way to one client. Kernels hide slow readers behind megabytes of socket
 * buffers, so a ping goes out every so many bytes, and what its pong has not answered counts as under way.
 */
import { PING_EVERY_BYTES, WINDOW_BYTES } from '../limits.js';

/** Pings not yet answered that are remembered; there are never more. */
const PINGS_MAX = 256;
const PAYLOAD_BYTES = 4;

export class Window {
  /** Bytes ever sent. */
  sent = 0;
  #answered = 0;
  #pingedAt = 0;
  #pings = 0;
  #pongs = 0;
  /** Bytes sent before each ping, by its number modulo PINGS_MAX. */
  readonly #marks = new Float64Array(PINGS_MAX);
  readonly #payload = new Uint32Array(1);

  get unanswered(): number {
    return this.sent - this.#answered;
  }

  /** Bytes that may still be sent. */
  get room(): number {
    return WINDOW_BYTES - this.unanswered;
  }

  /** Counts a message; true when a ping is due. */
  count(bytes: number): boolean {
    this.sent += bytes;
    return this.sent - this.#pingedAt >= PING_EVERY_BYTES && this.#pings - this.#pongs < PINGS_MAX;
  }

  /** Whether bytes were sent since the last ping, so that only another one can tell when they arrived. */
  get unasked(): boolean {
    return this.sent > this.#pingedAt && this.#pings - this.#pongs < PINGS_MAX;
  }

  /** The payload of the next ping. */
  ping(): Uint8Array {
    this.#marks[this.#pings % PINGS_MAX] = this.sent;
    this.#pingedAt = this.sent;
    this.#payload[0] = this.#pings++;
    return new Uint8Array(this.#payload.buffer);
  }

  /** Takes a pong; whether it answered a ping. Foreign payloads, repeats and numbers never sent count for nothing. */
  pong(message: ArrayBuffer): boolean {
    if (message.byteLength !== PAYLOAD_BYTES) return false;
    const ahead = (new DataView(message).getUint32(0, true) - this.#pongs) >>> 0;
    if (ahead >= this.#pings - this.#pongs) return false;
    this.#pongs += ahead + 1;
    this.#answered = this.#marks[(this.#pongs - 1) % PINGS_MAX];
    return true;
  }
}
