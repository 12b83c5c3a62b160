/**
 * What the name of a tick file tells: its format, and symbol and hour where the content does not.
 */
import { basename } from 'node:path';
import { TickwireError } from '../../errors.js';

export type TickFormat = 'csv' | 'mqltick' | 'bi5';

/** The format that a file name stands for, or undefined when it is no tick file. */
export function formatOf(path: string): TickFormat | undefined {
  const name = basename(path).toLowerCase().replace(/\.gz$/, '');
  if (name.endsWith('.csv') || name.endsWith('.tsv')) return 'csv';
  if (name.endsWith('.bin')) return 'mqltick';
  if (name.endsWith('.bi5') && !basename(path).toLowerCase().endsWith('.gz')) return 'bi5';
  return undefined;
}

/** Symbol in a terminal's file name: `EURUSD.i_202406190501_….csv` is EURUSD.i. */
export function symbolOfName(path: string): string {
  const name = basename(path).replace(/(\.(csv|tsv|bin))?(\.gz)?$/i, '');
  const end = name.indexOf('_');
  return end <= 0 ? name : name.slice(0, end);
}

export interface Bi5Name {
  symbol: string;
  /** UNIX seconds, UTC, of the hour that the file covers. */
  hourS: number;
}

/**
 * Symbol and hour of a Dukascopy file: `EURUSD_2019-01-04_09h_ticks.bi5` or `EURUSD/2019/01/04/09h_ticks.bi5`.
 * Their months count from zero: both are of February 2019.
 * @throws TickwireError bad_input for any other name
 */
export function parseBi5Name(path: string): Bi5Name {
  const match =
    /([^/\\]+)_(\d{4})-(\d\d)-(\d\d)_(\d\d)h_ticks\.bi5$/i.exec(path) ??
    /([^/\\]+)[/\\](\d{4})[/\\](\d\d)[/\\](\d\d)[/\\](\d\d)h_ticks\.bi5$/i.exec(path);
  if (match === null) {
    throw new TickwireError(
      'bad_input',
      `${path}: a bi5 file tells its symbol and hour by its name only. Name it SYMBOL_YYYY-MM-DD_HHh_ticks.bi5 ` +
        'or SYMBOL/YYYY/MM/DD/HHh_ticks.bi5, with the month counted from 00.',
    );
  }
  const [, symbol, year, month, day, hour] = match;
  const ms = Date.UTC(Number(year), Number(month), Number(day), Number(hour));
  return { symbol, hourS: ms / 1000 };
}

const CRYPTO = /^(BTC|ETH|LTC|BCH|XRP|ADA|SOL|DOT|XLM|UNI)/;

/** Digits of a Dukascopy symbol's integer prices; the file itself does not tell. */
export function bi5Digits(symbol: string): number {
  const name = symbol.toUpperCase();
  if (CRYPTO.test(name)) return 1;
  if (name.includes('JPY') || /^X(AU|AG|PT|PD)/.test(name)) return 3;
  return 5;
}
