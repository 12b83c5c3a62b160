import t from 'tap';
import { Flag, NO_PRICE, NO_SIZE } from '../../../src/core/tick.js';
import { EXPORT_HEADER, readAll, write } from './scratch.js';

const ROWS = [
  EXPORT_HEADER,
  '2024.06.19\t06:00:00.001\t1.10000\t\t\t\t2',
  '2024.06.19\t06:00:00.002\t\t1.1002\t\t\t4',
  '2024.06.19\t06:00:00.002\t\t\t1.10015\t2.5\t56',
  '2024.06.19\t06:00:00.003\t1.1001\t\t1.10020\t\t90',
  '2024.06.19\t06:00:00.004\t1.100105\t\t\t\t98',
];

t.test('blank fields repeat the last value; quotes and trades are distinguished', async (t) => {
  const read = await readAll(write(t.testdir(), 'EURUSD.i_202406190600_x.csv', ROWS.join('\n')));
  t.equal(read.badRecords, 0);
  const ms = Date.UTC(2024, 5, 19, 6);
  t.same(read.entries.slice(0, 4), [
    {
      raw: 'EURUSD.i',
      kind: 1,
      flags: 0,
      ms: ms + 1,
      bid: 1.1,
      ask: NO_PRICE,
      price: NO_PRICE,
      size: NO_SIZE,
    },
    { raw: 'EURUSD.i', kind: 1, flags: 0, ms: ms + 2, bid: 1.1, ask: 1.1002, price: NO_PRICE, size: NO_SIZE },
    {
      raw: 'EURUSD.i',
      kind: 2,
      flags: Flag.buy,
      ms: ms + 2,
      bid: 1.1,
      ask: 1.1002,
      price: 1.10015,
      size: 2.5,
    },
    {
      raw: 'EURUSD.i',
      kind: 3,
      flags: Flag.sell,
      ms: ms + 3,
      bid: 1.1001,
      ask: 1.1002,
      price: 1.1002,
      size: 2.5,
    },
  ]);
  t.equal(read.entries[4].kind, 3, 'a quote that carries a trade without a known side');
  t.equal(read.entries[4].flags, 0);
  t.equal(read.entries[4].bid, 1.100105);
  t.same(read.digits, [6], 'a later price with more digits redefines the symbol');
});

t.test('the wall clock is converted by the rule of the server', async (t) => {
  const path = write(t.testdir(), 'EURUSD_x.csv', ROWS.join('\n'));
  const athens = await readAll(path, { zone: 'Europe/Athens', digits: 3, symbol: 'EUR' });
  t.equal(athens.entries[0].ms, Date.UTC(2024, 5, 19, 3, 0, 0, 1));
  t.same([athens.entries[4].raw, athens.entries[4].bid], ['EUR', 1.1]);
});
