/** What others do to the log in the midst of an import or of a removal loses no ticks. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { adoptImport } from '../../src/log/maintain/import-adoption.js';
import { removeImports } from '../../src/log/maintain/import-removal.js';
import { readImports } from '../../src/log/storage/imports.js';
import { type LogStore, openStore } from '../../src/log/storage/log-store.js';
import { Lease } from '../../src/log/storage/reader-lease.js';
import { segmentPath } from '../../src/log/storage/segments.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, quotesOf, runImport, START_MS, verify } from './support.js';

const ROWS = 100;

/** A log with one import, and its store as an engine has it. */
async function imported(t: Test): Promise<{ data: string; store: LogStore }> {
  const folder = t.testdir();
  const data = join(folder, 'data');
  await runImport(data, [write(folder, 'EURUSD_x.csv', fileOf(quotes(ROWS, START_MS, 500, 110_000)))]);
  const store = openStore(data, { sync: 'every-commit', isAlone: true });
  t.teardown(() => store.close());
  return { data, store };
}

t.test('a reader that comes while an import is taken out keeps it', async (t) => {
  const { data, store } = await imported(t);
  const [{ epoch }] = readImports(store.catalog);
  const segments = store.segments().filter(({ ranges }) => ranges?.some((range) => range.epoch === epoch));
  const numbers = segments.map(({ number }) => number);
  const removing = removeImports(store, [epoch], true);
  // The removal has looked for readers by now, and has not committed.
  const lease = Lease.take(data, numbers)!;
  await t.rejects(removing, { code: 'data_folder_locked', message: /nothing was changed/ });
  t.equal((await quotesOf(data)).length, ROWS);
  const checked = await verify(data);
  t.same([checked.damages, checked.catalog], [[], []]);
  lease.release();
  await removeImports(store, [epoch], true);
  t.same(await quotesOf(data), []);
  for (const { folder } of segments) t.notOk(existsSync(segmentPath(data, folder)));
});

t.test('an import that left out what has gone since is refused', async (t) => {
  const { data, store } = await imported(t);
  const [{ epoch, hash }] = readImports(store.catalog);
  const record = {
    epoch: epoch + 1,
    hash: 'f'.repeat(64),
    importedAt: 1,
    files: [],
    without: [hash],
    ticks: 0,
  };
  await removeImports(store, [epoch], true);
  await t.rejects(adoptImport(store, data, { record, segments: [], replaces: [] }), {
    code: 'unsupported',
    message: /taken out meanwhile: nothing was changed\. Import again\./,
  });
  t.same(readImports(store.catalog), []);
});
