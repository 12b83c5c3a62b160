/** A source that declares too many digits changes no price; one that knows fewer than others coarsens none of theirs. */
import t from 'tap';
import { DIGITS_MAX } from '../../../src/core/limits.js';
import { Registry } from '../../../src/pipeline/memory/registry.js';
import { type DigitsFrom, mostDigits } from '../../../src/pipeline/memory/registry-entries.js';
import { offerQuote, SmallEngine } from '../../helpers/memory.js';
import { assertSums } from '../../helpers/sums.js';

const PRICES = [1.14525, 0.00001, 148.237, 70_000.01, 5_486.877, 999_999.99999, 1e9];

t.test('prices after a definition with the most digits there are', async (t) => {
  const e = new SmallEngine();
  const id = e.define('EURUSD', 5);
  const [one, other] = [e.sink.open('test', 'one'), e.sink.open('test', 'other')];
  const last = () => {
    e.sink.commit();
    e.work();
    return e.ticks().at(-1);
  };
  const told = () =>
    PRICES.flatMap((price) =>
      [one, other].map((source) => {
        offerQuote(e.sink, source, id, price, price * 2);
        const { bid, ask } = last()!;
        return [bid, ask];
      }),
    );
  const before = told();
  t.equal(e.define('EURUSD', DIGITS_MAX), id);
  t.equal(e.registry.digits[id], DIGITS_MAX);
  t.same(told(), before);
  offerQuote(e.sink, other, id, 1.1452499999999999, 1.1452600000000002);
  t.match(last(), { bid: 1.14525, ask: 1.14526 }, 'float artefacts still are rounded away');
  t.equal(e.define('EURUSD', 2), id, 'a source that knows fewer');
  t.same(told(), before, 'coarsens nothing');
  t.match(e.totals(), { rejected: 0 });
  assertSums(t, e.totals());
});

t.test('digits go down again', async (t) => {
  const e = new SmallEngine();
  const [one, other] = [e.sink.open('test', 'one').id, e.sink.open('test', 'other').id];
  const declare = (digits: number, by: DigitsFrom) => {
    const id = e.registry.defineSymbol({ name: 'EURUSD', digits }, by);
    return [e.registry.digits[id], e.registry.version[id]];
  };
  t.same(declare(5, 'prices'), [5, 1]);
  t.same(declare(8, one), [8, 2], 'a wrong definition');
  t.same(declare(5, 'prices'), [8, 2], 'prices never lower');
  t.same(declare(5, one), [5, 3], 'the only source that declares them does');
  t.same(declare(5, one), [5, 3], 'once');
  t.equal(mostDigits(e.registry.symbols[1]!), 8);
  t.same(declare(3, other), [5, 3], 'a second source does not');
  t.same(declare(3, one), [5, 3], 'nor does the first, once there are two');
  t.same(declare(9, other), [9, 4], 'both raise them');
  t.same(declare(5, 'setting'), [5, 5], 'the operator lowers them');
  t.same(declare(4, one), [5, 5], 'there are still two');
  t.equal(mostDigits(e.registry.symbols[1]!), 9);
  const again = Registry.from(e.registry.bytesFrom(0));
  t.same([again.digits[1], again.version[1]], [5, 5], 'as a log keeps it');
  again.defineSymbol({ name: 'EURUSD', digits: 4 }, one);
  t.equal(again.digits[1], 5);
});

t.test('what the operator sets for one feed, the source of another does not coarsen', async (t) => {
  const e = new SmallEngine();
  const terminal = e.sink.open('test', 'terminal').id;
  const declare = (digits: number, by: DigitsFrom) =>
    e.registry.digits[e.registry.defineSymbol({ name: 'EURUSD', digits }, by)];
  t.equal(declare(5, 'setting'), 5);
  t.equal(declare(4, terminal), 5, 'the only source that declares them');
  t.equal(declare(6, terminal), 6, 'it may raise them');
  t.equal(declare(3, 'setting'), 3, 'the operator lowers them');
  const fresh = new SmallEngine();
  fresh.registry.defineSymbol({ name: 'EURUSD', digits: 4 }, terminal);
  fresh.registry.defineSymbol({ name: 'EURUSD', digits: 5 }, 'setting');
  fresh.registry.defineSymbol({ name: 'EURUSD', digits: 4 }, terminal);
  t.equal(fresh.registry.digits[1], 5, 'whoever was first');
});
