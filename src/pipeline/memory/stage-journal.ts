/**
 * A stage's journal: how far it had come, and when. One note a batch, so that the way of any tick through the
 * stages can be told afterwards from its number. Kept only where it is asked for; who measures reads it.
 *
 * ```
 *   0 i32 notes ever written, mod 2^32 … padded to 128
 * 128 (f64 position │ f64 from ns │ f64 until ns) × slots
 * ```
 *
 * Positions only grow. Times are those of the system's monotonic clock.
 */
import { isPowerOfTwo } from '../../core/limits.js';

const HEADER_BYTES = 128;
const NOTE_WORDS = 3;
const POSITION = 0;
const FROM = 1;
const UNTIL = 2;

/** One writer; any thread reads copies. */
export class StageJournal {
  readonly #written: Int32Array;
  readonly #notes: Float64Array;
  readonly #mask: number;

  constructor(memory: SharedArrayBuffer) {
    this.#written = new Int32Array(memory, 0, 1);
    this.#notes = new Float64Array(memory, HEADER_BYTES);
    this.#mask = this.#notes.length / NOTE_WORDS - 1;
  }

  /** @param slots notes that are kept; the oldest goes first */
  static allocate(slots: number): SharedArrayBuffer {
    if (!isPowerOfTwo(slots)) throw new RangeError(`a journal has a power of two of slots, not ${slots}`);
    return new SharedArrayBuffer(HEADER_BYTES + slots * NOTE_WORDS * 8);
  }

  /**
   * Writer only: the batch that ended at `position`.
   * @param fromNs when it was begun, and `untilNs` when it was handed on
   */
  note(position: number, fromNs: number, untilNs: number): void {
    const written = this.#written[0];
    const at = (written & this.#mask) * NOTE_WORDS;
    this.#notes[at + POSITION] = position;
    this.#notes[at + FROM] = fromNs;
    this.#notes[at + UNTIL] = untilNs;
    Atomics.store(this.#written, 0, written + 1);
  }

  /** A copy of the notes that are kept; the writer need not stop. */
  copy(): JournalCopy {
    const slots = this.#mask + 1;
    const end = Atomics.load(this.#written, 0) >>> 0;
    const notes = this.#notes.slice();
    // The writer may be at the slot after its last note: that one and all before it are not trusted.
    const from = Math.max(0, (Atomics.load(this.#written, 0) >>> 0) - slots + 1);
    const kept = new Float64Array(Math.max(0, end - from) * NOTE_WORDS);
    for (let n = from; n < end; n++) {
      const at = (n & this.#mask) * NOTE_WORDS;
      kept.set(notes.subarray(at, at + NOTE_WORDS), (n - from) * NOTE_WORDS);
    }
    return new JournalCopy(kept);
  }
}

/** Notes in the order of their positions. */
export class JournalCopy {
  readonly notes: number;

  constructor(readonly words: Float64Array) {
    this.notes = words.length / NOTE_WORDS;
  }

  /**
   * The note of the batch that a position fell into.
   * @returns its number; -1 if it is no longer kept
   */
  find(position: number): number {
    const { words, notes } = this;
    // Where the batch of the first note began is not known.
    if (notes === 0 || position < words[POSITION]) return -1;
    let low = 0;
    let high = notes;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (words[mid * NOTE_WORDS + POSITION] < position) low = mid + 1;
      else high = mid;
    }
    return low < notes ? low : -1;
  }

  positionOf(note: number): number {
    return this.words[note * NOTE_WORDS + POSITION];
  }

  fromNs(note: number): number {
    return this.words[note * NOTE_WORDS + FROM];
  }

  untilNs(note: number): number {
    return this.words[note * NOTE_WORDS + UNTIL];
  }
}
