/** One faulty row of an import raises no digits, and is kept as it stands; digits that are known stay. */
import { join } from 'node:path';
import t from 'tap';
import { readLogRegistry } from '../../src/replay/symbols.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, quotesOf, runImport, START_MS } from './support.js';

t.test('a row with more decimals among others', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const rows = quotes(3_000, START_MS, 1, 114_000);
  rows[1_500] = rows[1_500].replace('1.15500', '1.15500123');
  const done = await runImport(data, [write(folder, 'EURUSD_x.csv', fileOf(rows))]);
  t.same([done.ticks, done.files[0].bad], [3_000, {}]);
  const digits = async () => {
    const { symbols } = await readLogRegistry(data);
    return symbols.map((symbol) => [symbol?.name, symbol?.digits, symbol?.version])[1];
  };
  t.same(await digits(), ['EURUSD', 5, 1]);
  t.equal((await quotesOf(data))[1_500], `EURUSD 1.15500123 ${START_MS + 1_500}`);
  rows.push(...quotes(10, START_MS + 3_000, 1, 117_000));
  const grown = await runImport(data, [write(folder, 'EURUSD_z.csv', fileOf(rows))]);
  t.same(
    [grown.ticks, grown.overlaps[0].doubles],
    [10, 3_000],
    'the row is known again in a file that has grown',
  );
  const coarse = quotes(50, START_MS + 86_400_000, 1, 114_000).map((row) =>
    row.replaceAll(/(1\.\d{3})\d\d/g, '$1'),
  );
  await runImport(data, [write(folder, 'EURUSD_y.csv', fileOf(coarse))], { digits: 3 });
  t.same(await digits(), ['EURUSD', 5, 1], 'an import lowers none');
});
