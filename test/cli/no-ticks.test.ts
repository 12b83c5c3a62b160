/** A command that finds nothing says so, and what to do. */
import { join } from 'node:path';
import t from 'tap';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, runImport, START_MS } from '../import/support.js';
import { lastingPort, run, temporaryFolder } from './support.js';

t.test('a range without ticks', async (t) => {
  const cwd = temporaryFolder(t);
  await runImport(join(cwd, 'data'), [write(cwd, 'EURUSD_x.csv', fileOf(quotes(10, START_MS, 10, 110_000)))]);
  for (const args of [
    ['export', '--symbols', 'eurusd'],
    ['replay', '--symbols', 'eurusd'],
    ['replay', '--from', '2100-01-01'],
  ]) {
    const { code, stderr } = await run(t, args, { cwd });
    t.equal(code, 0, args.join(' '));
    t.match(stderr, /The log has no such ticks: "ticks log stat" lists its symbols/, args.join(' '));
  }
  const { stderr } = await run(t, ['replay', '--symbols', 'EURUSD'], { cwd });
  t.equal(stderr, '', 'nothing is said where there are ticks');
});

t.test('an address where no server answers', async (t) => {
  const url = `ws://127.0.0.1:${await lastingPort()}/v1/stream`;
  const { code, stderr } = await run(t, ['tail', '--url', url]);
  t.equal(code, 1);
  t.match(stderr, /start one by "ticks serve", or name another by --url/);
});
