/** A recorded day through import, MT5's layout, and import again: the same quotes. */
import { join } from 'node:path';
import t from 'tap';
import { bySymbol } from '../../src/export/plan.js';
import { exportToFiles } from '../../src/export/run.js';
import { listTickFiles } from '../../src/feeds/file/index.js';
import { readLogRegistry } from '../../src/replay/symbols.js';
import { BI5_FOLDER, bi5Quotes, SKIP } from '../cli/real-data.js';
import { temporaryFolder } from '../cli/support.js';
import { quotesOf, runImport, verify } from './support.js';

t.test('bi5 files, to the log and to MT5 and back', { skip: SKIP }, async (t) => {
  const folder = temporaryFolder(t);
  const data = join(folder, 'data');
  const done = await runImport(data, await listTickFiles(BI5_FOLDER));
  const wanted = (await bi5Quotes(false)).map((line) => {
    const [bid, , , , tsEvent] = line.split(' ');
    return `EURUSD ${bid} ${BigInt(tsEvent) / 1_000_000n}`;
  });
  t.equal(done.ticks, wanted.length);
  const found = await quotesOf(data);
  t.equal(
    found.findIndex((line, i) => line !== wanted[i]),
    -1,
    'equal in order',
  );
  t.equal(found.length, wanted.length);
  t.same((await verify(data)).damages, []);

  const { symbolCount } = await readLogRegistry(data);
  const jobs = bySymbol({ filter: null, kindsMask: 0xff }, symbolCount);
  const style = { format: 'mt5', zone: 'America/New_York+7h', isForSheet: false, mark: '.x-' } as const;
  const plan = { data, ...style, folder, ending: '.csv', jobs };
  const outcome = await exportToFiles({ ...plan, jobs }, new AbortController().signal, () => {});
  t.equal(outcome!.ticks, wanted.length);
  const again = join(folder, 'again');
  await runImport(
    again,
    outcome!.files.map(({ file }) => file),
    { zone: 'America/New_York+7h' },
  );
  const back = await quotesOf(again);
  t.equal(
    back.findIndex((line, i) => line !== wanted[i]),
    -1,
    'the same by way of MT5',
  );
  t.equal(back.length, wanted.length);
});
