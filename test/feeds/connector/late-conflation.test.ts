/** Beside full rings too, an old quote replaces no newer one, and one stamped ahead holds up none. */
import t from 'tap';
import { NO_PRICE } from '../../../src/core/tick.js';
import { toTick } from '../../../src/core/tick-record.js';
import { Slot, TableEntry } from '../../../src/pipeline/memory/last-value-table.js';
import { offerQuote, SmallEngine } from '../../helpers/memory.js';
import { assertSums } from '../../helpers/sums.js';

const NOW_S = 1_700_000_000;

function full() {
  const e = new SmallEngine({ rawSlots: 4, feeds: [{ name: 'test', policy: 'conflate', stateWords: 0 }] });
  const id = e.define('EURUSD');
  const source = e.sink.open('test', 's');
  let position = 0;
  const quote = (bid: number, ask: number, s: number) =>
    offerQuote(e.sink, source, id, bid, ask, { s, ns: 5, position: ++position });
  for (let i = 0; i < 4; i++) quote(1, 2, NOW_S - 100);
  const drain = () => {
    do {
      e.sink.commit();
      e.work();
      assertSums(t, e.totals());
    } while (e.sink.conflating > 0);
    e.sink.commit();
    e.work();
    assertSums(t, e.totals());
    const entry = new TableEntry();
    e.table.read(id, entry);
    return { last: e.ticks().at(-1), shown: toTick(entry.records, Slot.quote) };
  };
  return { e, quote, drain };
}

t.test('a late one is conflated into the newer one, which goes out', async (t) => {
  const { e, quote, drain } = full();
  quote(5, 6, NOW_S - 10);
  quote(3, 4, NOW_S - 11);
  const { last, shown } = drain();
  t.match(last, { bid: 5, symbolSeq: 7, position: 6, flags: ['conflated'] });
  t.match(shown, { bid: 5 });
  t.match(e.totals(), { conflated: 1, late: 0 });
});

t.test('the same time, and a later one, replace', async (t) => {
  const { quote, drain } = full();
  quote(5, 6, NOW_S - 10);
  quote(6, 7, NOW_S - 10);
  quote(7, 8, NOW_S - 9);
  t.match(drain().shown, { bid: 7, symbolSeq: 8 });
});

t.test('one beyond its receipt is replaced by the next', async (t) => {
  const { quote, drain } = full();
  quote(5, 6, NOW_S + 3 * 3600);
  quote(6, 7, NOW_S - 10);
  t.match(drain(), { last: { bid: 6, flags: ['conflated'] }, shown: { bid: 6 } });
});

t.test('a side that is not known yet is taken from a late one', async (t) => {
  const { quote, drain } = full();
  quote(NO_PRICE, 6, NOW_S - 10);
  quote(5, 5.5, NOW_S - 11);
  t.match(drain().last, { bid: 5, ask: 5.5, symbolSeq: 7 });
});
