import t from 'tap';
import { bi5Digits, parseBi5Name } from '../../../src/feeds/file/names.js';
import { readAll, write } from './scratch.js';

t.test('symbol, hour and digits follow from the name', async (t) => {
  const february = Date.UTC(2019, 1, 4, 9) / 1000;
  t.same(parseBi5Name('x/EURUSD_2019-01-04_09h_ticks.bi5'), { symbol: 'EURUSD', hourS: february });
  t.same(parseBi5Name('x/EURUSD/2019/01/04/09h_ticks.bi5'), { symbol: 'EURUSD', hourS: february });
  t.throws(() => parseBi5Name('x/ticks.bi5'), { code: 'bad_input' });
  t.same(['EURUSD', 'USDJPY', 'XAUUSD', 'BTCUSD'].map(bi5Digits), [5, 3, 3, 1]);
});

t.test('an hour without ticks is an empty file, and no error', async (t) => {
  const read = await readAll(write(t.testdir(), 'EURUSD_2019-01-04_09h_ticks.bi5', ''));
  t.same([read.entries.length, read.badRecords], [0, 0]);
  t.match(read.warnings, [/is empty/]);
});
