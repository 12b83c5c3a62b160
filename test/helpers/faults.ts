/** Deaths at chosen failpoints: in one thread an exception replaces the thread's exit. */
import { armFailpoint } from '../../src/pipeline/memory/failpoint.js';

class Death extends Error {}

export class Faults {
  /** Failpoints passed so far. */
  passed = 0;
  deaths = 0;
  readonly #at: Set<number>;

  /** @param at numbers of the failpoints at which to die, from 1 on, counted over all calls of `run` */
  constructor(...at: number[]) {
    this.#at = new Set(at);
  }

  /** Runs the body under fire. False when it died. */
  run(body: () => void): boolean {
    const strike = () => {
      this.passed++;
      if (this.#at.has(this.passed)) throw new Death();
      armFailpoint(1, strike);
    };
    armFailpoint(1, strike);
    try {
      body();
      return true;
    } catch (error) {
      if (!(error instanceof Death)) throw error;
      this.deaths++;
      return false;
    } finally {
      armFailpoint(0, () => {});
    }
  }
}
