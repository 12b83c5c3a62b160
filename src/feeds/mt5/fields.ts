/**
 * The fields of frames: unsigned little-endian integers, byte runs, and strings with their
 * length before them. For the rare frames; ticks are read and written in place.
 */
import { MT5_STRING_BYTES_MAX } from '../../core/limits.js';
import { utf8Prefix } from '../../core/utf8.js';
import { Refusal } from './refusal.js';

/** Bytes before the body of a frame; framing.ts draws them. */
export const FRAME_HEADER_BYTES = 8;
const WORD = 2 ** 32;

/** Reads the fields of a frame that is not on the hot path. */
export class FieldReader {
  constructor(
    readonly view: DataView,
    public at: number,
    readonly end: number,
  ) {}

  u8(): number {
    return this.view.getUint8(this.#skip(1));
  }
  u16(): number {
    return this.view.getUint16(this.#skip(2), true);
  }
  u32(): number {
    return this.view.getUint32(this.#skip(4), true);
  }

  u64(): number {
    const value = this.u32() + this.u32() * WORD;
    if (!Number.isSafeInteger(value)) throw new Refusal('bad_framing', 'A count is beyond 2^53.');
    return value;
  }

  bytes(length: number): Buffer {
    return Buffer.from(this.view.buffer, this.view.byteOffset + this.#skip(length), length);
  }

  string(): string {
    const length = this.u16();
    if (length > MT5_STRING_BYTES_MAX) {
      throw new Refusal('bad_framing', `A string has ${length} bytes; ${MT5_STRING_BYTES_MAX} are allowed.`);
    }
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes(length));
    } catch (error) {
      if (error instanceof Refusal) throw error;
      throw new Refusal('bad_framing', 'A string is not valid UTF-8.');
    }
  }

  /** To be called after the last field. */
  done(): void {
    if (this.at !== this.end) {
      throw new Refusal('bad_framing', `A frame has ${this.end - this.at} bytes too many.`);
    }
  }

  #skip(bytes: number): number {
    const at = this.at;
    if (at + bytes > this.end) throw new Refusal('bad_framing', 'A frame ends before its last field.');
    this.at = at + bytes;
    return at;
  }
}

/** Writes a frame that is not on the hot path. */
export class FieldWriter {
  readonly #parts: Buffer[] = [];
  readonly #type: number;

  constructor(type: number) {
    this.#type = type;
  }

  #number(bytes: number, value: number): this {
    const part = Buffer.alloc(bytes);
    part.writeUIntLE(value, 0, bytes);
    this.#parts.push(part);
    return this;
  }
  u8(value: number): this {
    return this.#number(1, value);
  }
  u16(value: number): this {
    return this.#number(2, value);
  }
  u32(value: number): this {
    return this.#number(4, value);
  }
  u64(value: number): this {
    return this.u32(value % WORD).u32(Math.floor(value / WORD));
  }
  bytes(part: Buffer): this {
    this.#parts.push(part);
    return this;
  }
  string(value: string): this {
    const bytes = utf8Prefix(value, MT5_STRING_BYTES_MAX);
    return this.u16(bytes.length).bytes(bytes);
  }

  frame(): Buffer {
    const body = Buffer.concat(this.#parts);
    const frame = Buffer.alloc(FRAME_HEADER_BYTES + body.length);
    frame.writeUInt32LE(frame.length - 4, 0);
    frame.writeUInt8(this.#type, 4);
    body.copy(frame, FRAME_HEADER_BYTES);
    return frame;
  }
}
