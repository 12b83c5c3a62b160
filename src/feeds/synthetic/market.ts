/**
 * A seeded market: random walks on a grid of points, spreads that breathe, trades at the touch, clustered
 * arrivals. The same options give the same ticks, bit for bit, on every machine.
 *
 * All that changes goes into one float64 array, to be committed with the ticks and gone on from:
 *
 * ```
 * 0 format │ 1 symbols │ 2 seed │ 3, 4 random words (i32) │ 5 time s │ 6 time ns │ 7 symbol of the next tick
 * 8 symbol of the burst │ 9 ticks left of it │ 10 index of the pace │ 11 ticks left of it │ 12..15 0
 * then by symbol: bid (points), spread (points), direction of the last move, last trade id
 * ```
 *
 * What is drawn at random is looked up in tables instead of branched on: a mispredicted branch costs more
 * than the rest of a tick's arithmetic.
 */
import { TickwireError } from '../../errors.js';
import { Flag, Kind, type Records, writeHeader, writeQuote, writeTimes, writeTrade } from '../../tick.js';
import { GAP_STEPS, gapTable, ZipfTable } from './activity.js';
import { type MarketSymbol, marketSymbols } from './universe.js';

export interface MarketOptions {
  /** How many symbols; 1 to 65,535. */
  symbols: number;
  /** Share of trades among the ticks, 0 to 1. */
  tradeShare: number;
  /** Integer that the whole market follows from. */
  seed: number;
  /** Event time of the market's start, UNIX seconds. */
  startS: number;
  /** Ticks per second of event time, on average, about. */
  ticksPerSecond: number;
}

/** The market that benchmarks and tests speak of. */
export const STANDARD_MARKET: Readonly<MarketOptions> = Object.freeze({
  symbols: 500,
  tradeShare: 0.05,
  seed: 1,
  startS: 1_718_776_800,
  ticksPerSecond: 20_000,
});

const FORMAT = 1;
const HEADER_WORDS = 16;
const SYMBOL_WORDS = 4;
const ZIPF_EXPONENT = 0.9;
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
const BREATH = [
  Int8Array.of(1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1),
  Int8Array.of(1, 1, 1, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1),
];

// Words of `Market.tick`; the last four are those of a record.
export const TICK_KIND_FLAGS = 0;
export const TICK_SYMBOL = 1;
export const TICK_EVENT_S = 2;
export const TICK_EVENT_NS = 3;

/** float64 words of a market's state. */
export function marketStateWords(symbols: number): number {
  return HEADER_WORDS + symbols * SYMBOL_WORDS;
}

export class Market {
  readonly symbols: readonly MarketSymbol[];
  /**
   * The last tick: kind and flags, symbol index, event s, event ns, then bid, ask, bidSize, askSize of a
   * quote, or price, 0, size, tradeId of a trade.
   */
  readonly tick = new Float64Array(8);
  /** Index of the symbol that the next tick is of, known before it is made. */
  nextSymbol = 0;
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
    this.#zipf = new ZipfTable(count, ZIPF_EXPONENT);
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
    if (state === undefined) this.#begin();
    else this.#restore(state);
  }

  /** Makes the next tick, in `tick`. */
  next(): void {
    const t = this.tick;
    const symbol = this.nextSymbol;
    // Two steps of xoroshiro64 give four random words: each half of its state, multiplied.
    const r = this.#random;
    let a = r[0];
    let b = r[1];
    const timing = scramble(a);
    const market = scramble(b);
    b ^= a;
    a = rotated(a, 26) ^ b ^ (b << 9);
    b = rotated(b, 13);
    const sizes = scramble(a);
    const choice = scramble(b);
    b ^= a;
    r[0] = rotated(a, 26) ^ b ^ (b << 9);
    r[1] = rotated(b, 13);
    const inBurst = this.#burstLeft > 0;
    this.#advance(timing, inBurst);
    const power = this.#pricePower[symbol];
    const sizePower = this.#sizePower[symbol];
    const units = this.#sizeUnits[symbol];
    t[TICK_SYMBOL] = symbol;
    t[TICK_EVENT_S] = this.#time[0];
    t[TICK_EVENT_NS] = this.#time[1];
    if ((market & 0xffff) < this.#tradeChance) {
      const isBuy = (market & 0x30000) === 0 ? this.#direction[symbol] < 0 : this.#direction[symbol] > 0;
      // Ids of a venue count its trades of all its feeds, so here and there some are missing.
      this.#tradeId[symbol] += (market & 0xc0000) === 0 ? 1 + ((market >>> 20) & 7) : 1;
      t[TICK_KIND_FLAGS] = Kind.trade | (isBuy ? Flag.buy : Flag.sell);
      t[4] = (isBuy ? this.#bid[symbol] + this.#spread[symbol] : this.#bid[symbol]) / power;
      t[5] = 0;
      t[6] = skewed(sizes, units) / sizePower;
      t[7] = this.#tradeId[symbol];
    } else {
      this.#move(symbol, market, inBurst);
      t[TICK_KIND_FLAGS] = Kind.quote;
      t[4] = this.#bid[symbol] / power;
      t[5] = (this.#bid[symbol] + this.#spread[symbol]) / power;
      t[6] = skewed(sizes, units) / sizePower;
      t[7] = skewed(Math.imul(sizes, 0x2c1b3c6d), units) / sizePower;
    }
    this.#chooseNext(symbol, timing, choice, inBurst);
  }

  /**
   * Writes the next ticks as records, with tsRecv equal to tsEvent.
   * @param ids symbol ids by symbol index; default: index + 1
   */
  fill(records: Records, from: number, count: number, ids?: Uint32Array, sourceId = 1): void {
    const t = this.tick;
    for (let i = from; i < from + count; i++) {
      this.next();
      const symbol = t[TICK_SYMBOL];
      const kind = t[TICK_KIND_FLAGS];
      writeHeader(records, i, ids === undefined ? symbol + 1 : ids[symbol], kind, sourceId, 0, 0);
      writeTimes(records, i, t[TICK_EVENT_S], t[TICK_EVENT_NS], t[TICK_EVENT_S], t[TICK_EVENT_NS]);
      if ((kind & Kind.trade) !== 0) writeTrade(records, i, t[4], t[6], t[7]);
      else writeQuote(records, i, t[4], t[5], t[6], t[7]);
    }
  }

  /** Writes all that a market needs to go on from here: `marketStateWords` words. */
  save(words: Float64Array): void {
    words[0] = FORMAT;
    words[1] = this.options.symbols;
    words[2] = this.options.seed;
    words[3] = this.#random[0];
    words[4] = this.#random[1];
    words[5] = this.#time[0];
    words[6] = this.#time[1];
    words[7] = this.nextSymbol;
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

  /** Moves the clock by a gap: 24 random bits for its length. */
  #advance(random: number, inBurst: boolean): void {
    if (--this.#paceLeft < 0) {
      this.#pace = random & (PACES.length - 1);
      this.#paceLeft = 2_048 + ((random >>> 3) & 0x3fff);
    }
    const gaps = this.#gaps;
    const step = (random >>> 8) & (GAP_STEPS - 1);
    const low = gaps[step];
    const gap = low + (gaps[step + 1] - low) * ((random >>> 16) / 65_536);
    const ns = this.#time[1] + 1 + Math.floor(gap * PACES[this.#pace] * (inBurst ? BURST_GAP : 1));
    const carry = ns >= SECOND_NS ? Math.floor(ns / SECOND_NS) : 0;
    this.#time[0] += carry;
    this.#time[1] = ns - carry * SECOND_NS;
  }

  /** Moves bid and spread of a symbol by some points; outside bursts every other quote changes sizes only. */
  #move(symbol: number, random: number, inBurst: boolean): void {
    const spread = this.#spread[symbol];
    const isWide = (this.#ordinarySpread[symbol] - spread) >>> 31;
    const breath = BREATH[isWide][(random >>> 16) & 0xf];
    this.#spread[symbol] = Math.max(0, spread + breath);
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

  /** Draws the symbol of the tick after this one. */
  #chooseNext(symbol: number, timing: number, random: number, inBurst: boolean): void {
    if (inBurst) {
      this.#burstLeft--;
    } else if ((timing & 0xff) < BURST_CHANCE) {
      this.#burstSymbol = symbol;
      this.#burstLeft = 8 + ((timing >>> 8) & 0x7f);
    }
    const drawn = this.#zipf.at(random);
    this.nextSymbol = this.#burstLeft > 0 && (random & 3) !== 0 ? this.#burstSymbol : drawn;
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
    this.nextSymbol = this.#zipf.at(this.#draw());
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
    this.nextSymbol = words[7];
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

function rotated(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/** The output function of xoroshiro64**: 32 random bits, as a signed integer. */
function scramble(x: number): number {
  return Math.imul(rotated(Math.imul(x, 0x9e3779bb), 5), 5);
}

/** A size in units: the product of two uniform draws, so that small ones are many and large ones few. */
function skewed(random: number, units: number): number {
  return (1 + (((random >>> 16) * (random & 0xffff)) / 2 ** 30) * units) | 0;
}

/** Spreads the bits of a seed (the finalizer of MurmurHash3). */
function mix(x: number): number {
  let h = x ^ 0x9e3779b9;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
