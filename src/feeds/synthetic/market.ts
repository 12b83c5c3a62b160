/**
 * A seeded market: random walks on a grid of points, spreads that breathe, trades at the touch, clustered
 * arrivals. The same options give the same ticks, bit for bit, on every machine.
 *
 * All that changes goes into one float64 array, to be committed with the ticks and gone on from:
 *
 * ```
 * 0 format │ 1 symbols │ 2 seed │ 3, 4 random words (i32) │ 5 time s │ 6 time ns │ 7 symbol of the next tick
 * 8 symbol of the burst │ 9 ticks left of it │ 10 index of the pace │ 11 ticks left of it │ 12 ticks of the block that are done
 * 13..15 0, then by symbol: bid and spread (i32, points), direction of the last move and ordinary spread (i32), last trade id
 * ```
 *
 * Ticks are made in blocks. What is saved is the state at the start of the present block, and the place in it.
 *
 * Ticks are made by `feeds/synthetic/wasm/market.ts`.
 */
import { TickwireError } from '../../core/errors.js';
import { copyWords, RECORD_U32, type Records, U32_KIND_FLAGS_SOURCE, U32_SYMBOL } from '../../core/tick.js';
import { gapTable, rankOf, ZipfTable } from './activity.js';
import { MarketModule, NOTE_F64, ROW_F64, ROW_I32 } from './market-module.js';
import { type MarketOptions, STANDARD_MARKET } from './market-options.js';
import { mix, rotated, scramble } from './random.js';
import { type MarketSymbol, marketSymbols } from './universe.js';

export { type MarketOptions, STANDARD_MARKET } from './market-options.js';

const FORMAT = 2;
const HEADER_WORDS = 16;
/** Share of ticks outside bursts, which make nearly all of the time. */
const CALM_SHARE = 0.78;
/** Gaps are multiplied by one of these for some thousand ticks: rush hours and quiet times. Mean 1. */
const PACES = [0.25, 0.25, 0.5, 0.5, 1, 1, 1.5, 3];
const SECOND_NS = 1e9;
/** By 3 random bits: whether a move goes on in the direction of the last one. */
const PERSISTENCE = Int8Array.of(1, 1, 1, 1, 1, -1, -1, -1);
/** By 4 random bits, for a spread that is ordinary and for one that is wider: it narrows more often. */
// biome-ignore format: a row a case
const BREATH = Int8Array.of(
  1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1,
  1, 1, 1, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1,
);

// One symbol's words while ticks are made: what changes of it, and what it is.
const R_BID = 0;
const R_SPREAD = 1;
const R_DIRECTION = 2;
const R_ORDINARY_SPREAD = 3;
const R_STEP_MAX = 4;
const R_SIZE_UNITS = 5;
/** The bid is turned back when it is below the one or above the other: long before it could come near zero, or leave its order of magnitude. */
const R_LOW = 6;
const R_HIGH = 7;
const R_TRADE_ID = 4;
const R_PRICE_POWER = 5;
const R_SIZE_POWER = 6;
const R_ID = 14;
const R_SOURCE = 15;
const LOW_SHARE = 0.6;
const HIGH_SHARE = 1.6;
// Words of the state after the block, in the views that they are of.
const RANDOM_I32 = 0;
const TIME_F64 = 1;
const NEXT_I32 = 6;
const STATE_END_I32 = 11;

/** Ticks made at a time: few enough that they stay in the core's own cache. */
const BLOCK_TICKS = 2048;

/** float64 words of a market's state. */
export function marketStateWords(symbols: number): number {
  return HEADER_WORDS + symbols * NOTE_F64;
}

export class Market {
  readonly symbols: readonly MarketSymbol[];
  /** Ticks as raw records; tsRecv equals tsEvent. Unless `label` said otherwise, the symbol's index stands for its id, and source is 0. */
  readonly block: Records;
  /** Where in `block` the present tick stands. */
  at = 0;
  readonly #tradeChance: number;
  readonly #module: MarketModule;
  /** The state at the start of the block, as `save` writes it: what is not of a symbol. */
  readonly #blockStart = new Float64Array(HEADER_WORDS);

  /**
   * @param state what another market of the same options saved; without it, the market's start
   * @throws TickwireError bad_input when the state is of other options
   */
  constructor(
    readonly options: Readonly<MarketOptions> = STANDARD_MARKET,
    state?: Float64Array,
  ) {
    const { symbols: count } = options;
    this.symbols = marketSymbols(count);
    const { chance, choices } = new ZipfTable(count, options.skew);
    const gaps = gapTable(SECOND_NS / options.ticksPerSecond / CALM_SHARE);
    const module = new MarketModule(BLOCK_TICKS, gaps.length, count, chance, choices);
    module.gaps.set(gaps);
    module.paces.set(PACES);
    module.persistence.set(PERSISTENCE);
    module.breath.set(BREATH);
    this.#module = module;
    this.block = module.block;
    this.#tradeChance = Math.round(options.tradeShare * 65_536);
    this.symbols.forEach((symbol, i) => {
      this.#describe(symbol, i);
    });
    if (state === undefined) this.#begin(chance, choices);
    else this.#restore(state);
    this.#makeBlock();
    this.at = state?.[12] ?? 0;
  }

  /**
   * Has the block's records, this one's and those of all that follow, carry symbol and source ids. Once, at the start.
   * @param ids symbol ids by symbol index
   */
  label(ids: Uint32Array, sourceId: number): void {
    const { rowsI32 } = this.#module;
    const { u32 } = this.block;
    for (let i = 0; i < this.options.symbols; i++) {
      rowsI32[i * ROW_I32 + R_ID] = ids[i];
      rowsI32[i * ROW_I32 + R_SOURCE] = sourceId << 16;
    }
    for (let w = 0; w < BLOCK_TICKS * RECORD_U32; w += RECORD_U32) {
      u32[w + U32_SYMBOL] = ids[u32[w + U32_SYMBOL]];
      u32[w + U32_KIND_FLAGS_SOURCE] |= sourceId << 16;
    }
  }

  /** Goes on by some ticks, to one that is in the block or to the first after it. */
  advance(count = 1): void {
    this.at += count;
    if (this.at === BLOCK_TICKS) this.#makeBlock();
  }

  /** Ticks of the block from the present one on. */
  get left(): number {
    return BLOCK_TICKS - this.at;
  }

  /**
   * Writes the next ticks of a market without labels as records.
   * @param ids symbol ids by symbol index; default: index + 1
   */
  fill(records: Records, from: number, count: number, ids?: Uint32Array, sourceId = 1): void {
    const { u32 } = this.block;
    for (let i = from; i < from + count; i++) {
      const w = i * RECORD_U32;
      copyWords(u32, this.at * RECORD_U32, records.u32, w);
      const symbol = records.u32[w + U32_SYMBOL];
      records.u32[w + U32_SYMBOL] = ids === undefined ? symbol + 1 : ids[symbol];
      records.u32[w + U32_KIND_FLAGS_SOURCE] |= sourceId << 16;
      this.advance();
    }
  }

  /** Writes all that a market needs to go on with the present tick: `marketStateWords` words. */
  save(words: Float64Array): void {
    words.set(this.#blockStart);
    words.set(this.#module.noted, HEADER_WORDS);
    words[12] = this.at;
  }

  /** Makes the next block, and notes what it was made from. */
  #makeBlock(): void {
    this.#note(this.#blockStart);
    this.at = 0;
    this.#module.make(this.#tradeChance);
  }

  /** Fills in what a symbol is. */
  #describe(symbol: MarketSymbol, i: number): void {
    const { rowsI32: rows, rowsF64 } = this.#module;
    const row = i * ROW_I32;
    rows[row + R_ID] = i;
    rows[row + R_ORDINARY_SPREAD] = symbol.spreadPoints;
    rows[row + R_STEP_MAX] = Math.max(1, Math.floor(symbol.spreadPoints / 3));
    rows[row + R_SIZE_UNITS] = symbol.sizeUnits;
    rows[row + R_LOW] = Math.ceil(symbol.startPoints * LOW_SHARE);
    rows[row + R_HIGH] = Math.floor(symbol.startPoints * HIGH_SHARE);
    rowsF64[i * ROW_F64 + R_PRICE_POWER] = 10 ** symbol.digits;
    rowsF64[i * ROW_F64 + R_SIZE_POWER] = 10 ** symbol.sizeDigits;
  }

  #note(words: Float64Array): void {
    words[0] = FORMAT;
    words[1] = this.options.symbols;
    words[2] = this.options.seed;
    const { stateI32, stateF64 } = this.#module;
    words[3] = stateI32[RANDOM_I32];
    words[4] = stateI32[RANDOM_I32 + 1];
    words[5] = stateF64[TIME_F64];
    words[6] = stateF64[TIME_F64 + 1];
    for (let k = NEXT_I32; k < STATE_END_I32; k++) words[7 + k - NEXT_I32] = stateI32[k];
    this.#module.note();
  }

  /** One step of xoroshiro64, for the start. */
  #draw(): number {
    const r = this.#module.stateI32;
    const a = r[0];
    const b = r[1] ^ a;
    r[0] = rotated(a, 26) ^ b ^ (b << 9);
    r[1] = rotated(b, 13);
    return scramble(a);
  }

  #begin(chance: Int32Array, choices: Uint16Array): void {
    const { symbols, seed, startS } = this.options;
    const { stateI32, stateF64, rowsI32: rows, rowsF64 } = this.#module;
    stateI32[RANDOM_I32] = mix(seed | 0) | 1;
    stateI32[RANDOM_I32 + 1] = mix(Math.floor(seed / 2 ** 32) ^ 0x5bd1e995);
    stateF64[TIME_F64] = startS;
    for (let i = 0; i < symbols; i++) {
      const { startPoints, spreadPoints } = this.symbols[i];
      const row = i * ROW_I32;
      rows[row + R_BID] = Math.round(startPoints * (0.98 + (this.#draw() >>> 16) / 65_536 / 25));
      rows[row + R_SPREAD] = spreadPoints;
      rows[row + R_DIRECTION] = this.#draw() < 0 ? -1 : 1;
      rowsF64[i * ROW_F64 + R_TRADE_ID] = this.#draw() >>> 4;
    }
    stateI32[NEXT_I32] = rankOf(chance, choices, this.#draw());
  }

  #restore(words: Float64Array): void {
    const { symbols, seed } = this.options;
    const isOurs = words[0] === FORMAT && words[1] === symbols && words[2] === seed;
    if (!isOurs || words.length < marketStateWords(symbols)) {
      throw new TickwireError(
        'bad_input',
        'The saved state is of another market: use it with the number of symbols and the seed that made it.',
      );
    }
    const { stateI32, stateF64, rowsI32: rows, rowsF64 } = this.#module;
    stateI32.set(words.subarray(3, 5), RANDOM_I32);
    stateF64.set(words.subarray(5, 7), TIME_F64);
    stateI32.set(words.subarray(7, 12), NEXT_I32);
    // As it was kept: a float64 whose bits are two integers is not to be looked at as one.
    const { noted, notedI32 } = this.#module;
    noted.set(words.subarray(HEADER_WORDS, HEADER_WORDS + symbols * NOTE_F64));
    for (let i = 0; i < symbols; i++) {
      const row = i * ROW_I32;
      const note = i * NOTE_F64;
      rows[row + R_BID] = notedI32[2 * note];
      rows[row + R_SPREAD] = notedI32[2 * note + 1];
      rows[row + R_DIRECTION] = notedI32[2 * note + 2];
      rowsF64[i * ROW_F64 + R_TRADE_ID] = noted[note + 2];
    }
  }
}
