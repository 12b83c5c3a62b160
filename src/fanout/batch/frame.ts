/**
 * What one flush sends to one connection. Packed batches gather in one frame and leave with one `send`; the
 * other encodings send a message a batch. One frame at a time, in memory that all connections share.
 */
import { FLUSH_TICKS_MAX, FRAME_BYTES_MAX } from '../../core/limits.js';
import { BATCHES_MAX, FRAME_HEADER_BYTES } from '../../wire/packed.js';
import { writeFrameHeader } from '../../wire/packed-encoder.js';
import { EncodeBuffer, type Payload, type TickEncoder } from '../../wire/payload.js';

export interface FrameTarget {
  readonly encoder: TickEncoder;
  transmit(message: Uint8Array, text: boolean): void;
}

/** Whose batches are added: they bear its number, and the cursor that it has reached with each of them. */
export interface FrameSource {
  readonly sub: number;
  cursor(): Uint8Array;
}

export class Frame {
  /** The subscription that adds batches now. */
  source: FrameSource | undefined;
  readonly #out = new EncodeBuffer(2 * FRAME_BYTES_MAX);
  #target: FrameTarget | undefined;
  #at = 0;
  #batches = 0;
  /** Bytes that may still be added. */
  left = 0;
  /** Ticks that may still be added. */
  ticksLeft = 0;
  ticks = 0;

  begin(target: FrameTarget, bytes: number): void {
    this.#target = target;
    this.#at = FRAME_HEADER_BYTES;
    this.#batches = 0;
    this.left = Math.min(FRAME_BYTES_MAX, bytes) - FRAME_HEADER_BYTES;
    this.ticksLeft = FLUSH_TICKS_MAX;
    this.ticks = 0;
  }

  /** From here on no more than so many bytes are added. */
  bound(bytes: number): void {
    this.left = Math.min(this.left, bytes);
  }

  /** Bytes of ticks that one more batch may have. */
  room(encoder: TickEncoder): number {
    return this.#batches >= BATCHES_MAX ? 0 : this.left - encoder.batchBytesMax;
  }

  fits(encoder: TickEncoder, payload: Payload): boolean {
    return payload.bytes <= this.room(encoder) && payload.count <= this.ticksLeft;
  }

  /** Adds a batch of the present source, which has reached the end of it. */
  add(payload: Payload): void {
    const target = this.#target!;
    const source = this.source!;
    const { encoder } = target;
    const at = encoder.framed ? this.#at : 0;
    const end = encoder.encodeBatch(payload, source.sub, source.cursor(), this.#out, at);
    this.left -= end - at;
    this.ticksLeft -= payload.count;
    this.ticks += payload.count;
    this.#batches++;
    if (encoder.framed) this.#at = end;
    else target.transmit(this.#out.u8.subarray(0, end), encoder.text);
  }

  /** Sends what has gathered. */
  finish(): void {
    const target = this.#target!;
    this.#target = undefined;
    this.source = undefined;
    if (this.#batches === 0 || !target.encoder.framed) return;
    writeFrameHeader(this.#out, this.#batches);
    target.transmit(this.#out.u8.subarray(0, this.#at), false);
  }
}
