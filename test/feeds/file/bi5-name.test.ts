import t from 'tap';
import { parseBi5Name } from '../../../src/feeds/file/names.js';
import { readAll, write } from './scratch.js';

t.test('symbol and hour follow from the name', async (t) => {
  const february = Date.UTC(2019, 1, 4, 9) / 1000;
  t.same(parseBi5Name('x/EURUSD_2019-01-04_09h_ticks.bi5'), { symbol: 'EURUSD', hourS: february });
  t.same(parseBi5Name('x/EURUSD/2019/01/04/09h_ticks.bi5'), { symbol: 'EURUSD', hourS: february });
  t.throws(() => parseBi5Name('x/ticks.bi5'), { code: 'bad_input' });
});

t.test('an hour without ticks is an empty file, and no error', async (t) => {
  const read = await readAll(write(t.testdir(), 'EURUSD_2019-01-04_09h_ticks.bi5', ''));
  t.same([read.entries.length, read.badRecords], [0, 0]);
  t.match(read.warnings, [/is empty/]);
});

t.test('an hour that no calendar has is refused, not taken over into the next', async (t) => {
  for (const name of [
    'EURUSD_2024-12-01_00h', // months count from 00
    'EURUSD_2024-01-30_00h', // 30 February
    'EURUSD_2023-01-29_00h', // no leap year
    'EURUSD_2024-03-31_00h', // 31 April
    'EURUSD_2024-00-00_00h',
    'EURUSD_2024-00-01_24h',
    'EURUSD/2024/12/01/00h',
    'EURUSD/2024/01/30/23h',
    'EURUSD/2024/00/01/24h',
  ]) {
    t.throws(
      () => parseBi5Name(`x/${name}_ticks.bi5`),
      { code: 'bad_input', message: /there is no hour/ },
      name,
    );
  }
  t.equal(parseBi5Name('x/EURUSD_2024-01-29_23h_ticks.bi5').hourS, Date.UTC(2024, 1, 29, 23) / 1000);
  t.equal(parseBi5Name('x/EURUSD/2024/11/31/23h_ticks.bi5').hourS, Date.UTC(2024, 11, 31, 23) / 1000);
});
