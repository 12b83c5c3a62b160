/** An import that is killed at any moment leaves the log whole: it is there, or it is not; and it can be repeated. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { importsFolder } from '../../src/import/coordinator.js';
import { run, start, temporaryFolder } from '../cli/support.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, quotesOf, runImport, START_MS, verify } from './support.js';

const ROWS = 30_000;
const KILLS = 4;

t.test('killed again and again, then let to its end', async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  const first = quotes(1_000, START_MS, 1_000, 150_000);
  await runImport(data, [write(cwd, 'GBPUSD_x.csv', fileOf(first))]);
  const eur = write(cwd, 'EURUSD_x.csv', fileOf(quotes(ROWS, START_MS, 20, 110_000)));
  const args = ['import', '--data', data, eur];
  const startedAt = performance.now();
  await run(t, ['import', '--data', join(cwd, 'other'), eur], { cwd });
  const wholeMs = performance.now() - startedAt;
  let listed = false;
  for (let n = 1; n <= KILLS; n++) {
    const running = start(t, args, { cwd });
    // Later each time: in its start, in reading, in building, in listing, as fast as this machine is.
    await Promise.race([running.ended, delay((wholeMs * (n + 1)) / (KILLS + 1))]);
    running.child.kill('SIGKILL');
    await running.ended;
    const checked = await verify(data);
    t.same([checked.damages, checked.catalog], [[], []]);
    const count = (await quotesOf(data)).length;
    t.ok(count === 1_000 || count === 1_000 + ROWS, `all or nothing: ${count}`);
    t.notOk(listed && count === 1_000, 'what is there stays');
    listed = count > 1_000;
  }
  const last = await run(t, args, { cwd });
  t.equal(last.code, 0, last.stderr);
  t.equal((await quotesOf(data)).length, 1_000 + ROWS);
  t.same(readdirSync(importsFolder(data)), [], 'nothing is left of the killed ones');
  const checked = await verify(data);
  t.same([checked.damages, checked.catalog], [[], []]);
});
