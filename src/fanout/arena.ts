/**
 * The memory that ticks are encoded into. It lives for one flush: bodies stand in its first part, which begins
 * anew when it is full, so that the older ones die earlier; runs, which all groups copy from, in the second.
 */
import { type Body, Scratch } from '../wire/body.js';

const BODY_BYTES = 8 * 1024 * 1024;
const RUN_BYTES = 8 * 1024 * 1024;

export class Arena {
  readonly scratch = new Scratch(BODY_BYTES + RUN_BYTES);
  /** Bodies of an earlier one are gone. */
  generation = 0;
  #at = 0;
  #runAt = BODY_BYTES;

  /** Begins a flush. */
  reset(): void {
    this.#runAt = BODY_BYTES;
    this.#again();
  }

  #again(): void {
    this.generation++;
    this.#at = 0;
  }

  /** Where a body of up to `bytes` may stand. */
  reserve(bytes: number): number {
    if (this.#at + bytes > BODY_BYTES) this.#again();
    return this.#at;
  }

  /** The last body that was reserved keeps what it has filled. */
  keep(body: Body): void {
    this.#at = Math.ceil((body.at + body.bytes) / 8) * 8;
  }

  /** Where a run of up to `bytes` may stand until the flush is over; -1 when there is no room. */
  reserveRun(bytes: number): number {
    const at = this.#runAt;
    if (at + bytes > BODY_BYTES + RUN_BYTES) return -1;
    this.#runAt = Math.ceil((at + bytes) / 8) * 8;
    return at;
  }
}
