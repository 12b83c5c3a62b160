/**
 * Cuts a TCP stream into frames, however it was chopped. A frame that lies whole in a chunk is read where it
 * lies; one that spans chunks is put together in a buffer of its own, which never outgrows one frame.
 */
import { FRAME_HEADER_BYTES } from './fields.js';
import { FRAME_TYPE_MAX } from './framing.js';
import { Refusal } from './refusal.js';

const NOTHING: Uint8Array = new Uint8Array(0);
const NO_VIEW: DataView = new DataView(NOTHING.buffer);

export class FrameReader {
  /** The frame that `next` found: its type, and where its bytes lie. It holds until the next call of `next`. */
  type = 0;
  view = NO_VIEW;
  /** Start of the frame in `view`, with its header. */
  start = 0;
  end = 0;
  #chunk: Uint8Array = NOTHING;
  #chunkView = NO_VIEW;
  #at = 0;
  #partial = NOTHING;
  #partialView = NO_VIEW;
  #partialLength = 0;
  #partialIsShown = false;

  /** @param bytesMax of one frame; it may be raised as the peer earns trust */
  constructor(public bytesMax: number) {}

  /** Takes a chunk over, without copying it. To be called only after `next` has returned false. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#chunkView = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#at = 0;
  }

  /** Bytes that wait for the rest of their frame. */
  get partialBytes(): number {
    return this.#partialIsShown ? 0 : this.#partialLength;
  }

  /**
   * Finds the next frame. False: the chunk is used up.
   * @throws Refusal bad_framing
   */
  next(): boolean {
    if (this.#partialIsShown) {
      this.#partialIsShown = false;
      this.#partialLength = 0;
    }
    if (this.#partialLength > 0) return this.#complete();
    const left = this.#chunk.length - this.#at;
    if (left >= FRAME_HEADER_BYTES) {
      const total = this.#check(this.#chunkView, this.#at);
      if (left >= total) {
        this.#show(this.#chunkView, this.#at, total);
        this.#at += total;
        return true;
      }
    }
    if (left > 0) return this.#complete();
    this.#chunk = NOTHING;
    return false;
  }

  /** Fills the partial frame from the chunk: its header first, which says how long the frame is. */
  #complete(): boolean {
    if (!this.#fill(FRAME_HEADER_BYTES)) return false;
    const total = this.#check(this.#partialView, 0);
    if (!this.#fill(total)) return false;
    this.#show(this.#partialView, 0, total);
    this.#partialIsShown = true;
    return true;
  }

  #fill(total: number): boolean {
    if (this.#partialLength >= total) return true;
    if (this.#partial.length < total) {
      const larger = new Uint8Array(Math.max(total, 4096));
      larger.set(this.#partial.subarray(0, this.#partialLength));
      this.#partial = larger;
      this.#partialView = new DataView(larger.buffer);
    }
    const end = Math.min(this.#chunk.length, this.#at + total - this.#partialLength);
    this.#partial.set(this.#chunk.subarray(this.#at, end), this.#partialLength);
    this.#partialLength += end - this.#at;
    this.#at = end;
    return this.#partialLength === total;
  }

  #show(view: DataView, start: number, total: number): void {
    this.type = view.getUint8(start + 4);
    this.view = view;
    this.start = start;
    this.end = start + total;
  }

  /** Bytes of the frame whose header lies at `at`. */
  #check(view: DataView, at: number): number {
    const total = 4 + view.getUint32(at, true);
    if (total < FRAME_HEADER_BYTES || total > this.bytesMax) {
      throw new Refusal(
        'bad_framing',
        `A frame says it has ${total} bytes; ${FRAME_HEADER_BYTES} to ${this.bytesMax} are allowed here.`,
      );
    }
    const type = view.getUint8(at + 4);
    if (
      type < 1 ||
      type > FRAME_TYPE_MAX ||
      view.getUint8(at + 5) !== 0 ||
      view.getUint16(at + 6, true) !== 0
    ) {
      throw new Refusal(
        'bad_framing',
        `A frame has an unknown type (${type}) or a reserved field that is not 0.`,
      );
    }
    return total;
  }
}
