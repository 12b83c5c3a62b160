/** The size of a trade is volume_real, or volume where brokers or old terminals leave the other at 0. */
import t from 'tap';
import { NO_SIZE } from '../../../src/core/tick.js';
import { readAll, write } from './scratch.js';

const MS = Date.UTC(2024, 5, 19, 6);

async function sizesOf(folder: string, header: string, rows: string[]): Promise<number[]> {
  const lines = [
    `time_msc,bid,ask,last,flags,${header}`,
    ...rows.map((row, i) => `${MS + i},1.1,1.2,1.15,24,${row}`),
  ];
  return (await readAll(write(folder, 'EURUSD_x.csv', lines.join('\n')))).entries.map(({ size }) => size);
}

t.test('volume 5 with volume_real 0 is 5', async (t) => {
  const sizes = await sizesOf(t.testdir(), 'volume,volume_real', [
    '5,0',
    '5,0.0',
    '2,2.5',
    '0,0',
    '0,0.25',
    '3,',
  ]);
  t.same(sizes, [5, 5, 2.5, NO_SIZE, 0.25, 3]);
});

t.test('either column alone gives the size', async (t) => {
  t.same(await sizesOf(t.testdir(), 'volume', ['5', '0', '']), [5, NO_SIZE, NO_SIZE]);
  t.same(await sizesOf(t.testdir(), 'volume_real', ['0.5', '', '0']), [0.5, 0.5, NO_SIZE]);
});
