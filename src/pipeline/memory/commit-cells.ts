/**
 * Commit cells: a stage's state in two copies and a version. The stage prepares the copy that nobody
 * reads, then one `Atomics.store` of the version makes the whole of it visible. A stage that dies before
 * the store has done nothing; one that dies after it has done everything.
 *
 * ```
 *   0 i32 version: the copy in force is number (version & 1) … padded to 128
 * 128 f64 × words: copy 0, padded to a multiple of 128
 *   … f64 × words: copy 1, padded likewise
 * ```
 *
 * Counts and cursors in it are float64 integers: exact to 2^53, so none of them ever wraps; a ring's slot
 * is `cursor & mask`, which is exact for them too.
 */
import { failpoint } from './failpoint.js';

const PAD = 128;

export class CommitCells {
  readonly #version: Int32Array;
  readonly #copies: [Float64Array, Float64Array];
  /** The copy being prepared; only the owner writes it. It always starts as what is in force. */
  next: Float64Array;

  constructor(
    readonly memory: SharedArrayBuffer,
    readonly words: number,
  ) {
    const stride = CommitCells.#stride(words);
    this.#version = new Int32Array(memory, 0, 1);
    this.#copies = [new Float64Array(memory, PAD, words), new Float64Array(memory, PAD + stride, words)];
    this.next = this.#copies[1];
    this.rollback();
  }

  static #stride(words: number): number {
    return Math.ceil((words * 8) / PAD) * PAD;
  }

  static allocate(words: number): SharedArrayBuffer {
    return new SharedArrayBuffer(PAD + 2 * CommitCells.#stride(words));
  }

  /** Owner only: forgets what was prepared and starts again from what is in force. */
  rollback(): void {
    const version = Atomics.load(this.#version, 0);
    this.next = this.#copies[(version + 1) & 1];
  }

  /** Owner only: copies what is in force into `next`. Called once before a commit is prepared. */
  prime(): Float64Array {
    const version = Atomics.load(this.#version, 0);
    this.next = this.#copies[(version + 1) & 1];
    this.next.set(this.#copies[version & 1]);
    return this.next;
  }

  /** Owner only: makes `next` the copy in force. */
  commit(): void {
    failpoint();
    Atomics.add(this.#version, 0, 1);
    failpoint();
  }

  /** Owner only: what is in force, without the check that other threads need. */
  get current(): Float64Array {
    return this.#copies[Atomics.load(this.#version, 0) & 1];
  }

  /** Any thread: one word of the copy in force. */
  read(word: number): number {
    for (;;) {
      const version = Atomics.load(this.#version, 0);
      const value = this.#copies[version & 1][word];
      if (Atomics.load(this.#version, 0) === version) return value;
    }
  }

  /** Any thread: a consistent copy of the words [from, from + out.length). */
  readInto(out: Float64Array, from = 0): Float64Array {
    for (;;) {
      const version = Atomics.load(this.#version, 0);
      const copy = this.#copies[version & 1];
      for (let i = 0; i < out.length; i++) out[i] = copy[from + i];
      if (Atomics.load(this.#version, 0) === version) return out;
    }
  }
}
