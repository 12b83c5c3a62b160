/** A name that is written into a file name comes back when the file is imported. */
import { join } from 'node:path';
import t from 'tap';
import { mt5FileName } from '../../src/export/names.js';
import { bySymbol } from '../../src/export/plan.js';
import { exportToFiles } from '../../src/export/run.js';
import { fileNamePart, symbolOfName } from '../../src/feeds/file/names.js';
import { readLogRegistry } from '../../src/replay/symbols.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, quotesOf, runImport, START_MS } from '../import/support.js';

const NAMES = [
  'BTC/USD',
  '.US30',
  'EUR_USD',
  '_X',
  'A%2FB',
  'A%B',
  'a:b',
  'WHAT?',
  'x\\y',
  '<DE>|"30"',
  '..',
  'US30.cash',
  'x.csv',
  'x.gz',
  'GBPUSD',
];

t.test('names of files give the symbols back', async (t) => {
  const times = { firstMs: START_MS, lastMs: START_MS + 60_000 };
  for (const name of NAMES) {
    const file = mt5FileName(name, times);
    t.match(file, /^[^/\\:*?"<>|.][^/\\:*?"<>|]*_202406182359_202406190000\.csv$/);
    t.equal(symbolOfName(join('some', 'folder', file)), name);
    t.equal(symbolOfName(`${file}.gz`), name);
  }
  t.equal(symbolOfName('EUR%20USD_x.csv'), 'EUR%20USD', 'what no export writes stays');
  t.equal(fileNamePart('EUR_USD'), 'EUR_USD', 'alone a name may have its _');
});

t.test('mt5 export, then import', async (t) => {
  const folder = t.testdir();
  const [data, again] = [join(folder, 'data'), join(folder, 'again')];
  const names = NAMES.filter((name) => name !== '..');
  const files = names.map((name, i) => {
    const file = write(folder, `S${i}_x.csv`, fileOf(quotes(3, START_MS + i, 1_000, 110_000)));
    return { file, raw: `S${i}`, name };
  });
  const aliases = Object.fromEntries(files.map(({ raw, name }) => [raw, name]));
  await runImport(
    data,
    files.map(({ file }) => file),
    { aliases },
  );
  const { symbolCount } = await readLogRegistry(data);
  const jobs = bySymbol({ filter: null, kindsMask: 0xff }, symbolCount);
  const plan = {
    data,
    format: 'mt5',
    zone: 'UTC',
    isForSheet: false,
    folder,
    mark: '.names-',
    ending: '.csv',
  } as const;
  const outcome = await exportToFiles({ ...plan, jobs }, new AbortController().signal, () => {});
  await runImport(
    again,
    outcome!.files.map(({ file }) => file),
  );
  t.same((await quotesOf(again)).sort(), (await quotesOf(data)).sort());
  t.equal((await quotesOf(again)).length, 3 * names.length);
});
