/** Ticks as lines of text: JSON objects (NDJSON), or CSV with a column for every field of every kind. */
import { flagsOf, NO_PRICE, type Records } from '../core/tick.js';
import { flagNames, toTick } from '../core/tick-record.js';
import { tickJson } from './json.js';

export const LINE_FORMATS = ['ndjson', 'csv'] as const;
export type LineFormatName = (typeof LINE_FORMATS)[number];

/** A tick: record `index` of `records`, with its full seq, epoch and shard. */
export interface PlacedTick {
  readonly records: Records;
  readonly index: number;
  readonly seq: number;
  readonly epoch: number;
  readonly shard: number;
}

/** The symbol of a tick. */
export interface LineSymbol {
  name: string;
  digits: number;
}

export interface LineFormat {
  /** The header line; undefined where the format has none. */
  header: string | undefined;
  /** @param isForSheet CSV only: escapes names that a spreadsheet would take for a formula */
  line(tick: PlacedTick, symbol: LineSymbol, isForSheet?: boolean): string;
}

const COLUMNS = [
  ...['epoch', 'shard', 'seq', 'symbol', 'symbolSeq', 'kind', 'tsEvent', 'tsRecv'],
  ...['bid', 'ask', 'bidSize', 'askSize', 'price', 'size', 'side', 'tradeId'],
  ...['code', 'args', 'reason', 'first', 'last', 'count', 'flags'],
];

export const LINES: Record<LineFormatName, LineFormat> = {
  ndjson: {
    header: undefined,
    line({ records, index, seq, epoch, shard }, symbol) {
      return `{"epoch":${epoch},"shard":${shard},${tickJson(records, index, seq, symbol.name).slice(1)}`;
    },
  },
  csv: { header: COLUMNS.join(','), line: csvLine },
};

/** Decimal text with the symbol's digits, or with more digits where the price needs them. */
export function priceText(price: number, digits: number): string {
  const text = price.toFixed(digits);
  return Number(text) === price ? text : String(price);
}

/**
 * A number in a column that may hold fractions, always with a decimal point. Some programs guess the type of a column
 * from its first rows: they would take integers there for the type of the column, and round later values.
 */
function fraction(value: number | null | undefined, digits: number): string {
  if (value === undefined || value === null || !Number.isFinite(value) || value === NO_PRICE) return '';
  const text = priceText(value, Math.max(1, digits));
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function csvLine(
  { records, index, seq, epoch, shard }: PlacedTick,
  { name, digits }: LineSymbol,
  isForSheet = false,
): string {
  const t = toTick(records, index);
  const flags = flagNames(flagsOf(records, index));
  const side = flags.includes('buy') ? 'buy' : flags.includes('sell') ? 'sell' : undefined;
  const symbol = quoted(isForSheet ? plainText(name) : name);
  const size = (value: number | null | undefined) => fraction(value, 1);
  const cells = [
    ...[epoch, shard, seq, symbol, t.symbolSeq, t.kind, t.tsEvent, t.tsRecv],
    ...[fraction(t.bid, digits), fraction(t.ask, digits), size(t.bidSize), size(t.askSize)],
    ...[fraction(t.price, digits), size(t.size), t.kind === 'trade' ? side : undefined, t.tradeId],
    ...[t.code, t.args?.join(' '), t.reason, t.first, t.last, t.count, flags.join(' ')],
  ];
  return cells.map((cell) => cell ?? '').join(',');
}

/** A CSV cell, in quotation marks where needed: a name may have a comma, a quotation mark or a line break. */
function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Puts an apostrophe before a name that a spreadsheet would take for a formula: the name is then text. */
function plainText(name: string): string {
  return /^[=+\-@\t\r]/.test(name) ? `'${name}` : name;
}
