/**
 * How far sources had come that gave up their slot among those that a feed has open: they may come back in the same
 * run, and send again what they had sent.
 *
 * ```
 * entry: f64 source id, 0 = free │ f64 position reached │ f64 × BUCKETS positions
 * ```
 *
 * An entry is written before its source loses the slot. Until that is committed, the source still has its
 * slot, which counts; so a thread that dies in between has changed nothing.
 */
import { FEED_SOURCES_KEPT } from '../../core/limits.js';
import { DEPARTED_WORDS } from '../../pipeline/memory/engine-memory.js';

export interface DepartedSource {
  reached: number;
  buckets: Float64Array;
}

export class Departed {
  readonly #words: Float64Array;

  constructor(memory: SharedArrayBuffer) {
    this.#words = new Float64Array(memory);
  }

  /** Where a source's entry begins, or else the first free one; -1 where there is neither. */
  #at(sourceId: number): number {
    let free = -1;
    for (let i = 0; i < FEED_SOURCES_KEPT; i++) {
      const at = i * DEPARTED_WORDS;
      if (this.#words[at] === sourceId) return at;
      if (this.#words[at] === 0) {
        free = at;
        break;
      }
    }
    return free;
  }

  /** Keeps how far a source had come. False: there is no room for another one. */
  keep(sourceId: number, { reached, buckets }: DepartedSource): boolean {
    const at = this.#at(sourceId);
    if (at < 0) return false;
    this.#words.set(buckets, at + 2);
    this.#words[at + 1] = reached;
    this.#words[at] = sourceId;
    return true;
  }

  find(sourceId: number): DepartedSource | undefined {
    const at = this.#at(sourceId);
    if (at < 0 || this.#words[at] !== sourceId) return undefined;
    return { reached: this.#words[at + 1], buckets: this.#words.slice(at + 2, at + DEPARTED_WORDS) };
  }
}
