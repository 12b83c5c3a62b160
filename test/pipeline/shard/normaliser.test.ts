/** Every row of the bad-data table that concerns a shard, through a real sink and shard. */
import t from 'tap';
import {
  Flag,
  NO_PRICE,
  NO_SIZE,
  RECORD_BYTES,
  RECORD_U16,
  Records,
  U16_KIND_FLAGS,
  writeHeader,
} from '../../../src/core/tick.js';
import { toTick } from '../../../src/core/tick-record.js';
import { ShardWord } from '../../../src/pipeline/memory/counters.js';
import { Slot, TableEntry } from '../../../src/pipeline/memory/last-value-table.js';
import { roundTo } from '../../../src/pipeline/shard/normaliser.js';
import { offerQuote, offerTrade, SmallEngine } from '../../helpers/memory.js';
import { assertSums } from '../../helpers/sums.js';

function set(digits = 5, negative = false) {
  const e = new SmallEngine();
  const id = e.define('EURUSD', digits, { negative });
  const source = e.sink.open('test', 's');
  const run = () => {
    e.sink.commit();
    e.work();
    // The definition comes first and is no matter here.
    return e.ticks().slice(1);
  };
  const quote = (bid: number, ask: number, more = {}) => {
    offerQuote(e.sink, source, id, bid, ask, more);
    return run().at(-1);
  };
  const trade = (price: number, more = {}) => {
    offerTrade(e.sink, source, id, price, more);
    return run().at(-1);
  };
  const shown = (slot: number) => {
    const entry = new TableEntry();
    e.table.read(id, entry);
    return entry.has(slot) ? toTick(entry.records, slot) : undefined;
  };
  return { e, id, source, run, quote, trade, shown };
}

t.test('crossed: logged and flagged, kept out of the table', async (t) => {
  const { e, quote, shown } = set();
  quote(1.1, 1.2);
  t.match(quote(1.3, 1.2), { flags: ['crossed'], bid: 1.3, ask: 1.2, symbolSeq: 3 });
  t.match(shown(Slot.quote), { bid: 1.1, ask: 1.2, symbolSeq: 2 });
  t.equal(e.totals().crossed, 1);
  assertSums(t, e.totals());
});

t.test('locked: valid, flagged', async (t) => {
  const { e, quote, shown } = set();
  t.match(quote(1.2, 1.2), { flags: ['locked'] });
  t.match(shown(Slot.quote), { bid: 1.2, ask: 1.2 });
  t.match(quote(1.200004, 1.200001), { flags: ['locked'], bid: 1.2 }, 'as rounded, not as it came');
  t.equal(e.totals().locked, 2);
});

t.test('a missing side is carried forward, with its size', async (t) => {
  const { quote } = set();
  quote(1.1, 1.2, { bidSize: 3, askSize: 4 });
  t.match(quote(1.15, NO_PRICE, { bidSize: 5, askSize: 9 }), {
    bid: 1.15,
    ask: 1.2,
    bidSize: 5,
    askSize: 4,
    flags: [],
  });
  t.match(quote(0, 1.3), { bid: 1.15, ask: 1.3, bidSize: 5, askSize: null }, 'zero is blank');
  t.match(quote(-0, 1.4), { bid: 1.15, ask: 1.4 });
});

t.test('half-quotes are pending until the other side is known, and counted', async (t) => {
  const { e, quote, run } = set();
  quote(1.1, NO_PRICE, { bidSize: 1 });
  t.same(run(), []);
  t.match(e.totals(), { pendingOneSided: 1, conflated: 0, sequenced: 1 });
  assertSums(t, e.totals());
  quote(1.2, 0, { bidSize: 2 });
  t.match(e.totals(), { pendingOneSided: 1, conflated: 1, sequenced: 1 });
  assertSums(t, e.totals());
  t.match(quote(NO_PRICE, 1.3, { askSize: 7 }), {
    bid: 1.2,
    ask: 1.3,
    bidSize: 2,
    askSize: 7,
    flags: ['conflated'],
    symbolSeq: 4,
  });
  t.match(e.totals(), { pendingOneSided: 0, conflated: 2, sequenced: 2 });
  assertSums(t, e.totals());
  t.match(quote(1.2, NO_PRICE), { flags: [], symbolSeq: 5 }, 'nothing is held any more');
});

t.test('both sides missing', async (t) => {
  const { e, quote } = set();
  for (const [bid, ask] of [
    [0, 0],
    [NO_PRICE, NO_PRICE],
    [0, NO_PRICE],
    [-0, 0],
  ])
    quote(bid, ask);
  t.match(e.totals(), { rejected: 4, rejectedBy: { bad_price: 4 } });
  assertSums(t, e.totals());
});

t.test('float artefacts are rounded to the symbol’s digits', async (t) => {
  const { quote, trade } = set();
  t.match(quote(1.1452499999999999, 1.1452600000000002), { bid: 1.14525, ask: 1.14526 });
  t.match(trade(0.1 + 0.2), { price: 0.3 });
  for (let digits = 0; digits <= 15; digits++) {
    t.equal(10 ** digits, Number(`1e${digits}`), 'powers of ten are exact');
    for (const points of [1, 7, 123_456, 2 ** 40 + 1]) {
      const nearest = Number(`${points}e-${digits}`);
      t.equal(
        roundTo(nearest * (1 + Number.EPSILON), 10 ** digits),
        nearest,
        `${points} at ${digits} digits`,
      );
    }
  }
  t.equal(roundTo(1e17 + 16, 1e5), 1e17 + 16, 'too large to round: as it came');
  t.ok(Object.is(roundTo(-0.000001, 1e5), 0), 'there is no negative zero');
});

t.test('a price that rounds to nothing is none', async (t) => {
  const { e, quote, trade } = set(2);
  quote(0.004, 1);
  quote(1, 0.004);
  trade(0.001);
  t.match(e.totals().rejectedBy, { bad_price: 3 });
  t.match(quote(0.005, 1), { bid: 0.01 });
});

t.test('NaN, infinity and negative prices', async (t) => {
  const { e, quote, trade, run } = set();
  const bad = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, -NO_PRICE];
  for (const price of bad) {
    quote(price, 1.2);
    quote(1.1, price);
    quote(price, NO_PRICE);
    quote(price, price);
    trade(price);
  }
  trade(0);
  trade(NO_PRICE);
  t.same(run(), []);
  t.equal(e.totals().rejectedBy.bad_price, 5 * bad.length + 2);
  assertSums(t, e.totals());
});

t.test('negative and zero prices where the symbol allows them', async (t) => {
  const { e, quote, trade, shown } = set(2, true);
  t.match(quote(-0.5, 0), { bid: -0.5, ask: 0, flags: [] });
  t.match(shown(Slot.quote), { bid: -0.5, ask: 0 });
  t.match(quote(NO_PRICE, 0.25), { bid: -0.5, ask: 0.25 }, 'only what is told missing is missing');
  t.match(trade(-37.63), { price: -37.63 });
  t.match(trade(0), { price: 0 });
  const zero = quote(-0.001, 1)?.bid;
  t.ok(Object.is(zero, 0), 'no negative zero');
  for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY]) quote(bad, 1);
  t.equal(e.totals().rejectedBy.bad_price, 2);
});

t.test('bad sizes; an unknown one is none', async (t) => {
  const { e, quote, trade } = set();
  for (const size of [-1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    quote(1, 2, { bidSize: size });
    quote(1, 2, { askSize: size });
    trade(1, { size });
  }
  t.match(e.totals(), { rejected: 9, rejectedBy: { bad_size: 9 } });
  t.match(quote(1, 2, { bidSize: NO_SIZE, askSize: 0 }), { bidSize: null, askSize: 0 });
  assertSums(t, e.totals());
});

t.test('a time that cannot be one; no time at all is fine', async (t) => {
  const { e, quote, trade } = set();
  quote(1, 2, { s: 1, ns: 1_000_000_000 });
  trade(1, { s: 1, ns: 0xffffffff });
  t.match(e.totals(), { rejected: 2, rejectedBy: { bad_time: 2 } });
  t.match(quote(1, 2, { s: 0xffffffff }), { tsEvent: null, flags: [] });
});

t.test('late: flagged, in order of receipt, and nothing newer is replaced', async (t) => {
  const { e, quote, trade, shown } = set();
  quote(1, 2, { s: 100, ns: 5 });
  t.match(quote(3, 4, { s: 100, ns: 4 }), { flags: ['late'], bid: 3, tsEvent: 100_000_000_004n });
  t.match(shown(Slot.quote), { bid: 1, tsEvent: 100_000_000_005n });
  t.match(quote(5, 6, { s: 100, ns: 5 }), { flags: [] }, 'the same time is not late');
  t.match(shown(Slot.quote), { bid: 5 });
  t.match(quote(6, 7), { flags: [] }, 'a tick without time is not late');
  t.match(quote(5, 6, { s: 99, ns: 0 }), { flags: ['late'] }, 'and does not make the clock forget');
  trade(1, { s: 50 });
  t.match(trade(2, { s: 49, ns: 999_999_999 }), { flags: ['late'] });
  t.match(shown(Slot.trade), { price: 1 });
  t.match(trade(3, { s: 50, ns: 1 }), { flags: [] }, 'trades and quotes have times of their own');
  t.equal(e.totals().late, 3);
});

t.test('clock skew is a gauge, never a reason', async (t) => {
  const { e, quote } = set();
  t.match(quote(1, 2, { s: 1_700_003_600 }), { flags: ['suspicious'], bid: 1 });
  t.equal(e.shardWord(ShardWord.skewNs), -3600e9);
  quote(1, 2);
  t.equal(e.shardWord(ShardWord.skewNs), -3600e9, 'a tick without time tells nothing');
});

t.test('an unknown symbol, and the engine’s own, which has no price', async (t) => {
  const { e, source, run } = set();
  offerQuote(e.sink, source, 60, 1, 2);
  offerTrade(e.sink, source, 60, 1);
  offerQuote(e.sink, source, 0, 1, 2);
  offerQuote(e.sink, source, 0, 1, NO_PRICE);
  offerTrade(e.sink, source, 0, 1);
  run();
  t.match(e.totals(), {
    rejected: 5,
    rejectedBy: { unknown_symbol: 5 },
    sequenced: 0,
    generated: 0,
    pendingOneSided: 0,
  });
  const entry = new TableEntry();
  e.table.read(0, entry);
  t.notOk(entry.has(Slot.quote), 'entry 0 is no symbol’s');
  assertSums(t, e.totals());
});

t.test('a kind that does not exist', async (t) => {
  const { e, id, source, run } = set();
  for (const kind of [4, 5, 6, 7]) {
    e.sink.status(source, id, 5, 0);
    const at = e.totals().received + kind - 4;
    const raw = e.memory.raw[0][0];
    writeHeader(
      new Records(raw.buffer, raw.byteOffset, raw.byteLength / RECORD_BYTES),
      at,
      id,
      kind,
      source.id,
      0,
      0,
    );
  }
  run();
  t.match(e.totals(), { rejected: 4, rejectedBy: { bad_kind: 4 } });
  assertSums(t, e.totals());
});

t.test('a kind that does not exist, of a record that is right otherwise', async (t) => {
  const { e, id, source, run } = set();
  for (const kind of [4, 5, 6, 7]) {
    const at = e.totals().received + kind - 4;
    offerQuote(e.sink, source, id, 1.5, 1.6);
    const { buffer, byteOffset, byteLength } = e.memory.raw[0][0];
    const raw = new Records(buffer, byteOffset, byteLength / RECORD_BYTES);
    raw.u16[at * RECORD_U16 + U16_KIND_FLAGS] = kind;
  }
  run();
  t.match(e.totals(), { rejected: 4, rejectedBy: { bad_kind: 4 } });
  assertSums(t, e.totals());
});

t.test('the last rejected record of each reason is kept', async (t) => {
  const { e, quote } = set();
  quote(Number.NaN, 1);
  quote(-7, 1);
  quote(1, 1, { bidSize: -3 });
  const samples = new Records(e.memory.rejectSamples[0]);
  t.match(toTick(samples, 0), { bid: -7, ask: 1 });
  t.match(toTick(samples, 1), { bid: 1, bidSize: -3 });
});

t.test('a spike is flagged, not dropped', async (t) => {
  const { e, quote, shown } = set(5);
  for (let i = 0; i < 100; i++) quote(1.1 + (i % 2) * 1e-5, 1.2 + (i % 2) * 1e-5);
  t.equal(e.totals().suspicious, 0);
  t.match(quote(1.5, 1.6), { flags: ['suspicious'], bid: 1.5 });
  t.match(shown(Slot.quote), { bid: 1.5 }, 'and shown');
  t.equal(e.totals().suspicious, 1);
  assertSums(t, e.totals());
});

t.test('after a spike the good quotes are not suspicious, and the next spike is', async (t) => {
  const { e, quote } = set(5);
  for (let i = 0; i < 100; i++) quote(1.1 + (i % 2) * 1e-5, 1.2 + (i % 2) * 1e-5);
  for (let round = 1; round <= 3; round++) {
    t.match(quote(1.5, 1.6), { flags: ['suspicious'] });
    t.match(quote(1.50001, 1.6), { flags: [] }, 'it lasts for two');
    for (let i = 0; i < 10; i++) t.match(quote(1.1 + (i % 2) * 1e-5, 1.2), { flags: [] }, `round ${round}`);
    t.equal(e.totals().suspicious, round);
  }
  t.match(quote(0.00001, 1.2), { flags: ['suspicious'] });
  t.match(quote(1.1, 1.2), { flags: [] });
  t.match(quote(2.1, 2.2), { flags: ['suspicious'] }, 'a new level');
  for (let i = 0; i < 10; i++)
    t.match(quote(2.1 + (i % 2) * 1e-5, 2.2), { flags: [] }, 'is believed at once');
  t.match(quote(9, 10), { flags: ['suspicious'] });
  t.match(quote(2.1, 2.2), { flags: [] });
  assertSums(t, e.totals());
});

t.test('the first ticks of a symbol are never suspicious', async (t) => {
  const { e, quote } = set(5);
  for (let i = 0; i < 60; i++) quote(1 + i * i, 2 + i * i * 1000);
  t.equal(e.totals().suspicious, 0);
});

t.test('an ordinary move of a quiet symbol is not suspicious', async (t) => {
  const { e, id, source, run } = set(5);
  for (let i = 0; i < 10; i++) {
    const bid = 1.1 + (i % 2) * 1e-5;
    for (let same = 0; same < 600; same++) {
      offerQuote(e.sink, source, id, bid, 1.2);
      if (same % 30 === 0) run();
    }
  }
  t.equal(e.totals().suspicious, 0, 'quotes that change nothing do not wear the mean move down');
});

t.test('a flag that the source gave stays', async (t) => {
  const { quote, trade } = set();
  t.match(quote(1, 1, { flags: Flag.snapshot }), { flags: ['locked', 'snapshot'] });
  t.match(trade(1, { flags: Flag.buy | Flag.sell }), { flags: ['buy', 'sell'] });
});
