/** Days and times of tick files that no calendar has are bad rows, logged by line. */
import t from 'tap';
import { MqlTick, writeMqlTick } from '../../../src/feeds/mql/mql-tick.js';
import { EXPORT_HEADER, readAll, write } from './scratch.js';

const POLLED = 'time_msc,symbol,bid,ask,flags';
const MS = Date.UTC(2024, 5, 19, 6);

t.test('days of an export that do not exist', async (t) => {
  const dates = [
    '2024.13.45',
    '2024.02.30',
    '2023.02.29',
    '2024.00.10',
    '2024.06.00',
    '2024.04.31',
    '0024.06.19',
  ];
  const rows = [...dates, '2024.02.29', '2024-06-19'].map((date) => `${date}\t06:00:00.000\t1.1\t1.5\t\t\t6`);
  const read = await readAll(write(t.testdir(), 'EURUSD_x.csv', [EXPORT_HEADER, ...rows].join('\n')));
  t.equal(read.badRecords, dates.length);
  dates.forEach((date, i) => {
    t.match(
      read.warnings[i],
      new RegExp(`line ${i + 2} cannot be read: date "${date}": there is no such day`),
    );
  });
  const times = read.entries.filter(({ kind }) => kind !== 0).map(({ ms }) => ms);
  t.same(times, [Date.UTC(2024, 1, 29, 6), MS]);
});

t.test('times of day that do not exist', async (t) => {
  const rows = ['24:00:00.000', '06:60:00.000', '06:00:60.000', '06:00'].map(
    (time) => `2024.06.19\t${time}\t1.1\t1.5\t\t\t6`,
  );
  const read = await readAll(write(t.testdir(), 'EURUSD_x.csv', [EXPORT_HEADER, ...rows].join('\n')));
  t.equal(read.badRecords, rows.length);
  t.match(read.warnings, [/line 2 .*time/, /line 3 .*time/, /line 4 .*time/, /line 5 .*time/]);
});

t.test('time_msc in seconds is refused, not read as 1970', async (t) => {
  const lines = [POLLED, `${MS / 1000},EURUSD,1.1,1.2,6`, '0,EURUSD,1.1,1.2,6', `${MS},EURUSD,1.1,1.2,6`];
  const read = await readAll(write(t.testdir(), 'x.csv', lines.join('\n')));
  t.match(read.warnings, [
    /line 2 .*looks like seconds: multiply it by 1000/,
    /line 3 .*no time in milliseconds/,
  ]);
  t.same(
    read.entries.map(({ kind, ms }) => (kind === 0 ? null : ms)),
    [null, null, MS],
  );
});

t.test('the same in MqlTick files; without time_msc their seconds count', async (t) => {
  const bytes = Buffer.alloc(3 * 60);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const tick = Object.assign(new MqlTick(), { bid: 1.1, ask: 1.2, flags: 6, time: MS / 1000 });
  writeMqlTick(view, 0, Object.assign(tick, { timeMs: MS / 1000 }));
  writeMqlTick(view, 60, Object.assign(tick, { timeMs: 0 }));
  writeMqlTick(view, 120, Object.assign(tick, { timeMs: 0, time: 0 }));
  const read = await readAll(write(t.testdir(), 'EURUSD_x.bin', bytes));
  t.match(read.warnings, [/record 1 .*looks like seconds/, /record 3 .*no time in milliseconds/]);
  t.equal(read.entries[1].ms, MS);
});
