/**
 * The shared memory of the registry: two areas of entries, of which one is in force, and a lock.
 *
 * Any thread may append, holding the lock for a moment; every thread reads what it has not seen yet. Compacted
 * entries are written into the other area, which one store then puts in force: a thread that dies before it has
 * changed nothing.
 *
 * ```
 *  0 i32 lock: 0 free, else 1 + index of the stage that holds it (low 8 bits) and a ticket of this taking (the rest)
 *  4 i32 generation: how often entries were compacted; the area in force is number (generation & 1)
 *  8 i32 bytes committed of area 0 │ 12 i32 of area 1
 * 16 i32 count of tickets … padded to 64
 * 64 area 0, then area 1, of equal size
 *
 * entry: u32 length │ UTF-8 JSON, padded to 4
 * ```
 */
import { failpoint } from './failpoint.js';

const HEADER_BYTES = 64;
const LOCK = 0;
const GENERATION = 1;
const LENGTHS = 2;
const TICKET = 4;
const HEADER_WORDS = 5;
const LOCK_PATIENCE_MS = 1000;
const OWNER_BITS = 8;
const OWNER_MASK = (1 << OWNER_BITS) - 1;
const ENTRY_HEADER_BYTES = 4;

/** How far somebody has read: bytes of a generation. */
export interface RegistryPosition {
  generation: number;
  length: number;
}

/** Bytes that an entry takes whose JSON has so many. */
export function entryBytes(jsonBytes: number): number {
  return ENTRY_HEADER_BYTES + Math.ceil(jsonBytes / 4) * 4;
}

/** The lock was taken from a thread that held it for too long, and lives. */
class LockLost extends Error {}

export class RegistryMemory {
  /** Bytes that the entries may take. */
  readonly capacity: number;
  readonly #words: Int32Array;
  /** The present taking of the lock. */
  #mine = 0;
  readonly #areas: readonly [Uint8Array, Uint8Array];

  /**
   * @param owner who takes the lock: the stage's index, so that the supervisor can free it after a crash
   */
  constructor(
    memory: SharedArrayBuffer,
    readonly owner: number,
  ) {
    this.capacity = (memory.byteLength - HEADER_BYTES) / 2;
    this.#words = new Int32Array(memory, 0, HEADER_WORDS);
    this.#areas = [
      new Uint8Array(memory, HEADER_BYTES, this.capacity),
      new Uint8Array(memory, HEADER_BYTES + this.capacity, this.capacity),
    ];
  }

  static allocate(bytes: number): SharedArrayBuffer {
    return new SharedArrayBuffer(HEADER_BYTES + 2 * bytes);
  }

  get generation(): number {
    return Atomics.load(this.#words, GENERATION);
  }

  /** Bytes committed so far. */
  get length(): number {
    return this.#lengthOf(this.generation);
  }

  #lengthOf(generation: number): number {
    return Atomics.load(this.#words, LENGTHS + (generation & 1));
  }

  /** Whether there is nothing after a position. */
  isAt(position: Readonly<RegistryPosition>): boolean {
    const { generation } = this;
    return generation === position.generation && this.#lengthOf(generation) === position.length;
  }

  /** A copy of what is committed after a position; of all, where the position is of another generation. */
  after(position: Readonly<RegistryPosition>): { bytes: Uint8Array; from: number; end: RegistryPosition } {
    for (;;) {
      const { generation } = this;
      const length = this.#lengthOf(generation);
      const from = position.generation === generation ? position.length : 0;
      const bytes = this.#areas[generation & 1].slice(from, length);
      // Compacted twice meanwhile, the area may have been written while it was copied.
      if (this.generation === generation) return { bytes, from, end: { generation, length } };
    }
  }

  /** Under the lock: the entry at a byte of the area in force, its header and padding included. */
  entryAt(at: number): Uint8Array {
    const area = this.#areas[this.generation & 1];
    const length = new DataView(area.buffer, area.byteOffset + at).getUint32(0, true);
    return area.subarray(at, at + entryBytes(length));
  }

  /** Under the lock: adds an entry, for which there is room. */
  append(json: Uint8Array): void {
    const { generation } = this;
    const area = this.#areas[generation & 1];
    const at = this.#lengthOf(generation);
    new DataView(area.buffer, area.byteOffset + at).setUint32(0, json.length, true);
    area.set(json, at + ENTRY_HEADER_BYTES);
    failpoint();
    this.#assertLocked();
    Atomics.store(this.#words, LENGTHS + (generation & 1), at + entryBytes(json.length));
    failpoint();
  }

  /** Under the lock: replaces all entries by others. */
  replace(entries: readonly Uint8Array[]): RegistryPosition {
    const { generation } = this;
    const other = (generation + 1) & 1;
    let length = 0;
    for (const entry of entries) {
      this.#areas[other].set(entry, length);
      length += entry.length;
    }
    Atomics.store(this.#words, LENGTHS + other, length);
    failpoint();
    this.#assertLocked();
    Atomics.store(this.#words, GENERATION, generation + 1);
    failpoint();
    return { generation: generation + 1, length };
  }

  /** For the supervisor: frees the lock of a stage that died. */
  releaseIfHeldBy(owner: number): void {
    const holder = Atomics.load(this.#words, LOCK);
    if ((holder & OWNER_MASK) === owner + 1) this.#release(holder);
  }

  /** Frees the lock if it is still the same taking of it: a late call never frees what another has taken since. */
  #release(holder: number): void {
    if (Atomics.compareExchange(this.#words, LOCK, holder, 0) === holder) Atomics.notify(this.#words, LOCK);
  }

  /** Runs the body under the lock; again, where the lock was lost before anything was committed. */
  locked<T>(body: () => T): T {
    for (;;) {
      try {
        return this.#lockedOnce(body);
      } catch (error) {
        if (!(error instanceof LockLost)) throw error;
      }
    }
  }

  #assertLocked(): void {
    // A thread that the system has stopped for long was taken for dead, and others have written since.
    if (this.#mine !== 0 && Atomics.load(this.#words, LOCK) !== this.#mine) throw new LockLost();
  }

  #lockedOnce<T>(body: () => T): T {
    const mine = (Atomics.add(this.#words, TICKET, 1) << OWNER_BITS) | (this.owner + 1);
    let blocker = 0;
    let sinceMs = 0;
    for (;;) {
      const holder = Atomics.compareExchange(this.#words, LOCK, 0, mine);
      if (holder === 0) break;
      // Time is measured per taking: under contention the lock changes hands often, and every change of it
      // ends the wait early, which says nothing about any holder being dead.
      if (holder !== blocker) {
        blocker = holder;
        sinceMs = performance.now();
      }
      Atomics.wait(this.#words, LOCK, holder, 1);
      // An append takes microseconds. A holder this late is dead, and the supervisor may itself be waiting here.
      if (performance.now() - sinceMs > LOCK_PATIENCE_MS) this.#release(holder);
    }
    failpoint();
    this.#mine = mine;
    try {
      return body();
    } finally {
      this.#mine = 0;
      this.#release(mine);
    }
  }
}
