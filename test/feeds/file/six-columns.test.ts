/** Some terminals export no flags: then the fields that are stated decide what a line is. */
import t from 'tap';
import { readAll, write } from './scratch.js';

const HEADER = '<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>';

function lines(rows: string[][]): string {
  return [HEADER, ...rows.map((row, i) => [`2024.06.19`, `06:00:00.00${i}`, ...row].join('\t'))].join('\r\n');
}
const kindsOf = async (folder: string, rows: string[][]) =>
  (await readAll(write(folder, 'EURUSD_x.csv', lines(rows)))).entries.map(({ kind }) => kind);

t.test('blank fields are unchanged: what is stated is what changed', async (t) => {
  const rows = [
    ['1.10000', '1.10020', '', ''],
    ['', '1.10030', '', ''],
    ['', '', '1.10020', '2.5'],
    ['', '', '1.10020', '2.5'],
    ['1.10010', '', '1.10020', ''],
  ];
  const read = await readAll(write(t.testdir(), 'EURUSD_x.csv', lines(rows)));
  t.equal(read.badRecords, 0);
  t.same(
    read.entries.map(({ kind }) => kind),
    [1, 1, 2, 2, 3],
    'quote, quote, trade, the same trade again, both',
  );
  t.match(read.entries[1], { bid: 1.1, ask: 1.1003 });
  t.match(read.entries[3], { price: 1.1002, size: 2.5 });
});

t.test('where every field is stated, a quote does not repeat the last trade', async (t) => {
  const rows = [
    ['1.10000', '1.10020', '1.10010', '2'],
    ['1.10001', '1.10020', '1.10010', '2'],
    ['1.10001', '1.10020', '1.10020', '1'],
    ['1.10001', '1.10020', '1.10020', '1'],
  ];
  t.same(await kindsOf(t.testdir(), rows), [3, 1, 2, 3], 'nothing differs: the tick is repeated');
  const fx = [
    ['1.10000', '1.10020', '0', '0'],
    ['1.10001', '1.10020', '0', '0'],
  ];
  t.same(await kindsOf(t.testdir(), fx), [1, 1]);
});
