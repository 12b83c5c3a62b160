/** `ticks log compact`: closed segments take less, and hold the same ticks. */
import { join } from 'node:path';
import t from 'tap';
import { compactLog } from '../../src/log/maintain/compact.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, quotesOf, runImport, START_MS, verify } from './support.js';

t.test('what is recompressed reads as before', async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  await runImport(data, [write(folder, 'EURUSD_x.csv', fileOf(quotes(20_000, START_MS, 10, 110_000)))]);
  const before = await quotesOf(data);
  const go = () => false;
  const done = await compactLog(data, 'brotli', go);
  t.equal(done.length, 2, 'two days');
  t.ok(done.every(({ bytes, bytesBefore }) => bytes > 0 && bytes <= bytesBefore));
  t.same(await quotesOf(data), before);
  const checked = await verify(data);
  t.same([checked.damages, checked.catalog], [[], []]);
  t.same(await compactLog(data, 'brotli', go), [], 'there is nothing left to do');
});
