/** Symbol filters take in every definition, also one that is made during a refresh. */
import t from 'tap';
import { SymbolFilters } from '../../../src/fanout/batch/symbol-filter.js';
import { Registry } from '../../../src/pipeline/memory/registry.js';

t.test('a symbol defined by another thread in the middle of a refresh', async (t) => {
  const memory = Registry.allocate(4096);
  const ours = new Registry(memory, 16);
  const theirs = new Registry(memory, 16);
  const filters = new SymbolFilters(ours, 1);
  const filter = filters.acquire(['*']);
  theirs.defineSymbol({ name: 'A', digits: 5 });
  const refresh = ours.refresh.bind(ours);
  let isFirst = true;
  ours.refresh = () => {
    const grew = refresh();
    if (isFirst) theirs.defineSymbol({ name: 'B', digits: 5 });
    isFirst = false;
    return grew;
  };
  filters.refresh();
  t.same(filter.lists, [[1]]);
  filters.refresh();
  t.same(filter.lists, [[1, 2]]);
  t.same(filter.news, [1, 2]);
});
