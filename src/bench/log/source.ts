/** Ticks piece by piece, as many as are wanted, numbered from 1: a log of them needs no memory for them all. */

import {
  RECORD_BYTES,
  RECORD_U32,
  type Records,
  U32_SEQ_LOW,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_S,
  U32_TS_RECV_S,
} from '../../core/tick.js';
import { Market, STANDARD_MARKET } from '../../feeds/synthetic/index.js';

const DAY_S = 86_400;

export interface LogData {
  /** `eurusd`, `eurusdLive`, `synthetic`, or a recording's. */
  name: string;
  symbols: readonly { name: string; digits: number }[];
  ticks: number;
  /** Seqs begin with 1, symbol ids too. */
  records: Records;
}

export interface TickSource {
  readonly name: string;
  readonly symbols: readonly { name: string; digits: number }[];
  readonly ticks: number;
  /** Writes the next `count` ticks to `into`, from record `at` on. */
  fill(into: Records, at: number, count: number): void;
}

/** Ticks that are in memory. */
export class TicksInMemory implements TickSource {
  readonly name: string;
  readonly symbols: TickSource['symbols'];
  readonly ticks: number;
  #done = 0;

  constructor(readonly data: LogData) {
    ({ name: this.name, symbols: this.symbols, ticks: this.ticks } = data);
  }

  fill(into: Records, at: number, count: number): void {
    copy(this.data.records, this.#done, into, at, count);
    this.#done += count;
  }
}

/** A day's ticks of one symbol again and again, each time a day later. */
export class RepeatedDay implements TickSource {
  readonly name: string;
  readonly symbols: TickSource['symbols'];
  #done = 0;

  constructor(
    readonly day: LogData,
    readonly ticks: number,
  ) {
    ({ name: this.name, symbols: this.symbols } = day);
  }

  fill(into: Records, at: number, count: number): void {
    for (let end = at + count; at < end; ) {
      const from = this.#done % this.day.ticks;
      const piece = Math.min(end - at, this.day.ticks - from);
      copy(this.day.records, from, into, at, piece);
      this.#renumber(into.u32, at, piece, ((this.#done - from) / this.day.ticks) * DAY_S);
      at += piece;
    }
  }

  #renumber(u32: Uint32Array, at: number, count: number, laterS: number): void {
    for (let w = at * RECORD_U32; w < (at + count) * RECORD_U32; w += RECORD_U32) {
      const seq = ++this.#done;
      u32[w + U32_SEQ_LOW] = seq;
      u32[w + U32_SYMBOL_SEQ] = seq;
      u32[w + U32_TS_EVENT_S] += laterS;
      u32[w + U32_TS_RECV_S] += laterS;
    }
  }
}

export class MarketTicks implements TickSource {
  readonly name = 'synthetic';
  readonly symbols: TickSource['symbols'];
  readonly #market: Market;
  readonly #symbolSeqs: Uint32Array;
  #done = 0;

  constructor(
    readonly ticks: number,
    seed: number,
  ) {
    this.#market = new Market({ ...STANDARD_MARKET, seed });
    this.symbols = this.#market.symbols;
    this.#symbolSeqs = new Uint32Array(this.symbols.length + 1);
  }

  fill(into: Records, at: number, count: number): void {
    this.#market.fill(into, at, count);
    const { u32 } = into;
    for (let w = at * RECORD_U32; w < (at + count) * RECORD_U32; w += RECORD_U32) {
      u32[w + U32_SEQ_LOW] = ++this.#done;
      u32[w + U32_SYMBOL_SEQ] = ++this.#symbolSeqs[u32[w + U32_SYMBOL]];
    }
  }
}

function copy(from: Records, first: number, to: Records, at: number, count: number): void {
  const bytes = from.u8.subarray(first * RECORD_BYTES, (first + count) * RECORD_BYTES);
  to.u8.set(bytes, at * RECORD_BYTES);
}
