/** What a killed command left beside its output does not stop the next one, which may have its process number again. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openLog } from '../../src/log/write/open-log.js';
import { numberedAnew, Started, whyNoContainers } from '../helpers/container.js';
import { temporaryFolder } from './support.js';

const TICKS = fileURLToPath(new URL('../../bin/ticks.js', import.meta.url));

t.test('the same process number again', { skip: whyNoContainers() }, async (t) => {
  const cwd = temporaryFolder(t);
  const data = join(cwd, 'data');
  await (await openLog(data, { shards: 1 })).close();
  const out = join(cwd, 'ticks.jsonl');
  writeFileSync(`${out}.1.part`, 'left');
  const ticks = await Started.start(
    numberedAnew([process.execPath, TICKS, 'replay', '--data', data, '--out', out]),
  );
  await ticks.stop();
  t.equal(ticks.stderr, '');
  t.ok(existsSync(out));
});
