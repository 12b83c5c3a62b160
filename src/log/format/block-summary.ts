/** The summary that an index keeps of a block, or of an index page of blocks: seqs, times, symbols. */
import { NO_TIME_S } from '../../core/tick.js';
import { isBefore } from '../../core/time.js';
import type { Directory } from './directory.js';

/** Symbol ids from here on are in no index: a block with such a symbol has an opaque summary. */
export const SYMBOLS_INDEXED = 65_536;

/** Words of `BlockSummary.times`: seconds and nanoseconds of the lowest and highest tsRecv and tsEvent. */
export const TIME_WORDS = 8;
export const TimeAt = { recvMin: 0, recvMax: 2, eventMin: 4, eventMax: 6 } as const;

/** The symbols of a block or page, with the symbolSeq of the first and last tick of each. */
export class SymbolTable {
  count = 0;
  ids: Uint32Array;
  firsts: Uint32Array;
  lasts: Uint32Array;

  constructor(capacity = 64) {
    this.ids = new Uint32Array(capacity);
    this.firsts = new Uint32Array(capacity);
    this.lasts = new Uint32Array(capacity);
  }

  clear(): void {
    this.count = 0;
  }

  add(id: number, first: number, last: number): void {
    if (this.count === this.ids.length) this.#grow(this.count + 1);
    const i = this.count++;
    this.ids[i] = id;
    this.firsts[i] = first;
    this.lasts[i] = last;
  }

  /** Copies the symbols of a block's directory. */
  copy({ count, symbolId, firstSymbolSeq, lastSymbolSeq }: Directory): void {
    this.count = 0;
    if (count > this.ids.length) this.#grow(count);
    this.ids.set(symbolId.subarray(0, count));
    this.firsts.set(firstSymbolSeq.subarray(0, count));
    this.lasts.set(lastSymbolSeq.subarray(0, count));
    this.count = count;
  }

  #grow(needed: number): void {
    const capacity = 2 * needed;
    const larger = (from: Uint32Array): Uint32Array => {
      const to = new Uint32Array(capacity);
      to.set(from);
      return to;
    };
    this.ids = larger(this.ids);
    this.firsts = larger(this.firsts);
    this.lasts = larger(this.lasts);
  }

  /** Index of a symbol in a table with ascending ids; -1 when the table does not have the symbol. */
  find(id: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (this.ids[middle] === id) return middle;
      if (this.ids[middle] < id) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }
}

export class BlockSummary {
  firstSeq = 0;
  lastSeq = 0;
  /** See `TimeAt`. A lowest time above the highest: no tick has such a time. */
  readonly times = new Uint32Array(TIME_WORDS);
  /** Whether it may have symbols that `symbols` lacks, or ticks are missing: shed, damaged, or with a gap. */
  isOpaque = false;
  readonly symbols = new SymbolTable();

  clear(): void {
    this.times.set([NO_TIME_S, NO_TIME_S, 0, 0, NO_TIME_S, NO_TIME_S, 0, 0]);
    this.isOpaque = false;
    this.symbols.clear();
  }
}

/** Widens the times at `at` in `to` by those at `i` in `from`. */
export function widenTimes(to: Uint32Array, at: number, from: Uint32Array, i: number): void {
  for (let k = 0; k < TIME_WORDS; k += 4) {
    if (isBefore(from[i + k], from[i + k + 1], to[at + k], to[at + k + 1])) {
      to[at + k] = from[i + k];
      to[at + k + 1] = from[i + k + 1];
    }
    if (isBefore(to[at + k + 2], to[at + k + 3], from[i + k + 2], from[i + k + 3])) {
      to[at + k + 2] = from[i + k + 2];
      to[at + k + 3] = from[i + k + 3];
    }
  }
}

/** The distance from one symbolSeq to a later one, modulo 2^32; negative for an earlier one. */
export function ahead(symbolSeq: number, of: number): number {
  return (symbolSeq - of) | 0;
}
