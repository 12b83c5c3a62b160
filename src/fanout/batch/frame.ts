/**
 * What one flush sends to one connection. Packed batches are collected in one frame, which one `send` transmits. The
 * other encodings send one message per batch. All connections share the memory, so only one frame is open at a time.
 */
import { FLUSH_TICKS_MAX, FRAME_BYTES_MAX } from '../../core/limits.js';
import { BATCHES_MAX, FRAME_HEADER_BYTES } from '../../wire/packed.js';
import { writeFrameHeader } from '../../wire/packed-encoder.js';
import { EncodeBuffer, type Payload, type TickEncoder } from '../../wire/payload.js';

export interface FrameTarget {
  readonly encoder: TickEncoder;
  transmit(message: Uint8Array, text: boolean): void;
}

/** The subscription whose batches are added. Each batch has its number, and its cursor after that batch. */
export interface FrameSource {
  readonly sub: number;
  cursor(): Uint8Array;
}

export class Frame {
  /** The subscription that adds batches now; undefined between frames. */
  source: FrameSource | undefined;
  readonly #out = new EncodeBuffer(2 * FRAME_BYTES_MAX);
  #target: FrameTarget | undefined;
  #at = 0;
  #batches = 0;
  /** Bytes that may still be added, batch headers included. */
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

  /** Limits what may still be added to `bytes`. */
  bound(bytes: number): void {
    this.left = Math.min(this.left, bytes);
  }

  /** Bytes of ticks that one more batch may have; 0 or less when no batch fits. */
  room(encoder: TickEncoder): number {
    return this.#batches >= BATCHES_MAX ? 0 : this.left - encoder.batchBytesMax;
  }

  fits(encoder: TickEncoder, payload: Payload): boolean {
    return payload.bytes <= this.room(encoder) && payload.count <= this.ticksLeft;
  }

  /** Adds a batch of the current source. The cursor of the source must already be at the end of the batch. */
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

  /** Sends the frame, unless it is empty or its batches have been sent already. */
  finish(): void {
    const target = this.#target!;
    this.#target = undefined;
    this.source = undefined;
    if (this.#batches === 0 || !target.encoder.framed) return;
    writeFrameHeader(this.#out, this.#batches);
    target.transmit(this.#out.u8.subarray(0, this.#at), false);
  }
}
