/** Imports of several containers on one folder leave each other's staging alone, until it is left. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { importsFolder } from '../../src/import/coordinator.js';
import { temporaryFolder } from '../cli/support.js';
import { write } from '../feeds/file/scratch.js';
import { inOwnPidNamespace, Started, whyNoContainers } from '../helpers/container.js';
import { fileOf, quotes, quotesOf, runImport, START_MS } from './support.js';

const CHILD = fileURLToPath(new URL('../log/storage/lock.child.js', import.meta.url));

t.test('an import beside one of a container', { skip: whyNoContainers() }, async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  const staging = join(importsFolder(data), 'of-a-container');
  const other = await Started.start(inOwnPidNamespace([process.execPath, CHILD, 'folder', staging]));
  t.equal(other.stdout, 'held 1\n');
  const eur = write(cwd, 'EURUSD_x.csv', fileOf(quotes(100, START_MS, 1_000, 110_000)));
  await runImport(data, [eur]);
  t.ok(existsSync(staging), 'it is left alone');
  await other.stop();
  const gbp = write(cwd, 'GBPUSD_x.csv', fileOf(quotes(100, START_MS, 1_000, 120_000)));
  await runImport(data, [gbp]);
  t.same(readdirSync(importsFolder(data)), [], 'and removed when its process is gone');
  t.equal((await quotesOf(data)).length, 200);
});
