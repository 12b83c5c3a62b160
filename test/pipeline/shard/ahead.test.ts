/** A tick stamped beyond its receipt is kept as it is, and makes no later one late. */
import t from 'tap';
import { EVENT_AHEAD_S_MAX } from '../../../src/core/limits.js';
import { Flag, NO_TIME_S } from '../../../src/core/tick.js';
import { toTick } from '../../../src/core/tick-record.js';
import { LastValueTable, Slot, TableEntry } from '../../../src/pipeline/memory/last-value-table.js';
import { offerQuote, offerTrade, SmallEngine } from '../../helpers/memory.js';
import { assertSums } from '../../helpers/sums.js';

const NOW_S = 1_700_000_000;

function set() {
  const e = new SmallEngine();
  const id = e.define('EURUSD');
  const source = e.sink.open('test', 's');
  const last = () => {
    e.sink.commit();
    e.work();
    assertSums(t, e.totals());
    return e.ticks().at(-1);
  };
  const quote = (bid: number, s: number, ns = 0) => {
    offerQuote(e.sink, source, id, bid, bid + 1, { s, ns });
    return last();
  };
  const trade = (price: number, s: number, ns = 0) => {
    offerTrade(e.sink, source, id, price, { s, ns });
    return last();
  };
  const shown = (slot: number) => {
    const entry = new TableEntry();
    e.table.read(id, entry);
    return toTick(entry.records, slot);
  };
  return { e, quote, trade, shown };
}

for (const aheadS of [EVENT_AHEAD_S_MAX + 1, 60, 3 * 3600, 86_399, 86_401]) {
  t.test(`${aheadS} s ahead`, async (t) => {
    const { e, quote, trade, shown } = set();
    quote(1, NOW_S - 3);
    const ahead = { flags: ['suspicious'], tsEvent: BigInt(NOW_S + aheadS) * 1_000_000_000n };
    t.match(quote(2, NOW_S + aheadS), ahead, 'kept as told, and flagged');
    t.match(shown(Slot.quote), { bid: 2 }, 'it is the newest by receipt');
    t.match(quote(3, NOW_S - 2), { flags: [] }, 'the next one is not late');
    t.match(shown(Slot.quote), { bid: 3 });
    t.match(quote(4, NOW_S - 3, 999_999_999), { flags: ['late'] }, 'what is judged by is the time before it');
    t.match(shown(Slot.quote), { bid: 3 });

    t.match(trade(7, NOW_S + aheadS), ahead);
    t.match(trade(8, NOW_S - 2), { flags: [] });
    t.match(shown(Slot.trade), { price: 8 });
    t.match(trade(9, NOW_S - 3), { flags: ['late'] });
    t.match(e.totals(), { late: 2, suspicious: 2, rejected: 0 });
  });
}

t.test('by less than clocks differ: not flagged, and judging nobody either', async (t) => {
  const { e, quote, shown } = set();
  t.match(quote(1, NOW_S), { flags: [] }, 'at its receipt');
  t.match(quote(2, NOW_S, 1), { flags: [] });
  t.match(quote(3, NOW_S + EVENT_AHEAD_S_MAX, 999_999_999), { flags: [] });
  t.match(quote(4, NOW_S), { flags: [] }, 'not late');
  t.match(shown(Slot.quote), { bid: 4 });
  t.match(quote(5, NOW_S - 1, 999_999_999), { flags: ['late'] });
  t.match(quote(6, NO_TIME_S), { flags: [] }, 'no time is none to doubt');
  t.match(e.totals(), { late: 1, suspicious: 0 });
});

t.test('a source whose clock is ahead all the time is shown, and holds up none that is right', async (t) => {
  const { quote, shown } = set();
  for (let i = 0; i < 20; i++) {
    quote(100 + i, NOW_S - 20 + i);
    t.match(shown(Slot.quote), { bid: 100 + i });
    quote(200 + i, NOW_S + 7200 + i);
    t.match(shown(Slot.quote), { bid: 200 + i });
  }
});

t.test('a shard that starts again judges likewise', async (t) => {
  const { e, quote, shown } = set();
  quote(1, NOW_S - 3);
  quote(2, NOW_S + 7200);
  e.shards[0] = e.newShard();
  t.match(quote(3, NOW_S - 2), { flags: [] });
  t.match(shown(Slot.quote), { bid: 3 });
  const blank = new LastValueTable(LastValueTable.allocate(64), 64);
  for (let id = 0; id < 64; id++) {
    const entry = new TableEntry();
    blank.read(id, entry);
    e.table.write(id, entry);
  }
  e.table.setApplied(0, 0);
  e.shards[0] = e.newShard();
  t.match(quote(4, NOW_S - 1), { flags: [] }, 'and one that projects everything again');
  t.match(quote(5, NOW_S - 2), { flags: ['late'] });
  t.match(shown(Slot.quote), { bid: 4 });
});

t.test('what is offered as late, as replays do, judges nobody', async (t) => {
  const { e, quote, trade } = set();
  const [source, id] = [e.sink.open('test', 'replay'), e.define('EURUSD')];
  offerQuote(e.sink, source, id, 1, 2, { s: NOW_S - 3, flags: Flag.late });
  offerTrade(e.sink, source, id, 1, { s: NOW_S - 3, flags: Flag.late });
  t.match(quote(2, NOW_S - 5), { flags: [] });
  t.match(trade(2, NOW_S - 5), { flags: [] });
  t.match(quote(3, NOW_S - 6), { flags: ['late'] });
  t.match(trade(3, NOW_S - 6), { flags: ['late'] });
  t.match(e.totals(), { late: 2 });
});
