/** While another thread rewrites the table, what a reader is given is never torn, nor older than what was applied. */
import t from 'tap';
import { ENTRY_F64, LastValueTable, TableEntry } from '../../../src/pipeline/memory/last-value-table.js';
import { onThread } from '../../helpers/threads.js';

t.test('two entries under constant rewriting', async (t) => {
  const symbols = 2;
  const rounds = 200_000;
  const memory = LastValueTable.allocate(symbols);
  const table = new LastValueTable(memory, symbols);
  const module = new URL('./threads/table.js', import.meta.url).href;
  const done = onThread(module, 'rewrite', { memory, symbols, rounds });
  const entry = new TableEntry();
  let torn = 0;
  let stale = 0;
  let read = 0;
  for (let applied = 0; applied < rounds; ) {
    for (let i = 0; i < 500; i++) {
      applied = table.applied(0);
      // Refused: the writer was put to sleep inside the entry. A reader comes back later.
      if (!table.read(i % symbols, entry) || entry.u32[1] === 0) continue;
      read++;
      for (let k = 1; k < ENTRY_F64; k++) if (k > 1 && entry.f64[k] !== entry.u32[1]) torn++;
      if (entry.u32[1] < applied) stale++;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await done;
  t.ok(read > 0);
  t.equal(torn, 0, 'no torn entry');
  t.equal(stale, 0, 'an entry is never behind what is said to be applied');
});
