/** An import learns that its symbols are written down, however often the registry is compacted meanwhile. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { createEngine } from '../../src/engine/engine.js';
import { write } from '../feeds/file/scratch.js';
import { fileOf, quotes, quotesOf, runImport, START_MS } from './support.js';

t.test('an import while streams come and go', { timeout: 120_000 }, async (t) => {
  const folder = t.testdir();
  const data = join(folder, 'data');
  const engine = await createEngine({ feeds: [], dataFolder: data, http: false });
  await engine.start();
  t.teardown(() => engine.stop());
  const { registry } = engine;
  const open = (stream: string) => registry.defineSource({ feed: 'mt5', name: 'terminal', stream });
  // As full of what was superseded as it may be: the next compaction is near.
  for (let i = 0; registry.length < 200_000; i++) open(`${i}`.padStart(250, '0'));
  let isOver = false;
  let compacted = 0;
  const churn = (async () => {
    for (let i = 0; !isOver; i++) {
      const before = registry.length;
      open(`${i}`.padStart(250, 'x'));
      if (registry.length < before) compacted++;
      if (i % 100 === 0) await delay(1);
    }
  })();
  const file = write(folder, 'EURUSD_x.csv', fileOf(quotes(10, START_MS, 50, 110_000)));
  const done = await runImport(data, [file]);
  isOver = true;
  await churn;
  t.equal(done.ticks, 10);
  t.ok(compacted > 0, `compacted ${compacted} times`);
  const symbols = (await quotesOf(data)).map((line) => line.split(' ')[0]);
  t.same(symbols, new Array(10).fill('EURUSD'));
});
