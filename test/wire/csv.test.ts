/** CSV for programs that guess types: a column of fractions never looks like a column of integers. */
import t from 'tap';
import {
  Kind,
  NO_SIZE,
  NO_TRADE_ID,
  Records,
  writeHeader,
  writeQuote,
  writeTimes,
  writeTrade,
} from '../../src/core/tick.js';
import { LINES } from '../../src/wire/lines.js';

const COLUMNS = LINES.csv.header!.split(',');

function placed(write: (records: Records) => void, kind: number = Kind.quote) {
  const records = Records.allocate(1);
  writeHeader(records, 0, 1, kind, 1, 1, 1);
  writeTimes(records, 0, 1_718_784_000, 0, 1_718_784_000, 0);
  write(records);
  return { records, index: 0, seq: 1, epoch: 1, shard: 0 };
}

function quote(bid: number, ask: number, bidSize = NO_SIZE, askSize = NO_SIZE) {
  return placed((records) => writeQuote(records, 0, bid, ask, bidSize, askSize));
}

/** The text of a column. */
function cell(line: string, column: string): string {
  return line.split(',')[COLUMNS.indexOf(column)];
}

t.test('prices have the digits of their symbol', async (t) => {
  const line = (price: number, digits: number) =>
    cell(LINES.csv.line(quote(price, price), { name: 'BTCUSD', digits }), 'bid');
  t.equal(line(70_000, 2), '70000.00');
  t.equal(line(70_000.5, 2), '70000.50');
  t.equal(line(-37.63, 2), '-37.63');
  t.equal(line(1.1, 5), '1.10000');
  t.equal(line(1.123456, 5), '1.123456', 'a price that has more says all of them');
  t.equal(line(5_300, 0), '5300.0', 'one without digits does not look like an integer either');
  t.equal(line(0, 0), '0.0');
  t.equal(line(1e22, 2), '1e+22');
  const trade = placed((r) => writeTrade(r, 0, 70_000, 3, NO_TRADE_ID), Kind.trade);
  t.equal(cell(LINES.csv.line(trade, { name: 'BTCUSD', digits: 2 }), 'price'), '70000.00');
  t.equal(cell(LINES.csv.line(trade, { name: 'BTCUSD', digits: 2 }), 'tradeId'), '');
});

t.test('sizes have a decimal point, and an unknown value is an empty cell', async (t) => {
  const line = LINES.csv.line(quote(1.1, Number.NaN, 5, 0.25), { name: 'EURUSD', digits: 5 });
  t.equal(cell(line, 'bidSize'), '5.0');
  t.equal(cell(line, 'askSize'), '0.25');
  t.equal(cell(line, 'ask'), '');
  const unknown = LINES.csv.line(quote(1.1, 1.2), { name: 'EURUSD', digits: 5 });
  t.equal(cell(unknown, 'bidSize'), '');
  const trade = placed((r) => writeTrade(r, 0, 1, 1_000_000, 7), Kind.trade);
  t.equal(cell(LINES.csv.line(trade, { name: 'EURUSD', digits: 5 }), 'size'), '1000000.0');
});

t.test('names: unchanged, or as plain text for a spreadsheet', async (t) => {
  const name = (text: string, isForSheet: boolean) => {
    const line = LINES.csv.line(quote(1.1, 1.2), { name: text, digits: 5 }, isForSheet);
    return /^1,0,1,(.*),1,quote,/s.exec(line)![1];
  };
  for (const text of ['=1+1', '+A', '-A', '@SUM(A1)']) {
    t.equal(name(text, false), text);
    t.equal(name(text, true), `'${text}`);
  }
  t.equal(name('=HYPERLINK("x","y")', true), `"'=HYPERLINK(""x"",""y"")"`);
  t.equal(name('EURUSD', true), 'EURUSD');
  t.equal(name('a\rb', false), '"a\rb"', 'a carriage return ends no line');
});
