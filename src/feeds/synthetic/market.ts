/**
 * A seeded market: random walks on a grid of points, spreads that breathe, trades at the touch, clustered
 * arrivals. The same options give the same ticks, bit for bit, on every machine.
 *
 * All that changes goes into one float64 array, to be committed with the ticks and gone on from:
 *
 * ```
 * 0 format │ 1 symbols │ 2 seed │ 3, 4 random words (i32) │ 5 time s │ 6 time ns │ 7 symbol of the next tick
 * 8 symbol of the burst │ 9 ticks left of it │ 10 index of the pace │ 11 ticks left of it │ 12 ticks of the block that are done
 * 13..15 0, then by symbol: bid (points), spread (points), direction of the last move, last trade id
 * ```
 *
 * Ticks are made in blocks. What is saved is the state at the start of the present block, and the place in it.
 *
 * What is drawn at random is looked up in tables instead of branched on: a mispredicted branch costs more
 * than the rest of a tick's arithmetic.
 */
import { TickwireError } from '../../errors.js';
import {
  copyWords,
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_PRICE,
  F64_SIZE,
  F64_TRADE_ID,
  Flag,
  Kind,
  RECORD_F64,
  RECORD_U32,
  Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../../tick.js';
import { gapOf, gapTable, rankOf, ZipfTable } from './activity.js';
import { type MarketOptions, STANDARD_MARKET } from './market-options.js';
import { mix, rotated, scramble, skewed } from './random.js';
import { type MarketSymbol, marketSymbols } from './universe.js';

export { type MarketOptions, STANDARD_MARKET } from './market-options.js';

const FORMAT = 1;
const HEADER_WORDS = 16;
const SYMBOL_WORDS = 4;
/** Of 256 ticks, how many start a burst of their symbol; a burst has 8 to 135 ticks, 32 times as dense. */
const BURST_CHANCE = 1;
const BURST_GAP = 1 / 32;
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

// One symbol's words while ticks are made, 64 bytes: what changes of it, and what it is.
const ROW_I32 = 16;
const ROW_F64 = 8;
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
const LOW_SHARE = 0.6;
const HIGH_SHARE = 1.6;
/** What indices of symbols stay within: see `SLOT_BITS`. */
const SYMBOL_BITS = 0xffff;
const INT32_END = 2 ** 31;

/** Ticks made at a time: few enough that they stay in the core's own cache. */
const BLOCK_TICKS = 1024;

/** float64 words of a market's state. */
export function marketStateWords(symbols: number): number {
  return HEADER_WORDS + symbols * SYMBOL_WORDS;
}

export class Market {
  readonly symbols: readonly MarketSymbol[];
  /** Ticks as records, but for the index of the symbol in place of its id; tsRecv equals tsEvent. */
  readonly block = Records.allocate(BLOCK_TICKS);
  /** Where in `block` the present tick stands. */
  at = 0;
  readonly #zipf: ZipfTable;
  readonly #gaps: Float64Array;
  readonly #tradeChance: number;
  // The state, as `save` writes it.
  readonly #blockStart: Float64Array;
  #nextSymbol = 0;
  readonly #random = new Int32Array(2);
  readonly #time = new Float64Array(2);
  #burstSymbol = 0;
  #burstLeft = 0;
  #pace = 0;
  #paceLeft = 0;
  readonly #rowsI32: Int32Array;
  readonly #rowsF64: Float64Array;

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
    this.#zipf = new ZipfTable(count, options.skew);
    this.#gaps = gapTable(SECOND_NS / options.ticksPerSecond / CALM_SHARE);
    this.#tradeChance = Math.round(options.tradeShare * 65_536);
    this.#rowsF64 = new Float64Array(count * ROW_F64);
    this.#rowsI32 = new Int32Array(this.#rowsF64.buffer);
    this.symbols.forEach((symbol, i) => {
      this.#describe(symbol, i);
    });
    this.#blockStart = new Float64Array(marketStateWords(count));
    if (state === undefined) this.#begin();
    else this.#restore(state);
    this.#makeBlock();
    this.at = state?.[12] ?? 0;
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
   * Writes the next ticks as records.
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
    words[12] = this.at;
  }

  /** Makes the next block, and notes what it was made from. All in one loop over locals: this is the hot path. */
  #makeBlock(): void {
    this.#note(this.#blockStart);
    this.at = 0;
    const { u32, f64 } = this.block;
    const { chance, choices } = this.#zipf;
    const gaps = this.#gaps;
    const tradeChance = this.#tradeChance;
    const rows = this.#rowsI32;
    const rowsF64 = this.#rowsF64;
    let [a, b] = this.#random;
    let [s, ns] = this.#time;
    let symbol = this.#nextSymbol;
    let burstSymbol = this.#burstSymbol;
    let burstLeft = this.#burstLeft;
    let pace = this.#pace;
    let paceLeft = this.#paceLeft;
    for (let i = 0; i < BLOCK_TICKS; i++) {
      const w = i * RECORD_U32;
      const d = i * RECORD_F64;
      // Two steps of xoroshiro64 give four random words: each half of its state, multiplied.
      const timing = scramble(a);
      const market = scramble(b);
      b ^= a;
      a = rotated(a, 26) ^ b ^ (b << 9);
      b = rotated(b, 13);
      const sizes = scramble(a);
      const choice = scramble(b);
      b ^= a;
      a = rotated(a, 26) ^ b ^ (b << 9);
      b = rotated(b, 13);

      if (--paceLeft < 0) {
        pace = timing & (PACES.length - 1);
        paceLeft = 2_048 + ((timing >>> 3) & 0x3fff);
      }
      const gap = gapOf(gaps, timing) * PACES[pace] * (burstLeft > 0 ? BURST_GAP : 1);
      ns += 1 + (gap < INT32_END ? gap | 0 : Math.floor(gap));
      while (ns >= SECOND_NS) {
        ns -= SECOND_NS;
        s++;
      }
      u32[w + U32_SYMBOL] = symbol;
      u32[w + U32_TS_EVENT_S] = s;
      u32[w + U32_TS_EVENT_NS] = ns;
      u32[w + U32_TS_RECV_S] = s;
      u32[w + U32_TS_RECV_NS] = ns;

      const row = (symbol & SYMBOL_BITS) * ROW_I32;
      const rowF64 = (symbol & SYMBOL_BITS) * ROW_F64;
      const power = rowsF64[rowF64 + R_PRICE_POWER];
      const sizePower = rowsF64[rowF64 + R_SIZE_POWER];
      const units = rows[row + R_SIZE_UNITS];
      const bid = rows[row + R_BID];
      const spread = rows[row + R_SPREAD];
      f64[d + F64_SIZE] = skewed(sizes, units) / sizePower;
      if ((market & 0xffff) < tradeChance) {
        const direction = rows[row + R_DIRECTION];
        const isBuy = (market & 0x30000) === 0 ? direction < 0 : direction > 0;
        // Ids of a venue count its trades of all its feeds, so here and there some are missing.
        const id = rowsF64[rowF64 + R_TRADE_ID] + ((market & 0xc0000) === 0 ? 1 + ((market >>> 20) & 7) : 1);
        rowsF64[rowF64 + R_TRADE_ID] = id;
        u32[w + U32_KIND_FLAGS_SOURCE] = Kind.trade | (isBuy ? Flag.buy : Flag.sell);
        f64[d + F64_PRICE] = (isBuy ? bid + spread : bid) / power;
        f64[d + F64_ASK] = 0;
        f64[d + F64_TRADE_ID] = id;
      } else {
        const isWide = (rows[row + R_ORDINARY_SPREAD] - spread) >>> 31;
        const nextSpread = Math.max(0, spread + BREATH[16 * isWide + ((market >>> 16) & 0xf)]);
        let direction = Math.imul(rows[row + R_DIRECTION], PERSISTENCE[(market >>> 21) & 7]);
        if (bid < rows[row + R_LOW]) direction = 1;
        else if (bid > rows[row + R_HIGH]) direction = -1;
        // Outside bursts every other quote changes sizes only.
        const moves = ((market >>> 20) & 1) | (burstLeft > 0 ? 1 : 0);
        const step = moves + (Math.imul(moves, Math.imul(market >>> 24, rows[row + R_STEP_MAX])) >> 8);
        const nextBid = (bid + Math.imul(direction, step)) | 0;
        rows[row + R_BID] = nextBid;
        rows[row + R_SPREAD] = nextSpread;
        rows[row + R_DIRECTION] = direction;
        u32[w + U32_KIND_FLAGS_SOURCE] = Kind.quote;
        f64[d + F64_BID] = nextBid / power;
        f64[d + F64_ASK] = ((nextBid + nextSpread) | 0) / power;
        f64[d + F64_ASK_SIZE] = skewed(Math.imul(sizes, 0x2c1b3c6d), units) / sizePower;
      }

      if (burstLeft > 0) {
        burstLeft--;
      } else if ((timing & 0xff) < BURST_CHANCE) {
        burstSymbol = symbol;
        burstLeft = 8 + ((timing >>> 8) & 0x7f);
      }
      const drawn = rankOf(chance, choices, choice);
      symbol = burstLeft > 0 && (choice & 3) !== 0 ? burstSymbol : drawn;
    }
    this.#random[0] = a;
    this.#random[1] = b;
    this.#time[0] = s;
    this.#time[1] = ns;
    this.#nextSymbol = symbol;
    this.#burstSymbol = burstSymbol;
    this.#burstLeft = burstLeft;
    this.#pace = pace;
    this.#paceLeft = paceLeft;
  }

  /** Fills in what a symbol is. */
  #describe(symbol: MarketSymbol, i: number): void {
    const rows = this.#rowsI32;
    const row = i * ROW_I32;
    rows[row + R_ORDINARY_SPREAD] = symbol.spreadPoints;
    rows[row + R_STEP_MAX] = Math.max(1, Math.floor(symbol.spreadPoints / 3));
    rows[row + R_SIZE_UNITS] = symbol.sizeUnits;
    rows[row + R_LOW] = Math.ceil(symbol.startPoints * LOW_SHARE);
    rows[row + R_HIGH] = Math.floor(symbol.startPoints * HIGH_SHARE);
    this.#rowsF64[i * ROW_F64 + R_PRICE_POWER] = 10 ** symbol.digits;
    this.#rowsF64[i * ROW_F64 + R_SIZE_POWER] = 10 ** symbol.sizeDigits;
  }

  #note(words: Float64Array): void {
    words[0] = FORMAT;
    words[1] = this.options.symbols;
    words[2] = this.options.seed;
    words[3] = this.#random[0];
    words[4] = this.#random[1];
    words[5] = this.#time[0];
    words[6] = this.#time[1];
    words[7] = this.#nextSymbol;
    words[8] = this.#burstSymbol;
    words[9] = this.#burstLeft;
    words[10] = this.#pace;
    words[11] = this.#paceLeft;
    const { symbols } = this.options;
    const rows = this.#rowsI32;
    const rowsF64 = this.#rowsF64;
    for (let i = 0; i < symbols; i++) {
      const at = HEADER_WORDS + i * SYMBOL_WORDS;
      const row = i * ROW_I32;
      words[at] = rows[row + R_BID];
      words[at + 1] = rows[row + R_SPREAD];
      words[at + 2] = rows[row + R_DIRECTION];
      words[at + 3] = rowsF64[i * ROW_F64 + R_TRADE_ID];
    }
  }

  /** One step of xoroshiro64, for the start. */
  #draw(): number {
    const r = this.#random;
    const a = r[0];
    const b = r[1] ^ a;
    r[0] = rotated(a, 26) ^ b ^ (b << 9);
    r[1] = rotated(b, 13);
    return scramble(a);
  }

  #begin(): void {
    const { symbols, seed, startS } = this.options;
    this.#random[0] = mix(seed | 0) | 1;
    this.#random[1] = mix(Math.floor(seed / 2 ** 32) ^ 0x5bd1e995);
    this.#time[0] = startS;
    for (let i = 0; i < symbols; i++) {
      const { startPoints, spreadPoints } = this.symbols[i];
      const row = i * ROW_I32;
      this.#rowsI32[row + R_BID] = Math.round(startPoints * (0.98 + (this.#draw() >>> 16) / 65_536 / 25));
      this.#rowsI32[row + R_SPREAD] = spreadPoints;
      this.#rowsI32[row + R_DIRECTION] = this.#draw() < 0 ? -1 : 1;
      this.#rowsF64[i * ROW_F64 + R_TRADE_ID] = this.#draw() >>> 4;
    }
    this.#nextSymbol = rankOf(this.#zipf.chance, this.#zipf.choices, this.#draw());
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
    this.#random.set(words.subarray(3, 5));
    this.#time.set(words.subarray(5, 7));
    this.#nextSymbol = words[7];
    this.#burstSymbol = words[8];
    this.#burstLeft = words[9];
    this.#pace = words[10];
    this.#paceLeft = words[11];
    for (let i = 0, at = HEADER_WORDS; i < symbols; i++, at += SYMBOL_WORDS) {
      const row = i * ROW_I32;
      this.#rowsI32[row + R_BID] = words[at];
      this.#rowsI32[row + R_SPREAD] = words[at + 1];
      this.#rowsI32[row + R_DIRECTION] = words[at + 2];
      this.#rowsF64[i * ROW_F64 + R_TRADE_ID] = words[at + 3];
    }
  }
}
