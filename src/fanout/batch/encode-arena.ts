/**
 * The memory that ticks are encoded into, in three parts. Payloads live for one flush; when their part is full it
 * begins anew, so that the older ones die earlier. Caches of quotes and chunks, which all groups copy from,
 * stay for as long as they are used.
 */
import { SHARDS_MAX } from '../../core/limits.js';
import { EncodeBuffer, type Payload } from '../../wire/payload.js';

const PAYLOAD_BYTES = 8 * 1024 * 1024;
/** A cache of quotes: what does not fit is encoded for each group. */
const CACHE_BYTES = 256 * 1024;
const ENCODINGS = 3;
const CACHES_BYTES = ENCODINGS * SHARDS_MAX * CACHE_BYTES;
/** Ticks of a chunk in JSON fit in nearly always, in the other encodings always. */
const CHUNK_BYTES = 128 * 1024;
const CHUNKS = 128;

export class EncodeArena {
  readonly buffer = new EncodeBuffer(PAYLOAD_BYTES + CACHES_BYTES + CHUNKS * CHUNK_BYTES);
  /** Payloads of an earlier one are gone. */
  generation = 0;
  /** Where the next payload will stand. */
  at = 0;
  #caches = 0;

  /** Begins a flush. */
  reset(): void {
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

  /** Where a payload of up to `bytes` may stand. */
  reserve(bytes: number): number {
    if (this.at + bytes > PAYLOAD_BYTES) this.#again();
    return this.at;
  }

  /** The payload that was reserved last keeps what it has filled. */
  keep(payload: Payload): void {
    this.at = Math.ceil((payload.at + payload.bytes) / 8) * 8;
  }

  /** The place of one more cache of quotes; it is never given back. */
  takeCache(): { at: number; bytes: number } {
    return { at: PAYLOAD_BYTES + this.#caches++ * CACHE_BYTES, bytes: CACHE_BYTES };
  }

  /** The places of all chunks. */
  chunks(): { at: number; bytes: number }[] {
    return Array.from({ length: CHUNKS }, (_, i) => ({
      at: PAYLOAD_BYTES + CACHES_BYTES + i * CHUNK_BYTES,
      bytes: CHUNK_BYTES,
    }));
  }
}
