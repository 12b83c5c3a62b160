import { Doorbell } from '../../../../src/pipeline/memory/doorbell.js';

/** Answers every ring of bell 0 with one of bell 1, sleeping for a minute where no wake-up reaches it. */
export function echo(data: { bells: SharedArrayBuffer; cell: SharedArrayBuffer; rounds: number }): number {
  const mine = new Doorbell(data.bells, 0);
  const theirs = new Doorbell(data.bells, 1);
  const words = new Int32Array(data.cell);
  let lost = 0;
  for (let round = 1; round <= data.rounds; round++) {
    for (;;) {
      const seen = mine.read();
      if (Atomics.load(words, 0) >= round) break;
      const from = performance.now();
      mine.park(seen, 60_000);
      if (performance.now() - from >= 59_000) lost++;
    }
    Atomics.store(words, 1, round);
    theirs.ring();
  }
  return lost;
}

/** The other side of `echo`. */
export function ask(data: { bells: SharedArrayBuffer; cell: SharedArrayBuffer; rounds: number }): number {
  const theirs = new Doorbell(data.bells, 0);
  const mine = new Doorbell(data.bells, 1);
  const words = new Int32Array(data.cell);
  let lost = 0;
  for (let round = 1; round <= data.rounds; round++) {
    Atomics.store(words, 0, round);
    theirs.ring();
    for (;;) {
      const seen = mine.read();
      if (Atomics.load(words, 1) >= round) break;
      const from = performance.now();
      mine.park(seen, 60_000);
      if (performance.now() - from >= 59_000) lost++;
    }
  }
  return lost;
}

/** Naps for a minute, if nothing presses. */
export function nap({ bells }: { bells: SharedArrayBuffer }): number {
  const bell = new Doorbell(bells, 0);
  const from = performance.now();
  bell.nap(bell.read(), 60_000);
  return performance.now() - from;
}
