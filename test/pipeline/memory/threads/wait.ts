import { Doorbell } from '../../../../src/pipeline/memory/doorbell.js';

/** Answers every ring of doorbell 0 with one of doorbell 1, sleeping for a minute where no wake-up reaches it. */
export function echo(data: {
  doorbells: SharedArrayBuffer;
  cell: SharedArrayBuffer;
  rounds: number;
}): number {
  const mine = new Doorbell(data.doorbells, 0);
  const theirs = new Doorbell(data.doorbells, 1);
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
export function ask(data: { doorbells: SharedArrayBuffer; cell: SharedArrayBuffer; rounds: number }): number {
  const theirs = new Doorbell(data.doorbells, 0);
  const mine = new Doorbell(data.doorbells, 1);
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

/** Naps for a minute, unless an urgent ring comes. */
export function nap({ doorbells }: { doorbells: SharedArrayBuffer }): number {
  const doorbell = new Doorbell(doorbells, 0);
  const from = performance.now();
  doorbell.nap(doorbell.read(), 60_000);
  return performance.now() - from;
}
