/** Ticks as lines of text: JSON objects, or CSV with one column for each field of any kind. */
import { flagNames, flagsOf, type Records, toTick } from '../tick.js';
import { tickJson } from './json.js';

export const LINE_FORMATS = ['ndjson', 'csv'] as const;
export type LineFormatName = (typeof LINE_FORMATS)[number];

/** A tick where it stands: record `index` of `records`, and what names it. */
export interface PlacedTick {
  readonly records: Records;
  readonly index: number;
  readonly seq: number;
  readonly epoch: number;
  readonly shard: number;
}

export interface LineFormat {
  /** First line, where the format has one. */
  header: string | undefined;
  line(tick: PlacedTick, symbol: string): string;
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
      return `{"epoch":${epoch},"shard":${shard},${tickJson(records, index, seq, symbol).slice(1)}`;
    },
  },
  csv: { header: COLUMNS.join(','), line: csvLine },
};

function csvLine({ records, index, seq, epoch, shard }: PlacedTick, symbol: string): string {
  const t = toTick(records, index);
  const flags = flagNames(flagsOf(records, index));
  const side = flags.includes('buy') ? 'buy' : flags.includes('sell') ? 'sell' : undefined;
  const cells = [
    ...[epoch, shard, seq, quoted(symbol), t.symbolSeq, t.kind, t.tsEvent, t.tsRecv],
    ...[
      t.bid,
      t.ask,
      t.bidSize,
      t.askSize,
      t.price,
      t.size,
      t.kind === 'trade' ? side : undefined,
      t.tradeId,
    ],
    ...[t.code, t.args?.join(' '), t.reason, t.first, t.last, t.count, flags.join(' ')],
  ];
  return cells.map((cell) => cell ?? '').join(',');
}

/** A symbol name may hold a comma or a quotation mark. */
function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
