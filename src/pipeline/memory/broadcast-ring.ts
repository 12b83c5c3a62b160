/**
 * The broadcast ring: one writer, at most one gating reader, any number of free readers.
 *
 * Slot `seq & mask` holds the record with that seq; the first seq of an epoch is 1. Before the writer
 * touches a slot it stores how far the batch may reach (the intent). A free reader copies a slot first and
 * then checks that `intent - capacity` has not passed it: if it has, the copy may be torn and is thrown away.
 *
 * ```
 *   0 i32 intent: the highest seq whose slot may have been touched, mod 2^32 … padded to 128
 * 128 u32 × slots: positionLow of each slot's source (see core/tick.ts), for the log's stream positions
 *   … u32 × slots: the tag of each slot: u24 symbolId │ u8 kind, for readers who look for some symbols among all
 *   … 64 B × slots: the records
 * ```
 *
 * A reader of tags touches a sixteenth of the memory that records are, and of the records only those it wants.
 */

import { isPowerOfTwo } from '../../core/limits.js';
import { TAG_KIND_SHIFT } from '../../core/record-layout.js';
import {
  KIND_MASK,
  RECORD_BYTES,
  RECORD_U32,
  Records,
  SLOT_BITS,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
} from '../../core/tick.js';
import { failpoint } from './failpoint.js';
import type { CursorRef } from './spsc-ring.js';

const HEADER_BYTES = 128;

export const TAG_SYMBOL = 0xffffff;

/** What record `i` is of, in one word. */
export function tagOf({ u32 }: Records, i: number): number {
  const w = i * RECORD_U32;
  return u32[w + U32_SYMBOL] | ((u32[w + U32_KIND_FLAGS_SOURCE] & KIND_MASK) << TAG_KIND_SHIFT);
}

function columnBytes(slots: number): number {
  return Math.ceil((slots * 4) / 128) * 128;
}

function recordsOffset(slots: number): number {
  return HEADER_BYTES + 2 * columnBytes(slots);
}

/** What both sides have of a ring: its slots. */
export class BroadcastMemory {
  readonly records: Records;
  readonly positions: Uint32Array;
  readonly tags: Uint32Array;
  readonly capacity: number;
  readonly mask: number;
  protected readonly intent: Int32Array;

  constructor({ buffer, byteOffset: at }: Uint8Array, slots: number) {
    this.capacity = slots;
    this.mask = slots - 1;
    this.intent = new Int32Array(buffer, at, 1);
    this.positions = new Uint32Array(buffer, at + HEADER_BYTES, slots);
    this.tags = new Uint32Array(buffer, at + HEADER_BYTES + columnBytes(slots), slots);
    this.records = new Records(buffer, at + recordsOffset(slots), slots);
  }

  slot(seq: number): number {
    return seq & this.mask & SLOT_BITS;
  }
}

export function broadcastBytes(slots: number): number {
  if (!isPowerOfTwo(slots)) throw new RangeError(`a ring has a power of two of slots, not ${slots}`);
  return recordsOffset(slots) + Math.ceil((slots * RECORD_BYTES) / 128) * 128;
}

/** A ring in memory of its own; an engine's broadcast rings are part of their shard's (`shard-memory.ts`). */
export function allocateBroadcast(slots: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(broadcastBytes(slots)));
}

/** The writing side. Publishing the head is the owner's commit; this class only guards the slots. */
export class BroadcastWriter extends BroadcastMemory {
  /**
   * Declares that slots up to `seq` may be overwritten from now on. It never goes back: after a crash the
   * slots up to the old intent may hold anything.
   */
  intend(seq: number): void {
    if ((((seq | 0) - this.intent[0]) | 0) <= 0) return;
    Atomics.store(this.intent, 0, seq | 0);
    failpoint();
  }
}

/** A free reader's answer to "is what I copied still whole?" and "how far may I read?" */
export class BroadcastReader extends BroadcastMemory {
  readonly #head: CursorRef;

  constructor(memory: Uint8Array, slots: number, head: CursorRef) {
    super(memory, slots);
    this.#head = head;
  }

  /** The last committed seq; 0 before the first. */
  head(): number {
    return this.#head.cells.read(this.#head.word);
  }

  /**
   * The lowest seq whose slot no writer may have touched. Read it after copying: what lies below must be
   * thrown away. The intent is at most a batch away from the head, so its low 32 bits tell it whole.
   */
  oldest(): number {
    const low = Atomics.load(this.intent, 0);
    const head = this.head();
    return Math.max(1, head + ((low - (head | 0)) | 0) - this.capacity + 1);
  }
}
