/** Digits only grow; a source that tells too many of them loses and changes no price, of its own or of others. */
import t from 'tap';
import { DIGITS_MAX } from '../../src/limits.js';
import { offerQuote, SmallEngine } from '../helpers/memory.js';
import { assertSums } from '../helpers/sums.js';

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
