/**
 * The memory that ticks are encoded into, in three parts: payloads, quote caches and ring chunks. A payload is valid for
 * one flush; when the payload part is full, writing restarts at its beginning and every earlier payload is invalid.
 * All groups copy from the quote caches and the ring chunks, which outlive the flush.
 */
import { SHARDS_MAX } from '../../core/limits.js';
import { EncodeBuffer, type Payload } from '../../wire/payload.js';

const PAYLOAD_BYTES = 8 * 1024 * 1024;
/** Bytes of one quote cache. A quote that does not fit is encoded once for each group. */
const CACHE_BYTES = 256 * 1024;
const ENCODINGS = 3;
const CACHES_BYTES = ENCODINGS * SHARDS_MAX * CACHE_BYTES;
/** Bytes of one ring chunk. The ticks of a chunk fit nearly always in JSON, and always in the other encodings. */
const CHUNK_BYTES = 128 * 1024;
const CHUNKS = 128;

export class EncodeArena {
  readonly buffer = new EncodeBuffer(PAYLOAD_BYTES + CACHES_BYTES + CHUNKS * CHUNK_BYTES);
  /** A payload of an earlier generation is no longer valid. */
  generation = 0;
  /** Write position: byte offset of the next payload in `buffer`. */
  at = 0;
  #caches = 0;

  /** Begins a flush. */
  reset(): void {
    this.#restart();
  }

  /** Makes all payloads so far invalid. */
  invalidate(): void {
    this.generation++;
  }

  #restart(): void {
    this.invalidate();
    this.at = 0;
  }

  /** The byte offset of a payload of up to `bytes`. May invalidate the earlier payloads. */
  reserve(bytes: number): number {
    if (this.at + bytes > PAYLOAD_BYTES) this.#restart();
    return this.at;
  }

  /** Moves the write position behind the payload that was reserved last. */
  keep(payload: Payload): void {
    this.at = Math.ceil((payload.at + payload.bytes) / 8) * 8;
  }

  /** Reserves one more quote cache, for good: byte offset and length in bytes. */
  takeCache(): { at: number; bytes: number } {
    return { at: PAYLOAD_BYTES + this.#caches++ * CACHE_BYTES, bytes: CACHE_BYTES };
  }

  /** All ring chunks: byte offset and length in bytes of each. */
  chunks(): { at: number; bytes: number }[] {
    return Array.from({ length: CHUNKS }, (_, i) => ({
      at: PAYLOAD_BYTES + CACHES_BYTES + i * CHUNK_BYTES,
      bytes: CHUNK_BYTES,
    }));
  }
}
