/** What the command tells of overlaps, and how it replaces and takes out. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { run, temporaryFolder } from '../cli/support.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, quotesOf, START_MS } from './support.js';

const ALL = quotes(150, START_MS, 500, 110_000);

t.test('a file that has grown', async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  const file = write(cwd, 'EURUSD_x.csv', fileOf(ALL.slice(0, 100)));
  const first = await run(t, ['import', file], { cwd });
  t.equal(first.code, 0, first.stderr);
  const [, content] = /\(content ([0-9a-f]{12})\)/.exec(first.stderr)!;
  writeFileSync(file, fileOf(ALL));
  const second = await run(t, ['import', file], { cwd });
  t.equal(second.code, 0);
  t.match(
    second.stderr,
    new RegExp(`from import ${content} of .* 100 are the same and were left out: --replace`),
  );
  t.match(second.stderr, /Imported 50 ticks of 1 file on/);
  const listed = await run(t, ['log', 'stat'], { cwd });
  t.match(listed.stdout, new RegExp(`Imports[^]*${content}`));
  const third = await run(t, ['import', '--replace', '--json', file], { cwd });
  t.match(JSON.parse(third.stdout), { ticks: 150, overlaps: [{ isReplaced: true }, { isReplaced: true }] });
  t.equal((await quotesOf(data)).length, 150);
  const { hash } = JSON.parse(third.stdout) as { hash: string };
  const out = await run(t, ['import', '--remove', hash.slice(0, 12)], { cwd });
  t.same([out.code, await quotesOf(data)], [0, []]);
  t.match(out.stderr, new RegExp(`Took import ${hash.slice(0, 12)} out of the log`));
  const stat = await run(t, ['log', 'stat'], { cwd });
  t.notMatch(stat.stdout, /Imports/, 'what was taken out is not listed');
  const none = await run(t, ['import', '--remove', content], { cwd });
  t.equal(none.code, 1);
  t.match(none.stderr, /There is no import .*"ticks log stat" lists them/);
});

t.test('wrong use is told', async (t) => {
  const cwd = temporaryFolder(t);
  for (const args of [['import'], ['import', 'x.csv', '--remove', 'abcd']]) {
    const wrong = await run(t, args, { cwd });
    t.equal(wrong.code, 2, wrong.stderr);
  }
});
