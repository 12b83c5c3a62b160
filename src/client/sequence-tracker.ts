/**
 * Counts what a subscription has received, by the `symbolSeq` of each symbol. In one epoch `symbolSeq` counts
 * every tick of a symbol. So a jump says exactly how many ticks the subscription did not get.
 *
 * In mode `latest` trades may come after a newer quote. The jump of that quote counted them as conflated, so
 * each such trade lowers the count again.
 */
export class SequenceTracker {
  /** Ticks received, those of snapshots included. */
  received = 0;
  /** Ticks that newer ticks replaced: conflated by the server for this subscription, or before they got a seq. */
  conflated = 0;
  /** Ticks missing in mode `every` that nothing accounts for. */
  gaps = 0;
  /** Ticks received twice. */
  repeats = 0;

  readonly #conflates: boolean;
  readonly #complete: boolean;
  // Per symbol of the client: the first symbolSeq seen, the highest, and the highest of a trade, status or gap.
  #first = new Uint32Array(64);
  #newest = new Uint32Array(64);
  #critical = new Uint32Array(64);
  /** By symbol: the epoch of these numbers; 0 before the first tick. */
  #epochs = new Uint32Array(64);
  /** By symbol, in mode `every`: whether only state at the start has come, which does not report what lies before the stream. */
  #isState = new Uint8Array(64);
  #epoch = 0;

  /**
   * @param conflates whether the mode is `latest`, in which a jump means conflated ticks
   * @param complete whether all kinds are subscribed; if not, a jump in mode `every` proves no gap
   */
  constructor(conflates: boolean, complete: boolean) {
    this.#conflates = conflates;
    this.#complete = complete;
  }

  /** Begins a batch. Every epoch numbers every symbol again, from 1. */
  enter(epoch: number): void {
    this.#epoch = epoch;
  }

  /** Begins elsewhere in the sequence: ticks in between are neither conflated nor missing. */
  rebase(): void {
    this.#epochs.fill(0);
  }

  /**
   * Returns how many ticks of the symbol were jumped over just before this one.
   * @param symbol the client's own number of the symbol
   * @param critical whether it is a trade, status or gap
   * @param conflated whether earlier ticks were conflated into the record
   * @param inSnapshot whether it is state, sent again, and not news
   */
  count(
    symbol: number,
    symbolSeq: number,
    critical: boolean,
    conflated: boolean,
    inSnapshot: boolean,
  ): number {
    this.received++;
    if (symbol >= this.#epochs.length) this.#grow(symbol);
    const epoch = this.#epochs[symbol];
    if (inSnapshot && !this.#conflates) {
      this.#epochs[symbol] = this.#epoch;
      this.#isState[symbol] = 1;
      return 0;
    }
    if (epoch !== this.#epoch || this.#isState[symbol] === 1) {
      // Only who had everything of the epoch before can say that the new one's first ticks are missing.
      const joins = epoch === 0 || epoch === this.#epoch || this.#conflates;
      this.#epochs[symbol] = this.#epoch;
      this.#isState[symbol] = 0;
      const base = joins ? symbolSeq : 0;
      this.#first[symbol] = base;
      this.#newest[symbol] = base;
      this.#critical[symbol] = base;
      if (joins) return 0;
    }
    const ahead = (symbolSeq - this.#newest[symbol]) | 0;
    if (ahead > 0) {
      this.#newest[symbol] = symbolSeq;
      if (critical) this.#critical[symbol] = symbolSeq;
      if (this.#conflates || conflated) this.conflated += ahead - 1;
      else if (this.#complete) this.gaps += ahead - 1;
      return ahead - 1;
    }
    if (this.#conflates && critical) {
      this.#countLate(symbol, symbolSeq, inSnapshot);
    } else if (!inSnapshot) {
      this.repeats++;
    }
    return 0;
  }

  /** A trade, status or gap older than the newest quote: the tick counted as conflated, unless it precedes all. */
  #countLate(symbol: number, symbolSeq: number, inSnapshot: boolean): void {
    if (((symbolSeq - this.#critical[symbol]) | 0) > 0) {
      this.#critical[symbol] = symbolSeq;
      this.conflated--;
    } else if (!inSnapshot && ((symbolSeq - this.#first[symbol]) | 0) > 0) {
      this.repeats++;
    }
  }

  #grow(symbol: number): void {
    const length = 2 ** Math.ceil(Math.log2(symbol + 1));
    const grow = (from: Uint32Array): Uint32Array<ArrayBuffer> => {
      const to = new Uint32Array(length);
      to.set(from);
      return to;
    };
    this.#first = grow(this.#first);
    this.#newest = grow(this.#newest);
    this.#critical = grow(this.#critical);
    this.#epochs = grow(this.#epochs);
    const isState = new Uint8Array(length);
    isState.set(this.#isState);
    this.#isState = isState;
  }
}
