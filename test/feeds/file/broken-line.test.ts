import { gzipSync } from 'node:zlib';
import t from 'tap';
import { exportOf, readAll, write } from './scratch.js';

t.test('broken lines are logged with their number and counted; the rest continues', async (t) => {
  const lines = exportOf(3_000).split('\r\n');
  lines[1_000] = '2024.06.19\t06:16:39.000\t1.1x\t1.5\t\t\t6';
  lines[2_000] = '"garbage\u0000';
  lines[2_500] = '2024.06.19\t25:00:00.000\t1.1\t1.5\t\t\t6';
  const path = write(t.testdir(), 'EURUSD_x.csv', lines.join('\n'));
  const read = await readAll(path);
  t.equal(read.entries.length, 3_000, 'each keeps its place');
  t.same(
    read.entries.flatMap((entry, i) => (entry.kind === 0 ? [i] : [])),
    [999, 1_999, 2_499],
  );
  t.equal(read.badRecords, 3);
  t.match(read.warnings, [/line 1001 .*bid/, /line 2001 .*fields/, /line 2501 .*time/]);
});

t.test('a gzipped export that breaks off gives what was before the cut', async (t) => {
  const whole = gzipSync(exportOf(3_000));
  const folder = t.testdir();
  const uncut = await readAll(write(folder, 'EURUSD_a.csv.gz', whole));
  t.same([uncut.entries.length, uncut.badRecords], [3_000, 0]);
  const cut = await readAll(write(folder, 'EURUSD_b.csv.gz', whole.subarray(0, whole.length / 2)));
  t.equal(cut.badRecords, 1);
  t.ok(cut.entries.length > 500);
  t.same(cut.entries.slice(0, -1), uncut.entries.slice(0, cut.entries.length - 1));
});

t.test('a file without a header is refused with what to do', async (t) => {
  await t.rejects(readAll(write(t.testdir(), 'EURUSD_x.csv', 'a\tb\n1\t2\n')), {
    code: 'bad_input',
    message: /line 1 is not the header/,
  });
});
