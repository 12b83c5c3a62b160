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
import { gapOf, gapTable, ZipfTable } from './activity.js';
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
  readonly #startPoints: Int32Array;
  readonly #ordinarySpread: Int32Array;
  readonly #stepMax: Int32Array;
  readonly #pricePower: Float64Array;
  readonly #sizePower: Float64Array;
  readonly #sizeUnits: Int32Array;
  // The state, as `save` writes it.
  readonly #blockStart: Float64Array;
  #nextSymbol = 0;
  readonly #random = new Int32Array(2);
  readonly #time = new Float64Array(2);
  #burstSymbol = 0;
  #burstLeft = 0;
  #pace = 0;
  #paceLeft = 0;
  readonly #bid: Int32Array;
  readonly #spread: Int32Array;
  readonly #direction: Int32Array;
  readonly #tradeId: Float64Array;

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
    this.#startPoints = Int32Array.from(this.symbols, (s) => s.startPoints);
    this.#ordinarySpread = Int32Array.from(this.symbols, (s) => s.spreadPoints);
    this.#stepMax = Int32Array.from(this.symbols, (s) => Math.max(1, Math.floor(s.spreadPoints / 3)));
    this.#pricePower = Float64Array.from(this.symbols, (s) => 10 ** s.digits);
    this.#sizePower = Float64Array.from(this.symbols, (s) => 10 ** s.sizeDigits);
    this.#sizeUnits = Int32Array.from(this.symbols, (s) => s.sizeUnits);
    this.#bid = new Int32Array(count);
    this.#spread = new Int32Array(count);
    this.#direction = new Int32Array(count);
    this.#tradeId = new Float64Array(count);
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
    const zipf = this.#zipf;
    const gaps = this.#gaps;
    const tradeChance = this.#tradeChance;
    const bids = this.#bid;
    const spreads = this.#spread;
    const directions = this.#direction;
    const tradeIds = this.#tradeId;
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
      const inBurst = burstLeft > 0;

      if (--paceLeft < 0) {
        pace = timing & (PACES.length - 1);
        paceLeft = 2_048 + ((timing >>> 3) & 0x3fff);
      }
      ns += 1 + Math.floor(gapOf(gaps, timing) * PACES[pace] * (inBurst ? BURST_GAP : 1));
      while (ns >= SECOND_NS) {
        ns -= SECOND_NS;
        s++;
      }
      u32[w + U32_SYMBOL] = symbol;
      u32[w + U32_TS_EVENT_S] = s;
      u32[w + U32_TS_EVENT_NS] = ns;
      u32[w + U32_TS_RECV_S] = s;
      u32[w + U32_TS_RECV_NS] = ns;

      const power = this.#pricePower[symbol];
      const sizePower = this.#sizePower[symbol];
      const units = this.#sizeUnits[symbol];
      f64[d + F64_SIZE] = skewed(sizes, units) / sizePower;
      if ((market & 0xffff) < tradeChance) {
        const direction = directions[symbol];
        const isBuy = (market & 0x30000) === 0 ? direction < 0 : direction > 0;
        // Ids of a venue count its trades of all its feeds, so here and there some are missing.
        const id = tradeIds[symbol] + ((market & 0xc0000) === 0 ? 1 + ((market >>> 20) & 7) : 1);
        tradeIds[symbol] = id;
        u32[w + U32_KIND_FLAGS_SOURCE] = Kind.trade | (isBuy ? Flag.buy : Flag.sell);
        f64[d + F64_PRICE] = (isBuy ? bids[symbol] + spreads[symbol] : bids[symbol]) / power;
        f64[d + F64_ASK] = 0;
        f64[d + F64_TRADE_ID] = id;
      } else {
        this.#move(symbol, market, inBurst);
        const bid = bids[symbol];
        u32[w + U32_KIND_FLAGS_SOURCE] = Kind.quote;
        f64[d + F64_BID] = bid / power;
        f64[d + F64_ASK] = (bid + spreads[symbol]) / power;
        f64[d + F64_ASK_SIZE] = skewed(Math.imul(sizes, 0x2c1b3c6d), units) / sizePower;
      }

      if (inBurst) {
        burstLeft--;
      } else if ((timing & 0xff) < BURST_CHANCE) {
        burstSymbol = symbol;
        burstLeft = 8 + ((timing >>> 8) & 0x7f);
      }
      const drawn = zipf.at(choice);
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

  /** Moves bid and spread of a symbol by some points; outside bursts every other quote changes sizes only. */
  #move(symbol: number, random: number, inBurst: boolean): void {
    const spread = this.#spread[symbol];
    const isWide = (this.#ordinarySpread[symbol] - spread) >>> 31;
    this.#spread[symbol] = Math.max(0, spread + BREATH[16 * isWide + ((random >>> 16) & 0xf)]);
    const bid = this.#bid[symbol];
    const start = this.#startPoints[symbol];
    let direction = Math.imul(this.#direction[symbol], PERSISTENCE[(random >>> 21) & 7]);
    // Turned back long before a price could come near zero, or leave its order of magnitude.
    if (bid < start * 0.6) direction = 1;
    else if (bid > start * 1.6) direction = -1;
    const moves = ((random >>> 20) & 1) | (inBurst ? 1 : 0);
    const step = moves + (Math.imul(moves, Math.imul(random >>> 24, this.#stepMax[symbol])) >> 8);
    this.#direction[symbol] = direction;
    this.#bid[symbol] = bid + Math.imul(direction, step);
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
    for (let i = 0, at = HEADER_WORDS; i < this.#bid.length; i++, at += SYMBOL_WORDS) {
      words[at] = this.#bid[i];
      words[at + 1] = this.#spread[i];
      words[at + 2] = this.#direction[i];
      words[at + 3] = this.#tradeId[i];
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
      this.#bid[i] = Math.round(this.#startPoints[i] * (0.98 + (this.#draw() >>> 16) / 65_536 / 25));
      this.#spread[i] = this.#ordinarySpread[i];
      this.#direction[i] = this.#draw() < 0 ? -1 : 1;
      this.#tradeId[i] = this.#draw() >>> 4;
    }
    this.#nextSymbol = this.#zipf.at(this.#draw());
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
      this.#bid[i] = words[at];
      this.#spread[i] = words[at + 1];
      this.#direction[i] = words[at + 2];
      this.#tradeId[i] = words[at + 3];
    }
  }
}
