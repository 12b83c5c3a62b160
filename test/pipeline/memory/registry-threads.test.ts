/** Several threads define the same symbols at once: one id a name, and no entry lost or written over. */
import t from 'tap';
import { Registry } from '../../../src/pipeline/memory/registry.js';
import { onThread } from '../../helpers/threads.js';

t.test('four threads, the same 1,009 names in different orders', async (t) => {
  const names = 1009;
  const memory = Registry.allocate(1 << 20);
  const module = new URL('./threads/registry.js', import.meta.url).href;
  const answers = await Promise.all(
    [1, 2, 3, 5].map((step, owner) =>
      onThread<Record<string, number>>(module, 'defineAll', { memory, names, owner, step }),
    ),
  );
  for (const answer of answers) t.same(answer, answers[0]);
  const ids = Object.values(answers[0]);
  t.equal(new Set(ids).size, names, 'no id twice');
  t.equal(Math.max(...ids), names, 'and none left out');
  const registry = new Registry(memory, names + 1);
  t.equal(registry.symbolCount, names + 1);
  t.ok(
    registry.symbols.slice(1).every((s) => s?.version === 1),
    'none was defined twice',
  );
  t.equal(registry.sources.filter((s) => s !== undefined).length, 4 * Math.ceil(names / 10));
  t.equal(new Int32Array(memory, 0, 1)[0], 0, 'the lock is free');
});
