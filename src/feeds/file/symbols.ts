/**
 * The symbols of one tick file. Prices in files are often floats with artefacts (1.1452499999999999), so
 * the number of digits is learnt from the values, and every price is rounded to it.
 */
import { TickwireError } from '../../errors.js';
import { DIGITS_MAX } from '../../limits.js';

export interface FileSymbol {
  /** The name as the file gives it, suffixes and all. */
  readonly raw: string;
  /** Decimal digits of its prices so far; grows when a later price has more. */
  digits: number;
}

/** Significant digits that a float64 keeps of any decimal: what lies beyond them is an artefact. */
const SIGNIFICANT_DIGITS = 15;
/** Symbol indices are u16. */
const SYMBOLS_MAX = 65_536;
/** How far from a whole number of points a price may be, relative to it: float noise, not another digit. */
const NOISE = 1e-12;
const POWERS = Array.from({ length: DIGITS_MAX + 1 }, (_, d) => Number(`1e${d}`));

/** Decimals of a price, artefacts of float64 aside. */
function decimalsOf(value: number): number {
  const text = String(Number(Math.abs(value).toPrecision(SIGNIFICANT_DIGITS)));
  const exponent = text.indexOf('e-');
  const mantissa = exponent < 0 ? text : text.slice(0, exponent);
  const point = mantissa.indexOf('.');
  const decimals = point < 0 ? 0 : mantissa.length - point - 1;
  return Math.min(DIGITS_MAX, exponent < 0 ? decimals : decimals + Number(text.slice(exponent + 2)));
}

/** The float64 nearest to the decimal that the value stands for. */
export function roundTo(value: number, digits: number): number {
  const power = POWERS[digits];
  const points = value * power;
  return Math.abs(points) < 2 ** 52 ? Math.round(points) / power : value;
}

export class FileSymbols {
  readonly list: FileSymbol[] = [];
  readonly #indexByRaw = new Map<string, number>();

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
    this.list.push({ raw, digits: this.fixedDigits ?? 0 });
    this.#indexByRaw.set(raw, this.list.length - 1);
    return this.list.length - 1;
  }

  /** Rounds a price to the symbol's digits, after learning from it how many these are. */
  price(index: number, value: number): number {
    const symbol = this.list[index];
    if (this.fixedDigits === undefined) {
      const points = value * POWERS[symbol.digits];
      if (Math.abs(points - Math.round(points)) > Math.abs(points) * NOISE) {
        symbol.digits = Math.max(symbol.digits, decimalsOf(value));
      }
    }
    return roundTo(value, symbol.digits);
  }

  /** Learns digits from how a price is written: a terminal prints trailing zeros too. */
  learnText(index: number, text: string): void {
    if (this.fixedDigits !== undefined || text.length > SIGNIFICANT_DIGITS) return;
    const point = text.indexOf('.');
    if (point < 0) return;
    const symbol = this.list[index];
    symbol.digits = Math.max(symbol.digits, text.length - point - 1);
  }
}
