/** Beside a running engine imports are replaced and taken out too; a reader that holds one keeps it. */
import { join } from 'node:path';
import t from 'tap';
import { createEngine } from '../../src/engine/engine.js';
import { takeOutImports } from '../../src/import/remove.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, quotesOf, runImport, START_MS, verify } from './support.js';

const never = new AbortController().signal;

t.test('the engine takes imports out', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const told: string[] = [];
  const logger = { info: (_: object, m: string) => void told.push(m), warn() {}, error() {} };
  const engine = await createEngine({ feeds: [], dataFolder: data, http: { port: 0 }, logger });
  await engine.start();
  const lines = quotes(400, START_MS, 50, 110_000);
  const first = await runImport(data, [write(folder, 'EURUSD_a.csv', fileOf(lines.slice(0, 300)))]);
  const grown = await runImport(data, [write(folder, 'EURUSD_b.csv', fileOf(lines))], { replace: true });
  t.same([grown.ticks, grown.overlaps[0].hash], [400, first.hash]);
  const page = async () => {
    const answer = await fetch(`http://127.0.0.1:${engine.port}/v1/ticks/EURUSD?format=ndjson`, {
      headers: { connection: 'close' },
    });
    const text = await answer.text();
    return text.split('\n').filter((line) => line.includes('"kind":"quote"')).length;
  };
  t.equal(await page(), 400);
  const reader = LogReader.open(data);
  reader.hold();
  const held = { code: 'data_folder_locked', message: /of the import is read by .*: nothing was changed/ };
  await t.rejects(takeOutImports(data, [grown.hash!], never), held);
  await reader.close();
  await takeOutImports(data, [grown.hash!], never);
  t.match(told.join('\n'), /Took 1 imports out of the log/);
  t.equal(await page(), 0);
  await engine.stop();
  t.same(await quotesOf(data), []);
  const checked = await verify(data);
  t.same([checked.damages, checked.catalog], [[], []]);
});
