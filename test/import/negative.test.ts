/** Prices of zero and below are taken where an option says so, by imports and by the file feed. */
import { join } from 'node:path';
import t from 'tap';
import { createEngine } from '../../src/engine/engine.js';
import { readLogRegistry } from '../../src/replay/symbols.js';
import { run, temporaryFolder } from '../cli/support.js';
import { write } from '../feeds/file/scratch.js';
import { assertSums } from '../helpers/sums.js';
import { endOfFeed, fileOf, quotesOf, runImport } from './support.js';

const ROWS = ['-0.25\t-0.20', '0.00\t0.05', '-37.63\t-37.60', '0.10\t0.15'].map(
  (sides, i) => `2020.04.20\t18:30:00.00${i}\t${sides}\t\t\t6`,
);
const BIDS = [-0.25, 0, -37.63, 0.1];
const bidsOf = async (data: string) => (await quotesOf(data)).map((line) => Number(line.split(' ')[1]));

t.test('an import', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const file = write(folder, 'SPREAD_x.csv', fileOf(ROWS));
  const without = await runImport(data, [file]);
  t.same([without.ticks, without.files[0].bad.bad_price?.count], [1, 2], 'left out, and told');
  const done = await runImport(join(folder, 'other'), [file], { negative: true });
  t.same([done.ticks, done.files[0].bad], [4, {}]);
  t.same(await bidsOf(join(folder, 'other')), BIDS);

  await t.test('a later one without the option leaves the symbol as it is', async (t) => {
    const more = write(folder, 'SPREAD_y.csv', fileOf(['2020.04.21\t18:30:00.000\t0.5\t0.6\t\t\t6']));
    await runImport(join(folder, 'other'), [more]);
    const { symbols } = await readLogRegistry(join(folder, 'other'));
    t.match(
      symbols.find((symbol) => symbol?.name === 'SPREAD'),
      { negative: true },
    );
  });
});

t.test('the command', async (t) => {
  const cwd = temporaryFolder(t);
  const file = write(cwd, 'SPREAD_x.csv', fileOf(ROWS));
  const done = await run(t, ['import', '--data', 'data', '--negative', file], { cwd });
  t.equal(done.code, 0, done.stderr);
  t.same(await bidsOf(join(cwd, 'data')), BIDS);
});

t.test('the file feed', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const options = { path: write(folder, 'SPREAD_x.csv', fileOf(ROWS)), speed: 'max', negative: true };
  const logger = { info() {}, warn() {}, error() {} };
  const engine = await createEngine({
    feeds: [{ name: 'f', type: 'file', options }],
    dataFolder: data,
    http: false,
    logger,
  });
  const isEnded = endOfFeed(engine);
  await engine.start();
  await isEnded;
  await engine.stop();
  assertSums(t, engine.totals(), { logged: true });
  t.same(await bidsOf(data), BIDS);
});
