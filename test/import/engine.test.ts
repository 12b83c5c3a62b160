/** Imports beside a running engine: it lists them and keeps running. */
import { join } from 'node:path';
import t from 'tap';
import { createEngine } from '../../src/engine/engine.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import type { Bound } from '../../src/replay/range.js';
import { write } from '../feeds/file/scratch.js';
import { endOfFeed, fileOf, quotes, quotesOf, runImport, START_MS, verify } from './support.js';

t.test('an engine on the folder lists the import, and its own epoch continues', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const live = write(folder, 'LIVE_x.csv', fileOf(quotes(500, START_MS, 100, 200_000)));
  const told: string[] = [];
  const logger = { info: (_: object, m: string) => void told.push(m), warn() {}, error() {} };
  const engine = await createEngine({
    feeds: [{ name: 'live', type: 'file', options: { path: live, speed: 'max' } }],
    dataFolder: data,
    http: false,
    logger,
  });
  const isEnded = endOfFeed(engine);
  await engine.start();
  const eur = write(folder, 'EURUSD_x.csv', fileOf(quotes(1_000, START_MS, 50, 110_000)));
  const done = await runImport(data, [eur]);
  t.equal(done.ticks, 1_000);
  t.match(told.join('\n'), /Imported 1001 ticks/);
  t.ok(engine.registry.symbolId('EURUSD') !== undefined, 'the engine knows its symbols');
  const second = await runImport(data, [eur]);
  t.equal(second.hash, undefined, 'the same again changes nothing');
  await isEnded;
  await engine.stop();

  const all = await quotesOf(data);
  t.equal(all.length, 1_500);
  const first = all.slice(0, 1_000).map((line) => line.split(' ')[0]);
  t.same(first, new Array(1_000).fill('EURUSD'), 'of 2024: before what is received now');
  const place: Bound = { kind: 'seq', epoch: 1, seqs: [1] };
  t.equal(
    (await quotesOf(data, { from: place })).length,
    500,
    'whoever follows the live epoch never sees it',
  );
  const checked = await verify(data);
  t.same([checked.damages, checked.catalog], [[], []]);
  const reader = LogReader.open(data);
  const imports = reader.epochs().map((record) => record.import);
  t.same(imports, [undefined, done.hash]);
  await reader.close();
});
