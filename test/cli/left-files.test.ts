/** What a killed command left beside its output does not stop the next one, which may have its process number again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { write } from '../feeds/file/scratch.js';
import { inOwnPidNamespace, Started, whyNoContainers } from '../helpers/container.js';
import { fileOf, quotes, runImport, START_MS } from '../import/support.js';
import { temporaryFolder } from './support.js';

const TICKS = fileURLToPath(new URL('../../bin/ticks.js', import.meta.url));

t.test('the same process number again', { skip: whyNoContainers() }, async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  await runImport(data, [write(cwd, 'EURUSD_x.csv', fileOf(quotes(10, START_MS, 10, 110_000)))]);
  const out = join(cwd, 'ticks.jsonl');
  writeFileSync(`${out}.1.part`, 'left');
  const ticks = await Started.start(
    inOwnPidNamespace([process.execPath, TICKS, 'replay', '--data', data, '--out', out]),
  );
  await ticks.stop();
  t.equal(ticks.stderr, '');
  t.match(readFileSync(out, 'utf8'), /^(\{.*\}\n){11}$/, 'the definition and its ten quotes');
});
