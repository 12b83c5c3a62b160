import t from 'tap';
import { listTickFiles, openMerged } from '../../../src/feeds/file/index.js';
import { entryOf } from './scratch.js';

t.test('the captures of the project merge into one market in order of time', async (t) => {
  const paths = await listTickFiles('fixtures/ticks');
  t.equal(paths.length, 10);
  const file = await openMerged(paths);
  const counts = new Map<string, number>();
  let lastMs = 0;
  let backwards = 0;
  for await (const batch of file.batches) {
    for (let i = 0; i < batch.length; i++) {
      const entry = entryOf(file, batch, i);
      if (entry.ms < lastMs) backwards++;
      lastMs = entry.ms;
      counts.set(entry.raw, (counts.get(entry.raw) ?? 0) + 1);
    }
  }
  t.equal(backwards, 0);
  t.equal(file.badRecords, 0);
  t.equal(counts.size, 10);
  t.ok(Math.min(...counts.values()) > 500);
  const digits = Object.fromEntries(file.symbols.map((s) => [s.raw, s.digits]));
  t.match(digits, { EURUSD: 5, XAUUSD: 2, BTCUSD: 2, US500: 1 });
});
