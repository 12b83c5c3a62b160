/** Uniform random numbers from a seed, the same on every machine: whatever a scenario draws besides its market. */
import { mix } from '../../feeds/synthetic/random.js';

/** 2^32 divided by the golden ratio: steps by it visit every word once. */
const STEP = 0x9e3779b9;

export class Uniform {
  #state: number;

  constructor(seed: number) {
    this.#state = mix(seed | 0);
  }

  #word(): number {
    this.#state = (this.#state + STEP) | 0;
    return mix(this.#state) >>> 0;
  }

  /** Above 0 and below 1. */
  share(): number {
    return (this.#word() + 0.5) / 2 ** 32;
  }

  /** A whole number from 0 on, below `end`. */
  below(end: number): number {
    return this.#word() % end;
  }
}
