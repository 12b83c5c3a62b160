/** Imports into a folder that nobody else uses: by content, in the order of time, whole or not at all. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { importsFolder } from '../../src/import/coordinator.js';
import { openLog } from '../../src/log/write/open-log.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, quotesOf, runImport, START_MS, verify } from './support.js';

const ROWS = 4_000;
const EUR = quotes(ROWS, START_MS, 40, 110_000);
const GBP = quotes(ROWS, START_MS + 13, 30, 125_000);

function lineOf(symbol: string, line: string): { text: string; ms: number } {
  const [date, time, bid] = line.split('\t');
  const ms = Date.parse(`${date.replaceAll('.', '-')}T${time}Z`);
  return { text: `${symbol} ${Number(bid)} ${ms}`, ms };
}
const WANTED = [...EUR.map((l) => lineOf('EURUSD', l)), ...GBP.map((l) => lineOf('GBPUSD', l))]
  .sort((a, b) => a.ms - b.ms)
  .map(({ text }) => text);

t.test('two files are merged by time, over midnight, and read back', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const eur = write(folder, 'EURUSD_x.csv', fileOf(EUR));
  // Out of order as a whole: the second half first.
  const gbp = write(folder, 'GBPUSD.i_x.csv', fileOf([...GBP.slice(ROWS / 2), ...GBP.slice(0, ROWS / 2)]));
  const aliases = { 'GBPUSD.i': 'GBPUSD' };
  const done = await runImport(data, [eur, gbp], { aliases });
  t.equal(done.ticks, 2 * ROWS);
  t.same(done.days, ['2024-06-18', '2024-06-19']);
  t.same(await quotesOf(data), WANTED);
  const checked = await verify(data);
  t.same([checked.damages, checked.catalog, checked.ticks], [[], [], 2 * ROWS + 2], 'with two definitions');
  t.same(readdirSync(importsFolder(data)), [], 'nothing is left of the staging');

  await t.test('the same again changes nothing, in whatever order and place', async (t) => {
    const again = write(folder, 'EURUSD_other.csv', fileOf(EUR));
    const second = await runImport(data, [gbp, again], { aliases });
    t.same([second.hash, second.ticks, second.known], [undefined, 0, [gbp, again]]);
    t.same(await quotesOf(data), WANTED);
  });

  await t.test('beside files that are known, only the new ones count', async (t) => {
    const more = write(folder, 'USDJPY_x.csv', fileOf(quotes(10, START_MS, 1000, 15_000_000)));
    const third = await runImport(data, [eur, more, gbp], { aliases });
    t.same([third.ticks, third.known], [10, [eur, gbp]]);
    t.equal((await quotesOf(data)).length, 2 * ROWS + 10);
  });

  await t.test('live epochs go on as if there were no imports', async (t) => {
    for (const epoch of [1, 2]) {
      const opened = await openLog(data, { shards: 1 });
      t.equal(opened.epoch, epoch);
      await opened.close();
    }
    t.equal((await quotesOf(data)).length, 2 * ROWS + 10);
  });

  await t.test('a place in an import is a range of that import alone', async (t) => {
    const epoch = done.epoch!;
    const some = await quotesOf(data, {
      from: { kind: 'seq', epoch, seqs: [101] },
      to: { kind: 'seq', epoch, seqs: [200] },
    });
    t.same(some, WANTED.slice(98, 198), 'two definitions come before');
  });

  await t.test('a range of time has the ticks of that time, of all imports', async (t) => {
    const from = { kind: 'time', seconds: START_MS / 1000 + 60, nanos: 0 } as const;
    const to = { ...from, seconds: from.seconds + 30 };
    const wanted = WANTED.filter((line) => {
      const ms = Number(line.split(' ')[2]);
      return ms >= from.seconds * 1000 && ms < to.seconds * 1000;
    });
    t.same(await quotesOf(data, { from, to }), wanted);
  });
});

t.test('rows that cannot be used are counted by reason, and told by line', async (t) => {
  const folder = t.testdir();
  const lines = quotes(20, START_MS, 1000, 110_000);
  lines[4] = 'nonsense';
  lines[9] = lines[9].replace('\t1.10009\t', '\t-1.10009\t');
  lines[12] = '';
  lines[14] = lines[14].replace('\t1.10014\t', '\t-1.10014\t');
  const done = await runImport(join(folder, 'data'), [write(folder, 'EURUSD_x.csv', fileOf(lines))]);
  t.equal(done.ticks, 16);
  const { bad } = done.files[0];
  t.equal(bad.bad_record?.count, 1);
  t.match(bad.bad_record?.samples[0], { where: 'line 6', why: /1 fields instead of 7/ });
  t.equal(bad.bad_price?.count, 2);
  const told = bad.bad_price?.samples.map(({ where }) => where);
  t.same(told, ['line 11', 'line 16'], 'blank lines are lines too');
});

t.test('an import that is stopped, or was killed, leaves the log as it was', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const eur = write(folder, 'EURUSD_x.csv', fileOf(EUR));
  const abort = new AbortController();
  abort.abort();
  await t.rejects(runImport(data, [eur], {}, abort.signal), { code: 'unsupported', message: /stopped/ });
  t.same(readdirSync(importsFolder(data)), []);
  const left = join(importsFolder(data), '4000000-dead');
  mkdirSync(join(left, 'runs'), { recursive: true });
  writeFileSync(join(left, 'runs', '0-0'), 'half');
  const done = await runImport(data, [eur]);
  t.equal(done.ticks, ROWS);
  t.same(readdirSync(importsFolder(data)), [], 'what a dead one left is gone');
});
