/**
 * The memory that ticks are encoded into, in three parts. Bodies live for one flush; when their part is full it
 * begins anew, so that the older ones die earlier. Runs, which all groups copy from, live for one flush too.
 * Stretches stay for as long as they are used.
 */
import { type Body, Scratch } from '../wire/body.js';

const BODY_BYTES = 8 * 1024 * 1024;
const RUN_BYTES = 4 * 1024 * 1024;
/** Ticks of a stretch in JSON fit in nearly always, in the other encodings always. */
const STRETCH_BYTES = 128 * 1024;
const STRETCHES = 128;

export class Arena {
  readonly scratch = new Scratch(BODY_BYTES + RUN_BYTES + STRETCHES * STRETCH_BYTES);
  /** Bodies of an earlier one are gone. */
  generation = 0;
  /** Where the next body will stand. */
  at = 0;
  #runAt = BODY_BYTES;

  /** Begins a flush. */
  reset(): void {
    this.#runAt = BODY_BYTES;
    this.#again();
  }

  /** What was encoded before is not to be used any more. */
  invalidate(): void {
    this.generation++;
  }

  #again(): void {
    this.invalidate();
    this.at = 0;
  }

  /** Where a body of up to `bytes` may stand. */
  reserve(bytes: number): number {
    if (this.at + bytes > BODY_BYTES) this.#again();
    return this.at;
  }

  /** The body that was reserved last keeps what it has filled. */
  keep(body: Body): void {
    this.at = Math.ceil((body.at + body.bytes) / 8) * 8;
  }

  /** Where a run of up to `bytes` may stand until the flush is over; -1 when there is no room. */
  reserveRun(bytes: number): number {
    const at = this.#runAt;
    if (at + bytes > BODY_BYTES + RUN_BYTES) return -1;
    this.#runAt = Math.ceil((at + bytes) / 8) * 8;
    return at;
  }

  /** The places of all stretches. */
  stretches(): { at: number; bytes: number }[] {
    return Array.from({ length: STRETCHES }, (_, i) => ({
      at: BODY_BYTES + RUN_BYTES + i * STRETCH_BYTES,
      bytes: STRETCH_BYTES,
    }));
  }
}
