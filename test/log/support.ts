/** Ticks for the tests of the log: seeded, so that a failure comes back. */
import {
  Flag,
  Kind,
  NO_TIME_S,
  type Records,
  writeHeader,
  writeQuote,
  writeTimes,
  writeTrade,
} from '../../src/tick.js';

/** A small seeded generator of u32 (mulberry32). */
export function seeded(seed: number): () => number {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** A market of `symbols` symbols with walking prices; symbol ids start at 1. */
export class Market {
  readonly #next: () => number;
  readonly #mid: Float64Array;
  readonly #seq: Uint32Array;
  readonly digits: Uint8Array;
  #ns = 0;
  #s = 1_700_000_000;
  #trades = 0;

  constructor(
    readonly symbols: number,
    seed: number,
    readonly sourceId = 1,
  ) {
    this.#next = seeded(seed);
    this.#mid = new Float64Array(symbols + 1);
    this.#seq = new Uint32Array(symbols + 1);
    this.digits = new Uint8Array(symbols + 1);
    for (let id = 1; id <= symbols; id++) {
      this.digits[id] = 2 + (id % 4);
      this.#mid[id] = 100_000 + (this.#next() % 100_000);
    }
  }

  /** Writes one tick, with its symbolSeq but without a seqLow; returns its symbol. */
  write(r: Records, i: number): number {
    const random = this.#next();
    const id = 1 + (random % this.symbols);
    const scale = 10 ** this.digits[id];
    this.#mid[id] += (this.#next() % 21) - 10;
    this.#ns += this.#next() % 700;
    if (this.#ns >= 1e9) {
      this.#ns -= 1e9;
      this.#s++;
    }
    const recv = this.#ns - (this.#ns % 65_536);
    const isTrade = (random >>> 20) % 16 === 0;
    const late = (random >>> 16) % 64 === 0;
    const seq = ++this.#seq[id];
    const kind = isTrade ? Kind.trade | Flag.buy : late ? Kind.quote | Flag.late : Kind.quote;
    writeHeader(r, i, id, kind, this.sourceId, 0, seq);
    if (late && isTrade) writeTimes(r, i, NO_TIME_S, 0, this.#s, recv);
    else writeTimes(r, i, this.#s - (late ? 2 : 1), this.#ns, this.#s, recv);
    const bid = Math.round(this.#mid[id]);
    if (isTrade) writeTrade(r, i, bid / scale, ((random >>> 8) % 1000) / 100, ++this.#trades);
    else
      writeQuote(
        r,
        i,
        bid / scale,
        (bid + 1 + ((random >>> 12) % 3)) / scale,
        1 + ((random >>> 4) % 100),
        1 + ((random >>> 6) % 100),
      );
    return id;
  }
}
