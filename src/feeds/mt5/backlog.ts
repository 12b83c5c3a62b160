/**
 * The ticks that a terminal keeps until they are acknowledged: a ring of bytes, laid out as batches carry
 * them, so that sending and sending again copy nothing. Counts of the stream's ticks stand for it:
 *
 * ```
 * acked ≤ sent ≤ count, flushed ≤ sent
 * count − min(acked, flushed) ≤ capacity
 * ```
 *
 * A slot is written again only once its tick is acknowledged and the socket has let go of its bytes. The two
 * are not the same: after a reconnect a tick may be acknowledged while it is being sent a second time.
 */

import { type MqlTick, writeMqlTick } from '../mql/mql-tick.js';
import { BATCH_TICK_BYTES } from './framing.js';

export class Backlog {
  /** Ticks ever added. */
  count = 0;
  /** Ticks acknowledged. */
  acked = 0;
  /** Ticks handed to the present connection, or acknowledged without. */
  sent = 0;
  /** Ticks of which the present connection no longer holds bytes. */
  #flushed = 0;
  /** Batches whose bytes the present connection holds. */
  #pending = 0;
  /** Counts the connections, so that what an old one still reports is not taken for the new one's. */
  #connection = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  /** @param capacity in ticks */
  constructor(readonly capacity: number) {
    this.#bytes = new Uint8Array(capacity * BATCH_TICK_BYTES);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get free(): number {
    return this.capacity - (this.count - Math.min(this.acked, this.#flushed));
  }

  get isDrained(): boolean {
    return this.acked === this.count;
  }

  /** Adds a tick; there must be room. */
  add(symbol: number, tick: MqlTick): void {
    const at = (this.count % this.capacity) * BATCH_TICK_BYTES;
    this.#view.setUint32(at, symbol, true);
    writeMqlTick(this.#view, at + 4, tick);
    this.count++;
  }

  /** How many ticks the next batch has: at most `ticksMax`, and none beyond the end of the ring. */
  nextBatch(ticksMax: number): number {
    return Math.min(this.count - this.sent, ticksMax, this.capacity - (this.sent % this.capacity));
  }

  /** The bytes of the next `ticks` ticks, which are sent with this; `flushed` must be called when they are gone. */
  take(ticks: number): { bytes: Uint8Array; flushed: () => void } {
    const at = (this.sent % this.capacity) * BATCH_TICK_BYTES;
    const end = (this.sent += ticks);
    const connection = this.#connection;
    this.#pending++;
    const flushed = (): void => {
      if (connection === this.#connection) this.#letGo(end);
    };
    return { bytes: this.#bytes.subarray(at, at + ticks * BATCH_TICK_BYTES), flushed };
  }

  /** All up to `count` are durable at the other side. */
  acknowledge(count: number): void {
    this.acked = Math.max(this.acked, count);
    this.sent = Math.max(this.sent, this.acked);
    if (this.#pending === 0) this.#flushed = this.sent;
  }

  /** A new connection, the old one being closed: what is not acknowledged is sent again. */
  rewind(): void {
    this.#connection++;
    this.#pending = 0;
    this.sent = this.acked;
    this.#flushed = this.acked;
  }

  #letGo(end: number): void {
    this.#flushed = --this.#pending === 0 ? this.sent : end;
  }
}
