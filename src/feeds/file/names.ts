/**
 * What the name of a tick file says: its format, and symbol and hour where the content does not.
 */
import { basename } from 'node:path';
import { TickwireError } from '../../core/errors.js';
import { dayMs } from '../../core/time.js';

export type TickFormat = 'csv' | 'mqltick' | 'bi5';

/** The format that a file name means, or undefined when it is no tick file. */
export function formatOf(path: string): TickFormat | undefined {
  const name = basename(path).toLowerCase().replace(/\.gz$/, '');
  if (name.endsWith('.csv') || name.endsWith('.tsv')) return 'csv';
  if (name.endsWith('.bin')) return 'mqltick';
  if (name.endsWith('.bi5') && !basename(path).toLowerCase().endsWith('.gz')) return 'bi5';
  return undefined;
}

/** What file systems refuse of a symbol's name: each is written as %XX. */
const ESCAPED = '/\\%:*?"<>|';
/** What ends the symbol in a terminal's file name. */
const END = '_';

/** A symbol's name as part of a file name. */
export function fileNamePart(symbol: string): string {
  // A leading dot would hide the file, and mean another folder if nothing else followed.
  return Array.from(symbol, (c, i) => (ESCAPED.includes(c) || (c === '.' && i === 0) ? escaped(c) : c)).join(
    '',
  );
}

/** The same in front of what a terminal adds behind `_`: `symbolOfName` gives the symbol back. */
export function terminalNamePart(symbol: string): string {
  return fileNamePart(symbol).replaceAll(END, escaped(END));
}

function escaped(c: string): string {
  return `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Takes back what was escaped; any other `%` stays as it is. */
function unescaped(part: string): string {
  return part.replace(/%([0-9A-F]{2})/g, (text, hex: string, at: number) => {
    const c = String.fromCharCode(Number.parseInt(hex, 16));
    return ESCAPED.includes(c) || c === END || (c === '.' && at === 0) ? c : text;
  });
}

/** Symbol in a terminal's file name: `EURUSD.i_202406190501_….csv` is EURUSD.i, `BTC%2FUSD_….csv` is BTC/USD. */
export function symbolOfName(path: string): string {
  const name = basename(path).replace(/(\.(csv|tsv|bin))?(\.gz)?$/i, '');
  const end = name.indexOf(END);
  return unescaped(end <= 0 ? name : name.slice(0, end));
}

const HOURS = 24;
const HOUR_S = 3_600;

export interface Bi5Name {
  symbol: string;
  /** UNIX seconds, UTC, of the hour that the file covers. */
  hourS: number;
}

/**
 * Symbol and hour of a Dukascopy file: `EURUSD_2019-01-04_09h_ticks.bi5` or `EURUSD/2019/01/04/09h_ticks.bi5`.
 * Their months count from zero: both are of February 2019.
 * @throws TickwireError bad_input for any other name, and for an hour that no calendar has
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
  const [, symbol, ...digits] = match;
  const [year, month, day, hour] = digits.map(Number);
  const ms = hour < HOURS ? dayMs(year, month + 1, day) : Number.NaN;
  if (Number.isNaN(ms)) {
    throw new TickwireError(
      'bad_input',
      `${path}: there is no hour ${digits[3]} of day ${digits[2]} in month ${digits[1]} of ${year}. Months count from 00 ` +
        'to 11, hours from 00 to 23.',
    );
  }
  return { symbol, hourS: ms / 1000 + hour * HOUR_S };
}
