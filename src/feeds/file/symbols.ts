/**
 * The symbols of one tick file, and the digits that are learnt from their prices. Prices in files are often floats with
 * artefacts (1.1452499999999999): what lies beyond 15 significant digits is taken off. A number of decimals counts once
 * two rows with different prices have so many, as one row with more may be a fault; of a symbol with few rows one is enough.
 */
import { TickwireError } from '../../core/errors.js';
import { DIGITS_MAX } from '../../core/limits.js';

export interface FileSymbol {
  /** The name as the file gives it, suffixes and all. */
  readonly raw: string;
  /** Decimal digits of its prices so far; grows when later prices have more. */
  digits: number;
  /** The most decimals of a price so far; more than `digits`: of one row alone. Absent where digits are not learnt. */
  most?: number;
}

/** A symbol, and what its digits are learnt from. */
interface LearningSymbol extends FileSymbol {
  most: number;
  rows: number;
  /** Prices of the row that has `most` decimals: carried on to later rows they say nothing new. */
  witness: number[];
}

/** Significant digits that a float64 keeps of any decimal: what lies beyond them is an artefact. */
const SIGNIFICANT_DIGITS = 15;
/** Rows of a symbol up to which one with more decimals than the others is believed. */
const ROWS_FEW = 8;
/** Symbol indices are u16. */
const SYMBOLS_MAX = 65_536;
/** How far from a whole number of points a price may be, relative to it: float noise, not another digit. */
const NOISE = 1e-12;
const POWERS = Array.from({ length: DIGITS_MAX + 1 }, (_, d) => Number(`1e${d}`));

/** Decimals of a price, without artefacts of float64. */
function decimalsOf(value: number): number {
  const text = String(Number(Math.abs(value).toPrecision(SIGNIFICANT_DIGITS)));
  const exponent = text.indexOf('e-');
  const mantissa = exponent < 0 ? text : text.slice(0, exponent);
  const point = mantissa.indexOf('.');
  const decimals = point < 0 ? 0 : mantissa.length - point - 1;
  return Math.min(DIGITS_MAX, exponent < 0 ? decimals : decimals + Number(text.slice(exponent + 2)));
}

/** The float64 nearest to the decimal that the value means. */
export function roundTo(value: number, digits: number): number {
  const power = POWERS[digits];
  const points = value * power;
  return Math.abs(points) < 2 ** 52 ? Math.round(points) / power : value;
}

export class FileSymbols {
  readonly list: LearningSymbol[] = [];
  readonly #indexByRaw = new Map<string, number>();
  /** Of the row at hand: its decimals where they are more than the digits so far, and the prices that have them. */
  #decimals = 0;
  #prices: number[] = [];

  /**
   * @param fixedDigits digits that the user gave; without them they are learnt
   * @param negative whether prices may be zero or negative
   */
  constructor(
    readonly fixedDigits?: number,
    readonly negative = false,
  ) {}

  /** Index of a raw name, new or known. */
  index(raw: string): number {
    const known = this.#indexByRaw.get(raw);
    if (known !== undefined) return known;
    if (this.list.length === SYMBOLS_MAX) {
      throw new TickwireError('limit_exceeded', `A tick file has at most ${SYMBOLS_MAX} symbols. Split it.`);
    }
    this.list.push({ raw, digits: this.fixedDigits ?? 0, most: 0, rows: 0, witness: [] });
    this.#indexByRaw.set(raw, this.list.length - 1);
    return this.list.length - 1;
  }

  /**
   * A price without artefacts, or rounded to the digits that the user gave. Learns from it how many there are; `endRow`
   * follows.
   */
  price(index: number, value: number): number {
    if (this.fixedDigits !== undefined) return roundTo(value, this.fixedDigits);
    const symbol = this.list[index];
    const points = value * POWERS[symbol.digits];
    if (Math.abs(points - Math.round(points)) <= Math.abs(points) * NOISE)
      return roundTo(value, symbol.digits);
    const decimals = decimalsOf(value);
    if (!symbol.witness.includes(value)) {
      this.#decimals = Math.max(this.#decimals, decimals);
      this.#prices.push(value);
    }
    return roundTo(value, Math.max(symbol.digits, decimals));
  }

  /** Learns digits from how a price is written: a terminal prints trailing zeros too. */
  learnText(index: number, text: string, value: number): void {
    if (this.fixedDigits !== undefined || text.length > SIGNIFICANT_DIGITS) return;
    const point = text.indexOf('.');
    if (point < 0 || this.list[index].witness.includes(value)) return;
    this.#decimals = Math.max(this.#decimals, text.length - point - 1);
  }

  /** All prices of a row have been seen. */
  endRow(index: number): void {
    const symbol = this.list[index];
    symbol.rows++;
    if (this.#decimals > symbol.digits) {
      symbol.digits = Math.max(symbol.digits, Math.min(symbol.most, this.#decimals));
      if (this.#decimals > symbol.most) {
        symbol.most = this.#decimals;
        symbol.witness = this.#prices;
      }
    }
    this.#decimals = 0;
    if (this.#prices.length > 0) this.#prices = [];
  }

  /** Decides by what one row alone has shown so far. */
  settle(): void {
    for (const symbol of this.list) {
      if (symbol.rows <= ROWS_FEW) symbol.digits = Math.max(symbol.digits, symbol.most);
    }
  }
}
