/**
 * The symbols of the synthetic market: currency pairs, metals, indices and coins first, then shares with
 * made-up tickers, as many as are asked for.
 */
export interface MarketSymbol {
  name: string;
  /** Decimal digits of its prices. */
  digits: number;
  /** Price at the start, in points (units of the last digit). */
  startPoints: number;
  /** Ordinary spread, in points. */
  spreadPoints: number;
  /** Decimal digits of its sizes, and the ordinary size in units of the last of them. */
  sizeDigits: number;
  sizeUnits: number;
}

/** Value of one unit of each currency in USD: cross rates follow from it. */
const USD_VALUE: Record<string, number> = {
  EUR: 1.0843,
  GBP: 1.2712,
  AUD: 0.6634,
  NZD: 0.6131,
  USD: 1,
  CAD: 0.7299,
  CHF: 1.1254,
  JPY: 0.006339,
  NOK: 0.0945,
  SEK: 0.0957,
  PLN: 0.2478,
  ZAR: 0.0547,
  MXN: 0.0544,
  TRY: 0.0307,
  SGD: 0.7402,
  HKD: 0.128,
};

/** name, price, digits, spread in points, size digits, ordinary size. */
type Row = [string, number, number, number, number, number];
const OTHERS: Row[] = [
  ['XAUUSD', 2331.45, 2, 14, 0, 90],
  ['XAGUSD', 29.612, 3, 18, 0, 900],
  ['BTCUSD', 65120.5, 2, 900, 4, 8200],
  ['ETHUSD', 3541.2, 2, 110, 3, 9400],
  ['US500', 5431.6, 1, 4, 1, 220],
  ['US30', 38604, 1, 18, 1, 140],
  ['USTEC', 19712.4, 1, 14, 1, 160],
  ['DE40', 18131.2, 1, 11, 1, 130],
  ['UK100', 8191.5, 1, 10, 1, 120],
  ['JP225', 38411, 0, 8, 0, 60],
  ['XPTUSD', 981.3, 2, 160, 0, 40],
  ['XBRUSD', 84.51, 2, 3, 0, 450],
  ['XTIUSD', 80.72, 2, 3, 0, 520],
  ['XNGUSD', 2.911, 3, 5, 0, 700],
  ['SOLUSD', 142.31, 2, 8, 2, 61_000],
  ['XRPUSD', 0.4931, 5, 18, 0, 52_000],
  ['ADAUSD', 0.3902, 5, 21, 0, 41_000],
  ['LTCUSD', 74.12, 2, 7, 2, 12_000],
];

/** The first `count` symbols of the market; the same ones for every seed. */
export function marketSymbols(count: number): MarketSymbol[] {
  const symbols: MarketSymbol[] = [];
  const pairs = currencyPairs();
  // Alternating keeps every class among the busiest symbols, whatever the count.
  for (let i = 0; i < Math.max(pairs.length, OTHERS.length); i++) {
    if (i < pairs.length) symbols.push(pairs[i]);
    if (i < OTHERS.length) symbols.push(fromRow(OTHERS[i]));
  }
  for (let i = 0; symbols.length < count; i++) symbols.push(share(i));
  return symbols.slice(0, count);
}

function fromRow([name, price, digits, spreadPoints, sizeDigits, sizeUnits]: Row): MarketSymbol {
  return { name, digits, startPoints: Math.round(price * 10 ** digits), spreadPoints, sizeDigits, sizeUnits };
}

function currencyPairs(): MarketSymbol[] {
  const currencies = Object.keys(USD_VALUE);
  const pairs: MarketSymbol[] = [];
  for (let base = 0; base < currencies.length; base++) {
    for (let quote = base + 1; quote < currencies.length; quote++) {
      const rate = USD_VALUE[currencies[base]] / USD_VALUE[currencies[quote]];
      const digits = rate > 20 ? 3 : 5;
      const isMajor = base < 8 && quote < 8;
      const spread = isMajor ? 6 + 2 * Math.abs(base - 2) : 60;
      pairs.push(
        fromRow([currencies[base] + currencies[quote], rate, digits, spread, 2, isMajor ? 24_000 : 5_000]),
      );
    }
  }
  // Pairs with the dollar are the busiest.
  return pairs.sort((a, b) => Number(b.name.includes('USD')) - Number(a.name.includes('USD')));
}

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const TICKER_LETTERS = 4;
const TICKERS = LETTERS.length ** TICKER_LETTERS;
/** Coprime to the number of tickers, so that every index gives another one. */
const TICKER_STEP = 177_787;

function share(index: number): MarketSymbol {
  let n = (20_011 + index * TICKER_STEP) % TICKERS;
  const start = 800 + ((index * 7919) % 41_000);
  let ticker = '';
  for (let i = 0; i < TICKER_LETTERS; i++) {
    ticker = LETTERS[n % LETTERS.length] + ticker;
    n = Math.floor(n / LETTERS.length);
  }
  return {
    name: `${ticker}.US`,
    digits: 2,
    startPoints: start,
    spreadPoints: 1 + Math.floor(start / 5000),
    sizeDigits: 0,
    sizeUnits: 400,
  };
}
