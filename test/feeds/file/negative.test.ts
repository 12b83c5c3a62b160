/** Prices that may be zero or negative: spreads, rates, oil in April 2020. */
import t from 'tap';
import { NO_PRICE } from '../../../src/core/tick.js';
import { bi5FileOf } from './bi5.js';
import { EXPORT_HEADER, readAll, write } from './scratch.js';

t.test('bi5 prices are signed', async (t) => {
  const file = write(
    t.testdir(),
    'LIGHTCMDUSD_2020-03-20_18h_ticks.bi5',
    await bi5FileOf([[7, -37_600, -37_630]]),
  );
  const read = await readAll(file, { negative: true });
  t.match(read.entries, [{ bid: -37.63, ask: -37.6, ms: Date.UTC(2020, 3, 20, 18) + 7 }]);
});

t.test('a side of 0 is missing, unless prices may be 0 and the flags name it', async (t) => {
  const rows = ['-0.25\t0\t\t\t6', '-0.5\t\t\t\t2'].map((row, i) => `2024.06.19\t06:00:00.00${i}\t${row}`);
  const path = write(t.testdir(), 'SPREAD_x.csv', [EXPORT_HEADER, ...rows].join('\n'));
  const sides = async (negative: boolean) =>
    (await readAll(path, { negative })).entries.map(({ bid, ask }) => [bid, ask]);
  t.same(await sides(true), [
    [-0.25, 0],
    [-0.5, NO_PRICE],
  ]);
  t.same((await sides(false))[0], [-0.25, NO_PRICE]);
});
