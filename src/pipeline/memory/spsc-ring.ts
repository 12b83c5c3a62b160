/**
 * A bounded ring of records in shared memory with one producer and one consumer.
 *
 * The ring itself is only slots. Its two cursors (records ever written, records ever read) are in the
 * commit cells of the two stages, so that a stage publishes all its rings, counters and positions in one
 * flip. The cells keep them on cache lines of their own, and both sides cache the other's cursor and
 * read it again only when the ring seems full or empty.
 */
import { isPowerOfTwo } from '../../core/limits.js';
import { RECORD_BYTES, Records, SLOT_BITS } from '../../core/tick.js';
import type { CommitCells } from './commit-cells.js';

/** A cursor in some stage's cells. */
export interface CursorRef {
  cells: CommitCells;
  word: number;
}

export function slotsBytes(slots: number): number {
  if (!isPowerOfTwo(slots)) throw new RangeError(`a ring has a power of two of slots, not ${slots}`);
  return slots * RECORD_BYTES;
}

/** A ring in memory of its own; those of an engine are part of their shard's (`shard-memory.ts`). */
export function allocateSlots(slots: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(slotsBytes(slots)));
}

function recordsIn({ buffer, byteOffset, byteLength }: Uint8Array): Records {
  return new Records(buffer, byteOffset, byteLength / RECORD_BYTES);
}

export class RingProducer {
  readonly records: Records;
  readonly #mask: number;
  #tail: number;

  constructor(
    memory: Uint8Array,
    readonly head: CursorRef,
    readonly tail: CursorRef,
  ) {
    this.records = recordsIn(memory);
    this.#mask = this.records.capacity - 1;
    this.#tail = tail.cells.read(tail.word);
  }

  /** Free slots after `pending` (the producer's own unpublished cursor); exact only when fewer than `want`. */
  free(pending: number, want: number): number {
    const capacity = this.records.capacity;
    let free = capacity - (pending - this.#tail);
    if (free < want) {
      this.#tail = this.tail.cells.read(this.tail.word);
      free = capacity - (pending - this.#tail);
    }
    return free;
  }

  /** The slot of the record at cursor `at`. */
  slot(at: number): number {
    return at & this.#mask & SLOT_BITS;
  }
}

export class RingConsumer {
  readonly records: Records;
  readonly #mask: number;
  #head: number;

  constructor(
    memory: Uint8Array,
    readonly head: CursorRef,
    readonly tail: CursorRef,
  ) {
    this.records = recordsIn(memory);
    this.#mask = this.records.capacity - 1;
    this.#head = head.cells.read(head.word);
  }

  /** Records ready after `consumed` (the consumer's own unpublished cursor); 0 is exact. */
  available(consumed: number): number {
    if (this.#head === consumed) this.#head = this.head.cells.read(this.head.word);
    return this.#head - consumed;
  }

  slot(at: number): number {
    return at & this.#mask & SLOT_BITS;
  }
}
