/** Turns at the log: a bounded number of range reads at once; lanes beyond it wait, in order, as they are. */
import type { CatchUp, RangeRequest, RangeResult } from './deps.js';

/** Who reads from the log. */
export interface CatchUpReader {
  /** What to read now that it is the reader's turn; null when it no longer needs to. */
  request(): RangeRequest | null;
  /** Takes the answer. The turn lasts until `CatchUpJobs.done`. */
  answer(request: RangeRequest, result: RangeResult): void;
  fail(error: unknown): void;
}

export class CatchUpJobs {
  readonly #waiting = new Set<CatchUpReader>();
  readonly #running = new Set<CatchUpReader>();

  constructor(
    readonly catchUp: CatchUp | undefined,
    readonly atOnce: number,
    readonly wake: () => void,
  ) {}

  /** Readers that wait or are served. */
  get size(): number {
    return this.#waiting.size + this.#running.size;
  }

  /** Whether some reader waits for another to be done. */
  get isWanted(): boolean {
    return this.#waiting.size > 0;
  }

  has(reader: CatchUpReader): boolean {
    return this.#running.has(reader) || this.#waiting.has(reader);
  }

  ask(reader: CatchUpReader): void {
    if (this.#running.has(reader)) return;
    this.#waiting.add(reader);
    this.#next();
  }

  /** Ends a reader's turn, or its wait for one. An answer that is still under way is dropped. */
  done(reader: CatchUpReader): void {
    this.#waiting.delete(reader);
    if (this.#running.delete(reader)) this.#next();
  }

  #next(): void {
    for (const reader of this.#waiting) {
      if (this.#running.size >= this.atOnce) return;
      this.#waiting.delete(reader);
      const request = reader.request();
      if (request === null) continue;
      this.#running.add(reader);
      void this.#run(reader, request);
    }
  }

  async #run(reader: CatchUpReader, request: RangeRequest): Promise<void> {
    try {
      const result = await this.catchUp!.readRange(request);
      if (!this.#running.has(reader)) return;
      reader.answer(request, result);
      this.wake();
    } catch (error) {
      if (!this.#running.has(reader)) return;
      this.done(reader);
      reader.fail(error);
    }
  }
}
