/** Files that are none do not keep the others from being imported, and are not noted as imported. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { listTickFiles } from '../../src/feeds/file/index.js';
import { importsOf } from '../../src/import/rivals.js';
import { run, temporaryFolder } from '../cli/support.js';
import { bi5FileOf } from '../feeds/file/bi5.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, quotesOf, runImport, START_MS } from './support.js';

const GOOD = fileOf(quotes(100, START_MS, 1_000, 110_000));

t.test('strays are named, the rest is taken', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const files = join(folder, 'files');
  mkdirSync(files);
  const hour = await bi5FileOf([[0, 110_003, 110_000]]);
  write(files, 'EURUSD_x.csv', GOOD);
  write(files, 'USDJPY_x.csv', 'a,b,c\n1,2,3\n');
  write(files, 'BID_candles_day_1.bi5', hour);
  write(files, 'EURUSD_2024-12-01_00h_ticks.bi5', hour);
  write(files, 'FOOBAR_2024-00-01_00h_ticks.bi5', hour);
  write(files, 'GBPUSD_2024-00-01_00h_ticks.bi5', hour);
  const done = await runImport(data, await listTickFiles(files));
  t.equal(done.ticks, 101);
  t.match(done.refused.map(({ why }) => why).sort(), [
    /BID_candles_day_1\.bi5: a bi5 file tells its symbol and hour by its name only/,
    /EURUSD_2024-12-01_00h_ticks\.bi5: there is no hour 00 of day 01 in month 12 of 2024/,
    /FOOBAR_2024-00-01_00h_ticks\.bi5: FOOBAR is not in the list/,
    /USDJPY_x\.csv: line 1 is not the header/,
  ]);
  const again = await runImport(data, await listTickFiles(files));
  t.same([again.hash, again.known.length, again.refused.length], [undefined, 2, 4], 'told each time');
  t.equal((await quotesOf(data)).length, 101);
});

t.test('a file of which no row can be used is no import', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const bad = [
    write(folder, 'EURUSD_a.csv', fileOf(['nonsense', 'more of it'])),
    write(folder, 'EURUSD_b.csv', fileOf(quotes(3, START_MS, 1_000, -110_000))),
    write(folder, 'EURUSD_2024-00-01_00h_ticks.bi5', 'no lzma at all'),
    write(folder, 'EURUSD_c.bin', 'too short'),
    write(folder, 'EURUSD_d.csv', fileOf(['2024.06.19\t06:00:00.000\t1.1\t\t\t\t2'])),
  ];
  for (const file of bad) {
    const done = await runImport(data, [file]);
    t.same([done.hash, done.ticks, done.refused.length], [undefined, 0, 1], file);
    t.ok(done.refused[0].why.startsWith(file), done.refused[0].why);
  }
  t.same(importsOf(data), []);
  const good = write(folder, 'EURUSD_x.csv', GOOD);
  const done = await runImport(data, [...bad.slice(0, 4), good]);
  t.equal(done.ticks, 100);
  t.equal(importsOf(data)[0].files.length, 1, 'only the good one is noted');
});

t.test('empty files are counted, and are no fault', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const empty = [
    write(folder, 'EURUSD_2024-00-06_00h_ticks.bi5', ''),
    write(folder, 'EURUSD_2024-00-06_01h_ticks.bi5', ''),
    write(folder, 'EURUSD_2024-00-06_02h_ticks.bi5', await bi5FileOf([])),
    write(folder, 'EURUSD_e.csv', fileOf([])),
  ];
  const alone = await runImport(data, empty);
  t.same([alone.hash, alone.empty, alone.refused], [undefined, empty, []]);
  const done = await runImport(data, [...empty, write(folder, 'EURUSD_x.csv', GOOD)]);
  t.same([done.ticks, done.empty.length], [100, 4]);
});

t.test('a symbol whose name is refused keeps no other out', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const long = 'X'.repeat(65);
  const good = write(folder, 'EURUSD_x.csv', GOOD);
  const named = write(folder, `${long}_x.csv`, GOOD);
  const rows = [long, 'GBPUSD', long].map((symbol, i) => `${START_MS + i},${symbol},1.1,1.2,6`);
  const mixed = write(folder, 'polled.csv', ['time_msc,symbol,bid,ask,flags', ...rows].join('\n'));
  const done = await runImport(data, [good, named, mixed]);
  t.same([done.ticks, done.nameless], [101, 102]);
  t.match(done.refusedNames, [{ name: long }]);
  t.match(done.refused, [{ file: named, why: /must have 1 to 64 bytes/ }]);
  t.equal((await quotesOf(data)).length, 101);
  t.equal(importsOf(data)[0].files.length, 2);
  const alone = await runImport(data, [named]);
  t.same([alone.hash, alone.refused.length], [undefined, 1]);
  const aliased = await runImport(data, [named], { aliases: { [long]: 'LONG' } });
  t.same([aliased.ticks, aliased.refused], [100, []], 'an alias helps');
});

t.test('the command names them, and ends with 1', async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  const good = write(cwd, 'EURUSD_x.csv', GOOD);
  const stray = write(cwd, 'USDJPY_x.csv', 'a,b,c\n');
  const empty = write(cwd, 'EURUSD_2024-00-06_00h_ticks.bi5', '');
  const some = await run(t, ['import', '--data', data, good, stray, empty], { cwd });
  t.equal(some.code, 1);
  t.match(some.stderr, /USDJPY_x\.csv: line 1 is not the header/);
  t.match(some.stderr, /Not imported: 1 file, named above\./);
  t.match(some.stderr, /as empty: 1 file, such as .*EURUSD_2024-00-06_00h_ticks\.bi5/);
  t.match(some.stderr, /Imported 100 ticks of 1 file on/);
  const none = await run(t, ['import', '--data', data, stray], { cwd });
  t.same([none.code, /Nothing new/.test(none.stderr)], [1, true]);
  const quiet = await run(t, ['import', '--data', data, empty, '--json'], { cwd });
  t.equal(quiet.code, 0);
  t.match(JSON.parse(quiet.stdout), { ticks: 0, empty: [empty], refused: [] });
  rmSync(data, { recursive: true });
  t.notOk(existsSync(data));
});

t.test('a path that names no tick file does not keep the others out', async (t) => {
  const folder = temporaryFolder(t);
  const data = join(folder, 'data');
  const other = join(folder, 'other');
  mkdirSync(other);
  write(other, 'notes.txt', 'no ticks');
  const good = write(folder, 'EURUSD_x.csv', GOOD);
  const both = await run(t, ['import', good, other, '--data', data]);
  t.equal(both.code, 1, both.stderr);
  t.match(both.stderr, /other: no tick file/);
  t.equal((await quotesOf(data)).length, 100, 'the file beside it is there');
  const none = await run(t, ['import', other, '--data', data]);
  t.equal(none.code, 1);
  t.match(none.stderr, /other: no tick file .* \[bad_input\]/);
});
