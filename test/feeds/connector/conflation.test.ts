/** A feed that cannot be paused, before full rings: the newest quote a symbol is kept, no trade is lost unmarked. */
import t from 'tap';
import { SIDE_QUEUE_SLOTS } from '../../../src/core/limits.js';
import { GapReason, NO_PRICE, StatusCode } from '../../../src/core/tick.js';
import { Take } from '../../../src/feeds/connector/feed-sink.js';
import { offerQuote, offerTrade, type Sequenced, SmallEngine } from '../../helpers/memory.js';
import { Random } from '../../helpers/random.js';
import { assertSums } from '../../helpers/sums.js';

function engine(rawSlots = 4, shards = 1) {
  const e = new SmallEngine({
    rawSlots,
    shards,
    feeds: [{ name: 'test', policy: 'conflate', stateWords: 0 }],
  });
  const ids = ['A', 'B', 'C'].map((name) => e.define(name));
  const source = e.sink.open('test', 's');
  /** Commits and works until the conflation buffer is empty. */
  const drain = () => {
    do {
      e.sink.commit();
      assertSums(t, e.totals());
      e.work();
    } while (e.sink.conflating > 0);
    e.sink.commit();
    e.work();
    assertSums(t, e.totals());
  };
  return { e, ids, source, drain };
}

function quotes(ticks: Sequenced[], id: number): Sequenced[] {
  return ticks.filter((x) => x.kind === 'quote' && x.symbolId === id);
}

t.test(
  'the newest quote of each symbol is kept, flagged, and its symbolSeq tells how many it stands for',
  async (t) => {
    const { e, ids, source, drain } = engine();
    const [a, b] = ids;
    for (let i = 1; i <= 4; i++) offerQuote(e.sink, source, a, i, i + 1);
    for (let i = 5; i <= 10; i++) t.equal(offerQuote(e.sink, source, a, i, i + 1), Take.accepted);
    offerQuote(e.sink, source, b, 7, 8);
    e.sink.commit();
    t.match(e.totals(), { received: 11, conflated: 5, inFlight: 6, sequenced: 0 });
    t.equal(e.sink.conflating, 2);
    drain();
    t.match(
      quotes(e.ticks(), a).map((x) => [x.bid, x.symbolSeq, x.flags.join()]),
      [
        [1, 2, ''],
        [2, 3, ''],
        [3, 4, ''],
        [4, 5, ''],
        [10, 11, 'conflated'],
      ],
    );
    t.match(quotes(e.ticks(), b), [{ bid: 7, symbolSeq: 2, flags: [] }]);
    t.match(e.totals(), { conflated: 5, inFlight: 0, dropped: 0 });
  },
);

t.test('a quote never overtakes an older one of its symbol in the conflation buffer', async (t) => {
  const { e, ids, source, drain } = engine();
  for (let i = 1; i <= 6; i++) offerQuote(e.sink, source, ids[0], i, i + 1);
  e.sink.commit();
  e.work();
  offerQuote(e.sink, source, ids[0], 7, 8);
  drain();
  t.same(
    quotes(e.ticks(), ids[0]).map((x) => x.bid),
    [1, 2, 3, 4, 7],
  );
});

t.test('a half-quote takes its other side from the one that it replaces', async (t) => {
  const { e, ids, source, drain } = engine();
  for (let i = 0; i < 4; i++) offerQuote(e.sink, source, ids[0], 1, 2);
  offerQuote(e.sink, source, ids[0], 3, 4, { bidSize: 5, askSize: 6 });
  offerQuote(e.sink, source, ids[0], 3.5, NO_PRICE, { bidSize: 7 });
  offerQuote(e.sink, source, ids[1], 0, 9);
  offerQuote(e.sink, source, ids[1], 8, 0);
  drain();
  t.match(quotes(e.ticks(), ids[0]).at(-1), { bid: 3.5, ask: 4, bidSize: 7, askSize: 6 });
  t.match(quotes(e.ticks(), ids[1]), [{ bid: 8, ask: 9, symbolSeq: 3, flags: ['conflated'] }]);
});

t.test('a half-quote with others conflated into it counts them all once it goes out', async (t) => {
  const { e, ids, source, drain } = engine();
  for (let i = 0; i < 4; i++) offerQuote(e.sink, source, ids[0], 1, 2);
  for (let i = 0; i < 5; i++) offerQuote(e.sink, source, ids[1], 3 + i, NO_PRICE);
  drain();
  t.match(e.totals(), { pendingOneSided: 1, conflated: 4 });
  offerQuote(e.sink, source, ids[1], NO_PRICE, 9);
  drain();
  t.match(quotes(e.ticks(), ids[1]), [{ bid: 7, ask: 9, symbolSeq: 7, flags: ['conflated'] }]);
});

t.test('a bad quote replaces no good one', async (t) => {
  const { e, ids, source, drain } = engine();
  for (let i = 0; i < 4; i++) offerQuote(e.sink, source, ids[0], 1, 2);
  offerQuote(e.sink, source, ids[0], 3, 4);
  offerQuote(e.sink, source, ids[0], Number.NaN, 4);
  offerQuote(e.sink, source, ids[0], 0, 0);
  offerQuote(e.sink, source, ids[0], 3, 4, { askSize: -1 });
  offerQuote(e.sink, source, ids[0], 3, 4, { s: 1, ns: 2e9 });
  drain();
  t.match(quotes(e.ticks(), ids[0]).at(-1), { bid: 3, symbolSeq: 6, flags: [] });
  t.match(e.totals(), { conflated: 0, rejectedBy: { bad_price: 2, bad_size: 1, bad_time: 1 } });
});

t.test(
  'critical ticks wait in order; beyond the bound they are dropped, counted and marked where they miss',
  async (t) => {
    const { e, ids, source, drain } = engine(16);
    const bound = 16 + SIDE_QUEUE_SLOTS;
    for (let i = 1; i <= bound + 10; i++) offerTrade(e.sink, source, ids[0], i);
    e.sink.commit();
    t.match(e.totals(), { dropped: 10, received: bound + 10, inFlight: bound });
    assertSums(t, e.totals());
    e.work();
    e.sink.commit();
    for (let i = 1; i <= 5; i++) offerTrade(e.sink, source, ids[0], 10_000 + i);
    drain();
    const trades = e.ticks().filter((x) => x.kind !== 'status');
    t.same(
      trades.map((x) => x.price ?? `gap of ${x.count}`),
      [
        ...Array.from({ length: bound }, (_, i) => i + 1),
        'gap of 10',
        10_001,
        10_002,
        10_003,
        10_004,
        10_005,
      ],
    );
    t.match(
      trades.find((x) => x.kind === 'gap'),
      { reason: GapReason.feedOverflow, symbolId: 0 },
    );
  },
);

t.test('a gap is marked though nothing more comes, and statuses may be dropped too', async (t) => {
  const { e, ids, source, drain } = engine();
  const bound = 4 + SIDE_QUEUE_SLOTS;
  for (let i = 1; i <= bound; i++) offerTrade(e.sink, source, ids[0], i);
  t.ok(e.sink.status(source, ids[0], StatusCode.halted, 0));
  t.ok(e.sink.gap(source, ids[0], GapReason.sourceSequence, 1, 2, 2));
  offerQuote(e.sink, source, ids[0], 1, 2);
  drain();
  t.match(e.ticks().slice(-2), [
    { kind: 'gap', reason: GapReason.feedOverflow, count: 2 },
    { kind: 'quote', bid: 1 },
  ]);
  t.match(e.totals(), { dropped: 2, inFlight: 0 });
});

t.test('a dead thread’s conflation buffer is dropped and marked, with what was dropped before', async (t) => {
  const { e, ids, source } = engine();
  for (let i = 1; i <= 4 + SIDE_QUEUE_SLOTS + 3; i++) offerTrade(e.sink, source, ids[0], i);
  offerQuote(e.sink, source, ids[1], 1, 2);
  e.sink.commit();
  t.match(e.totals(), { dropped: 3, inFlight: 4 + SIDE_QUEUE_SLOTS + 1 });
  e.sinks[0] = e.newSink();
  t.match(e.totals(), { dropped: 3 + SIDE_QUEUE_SLOTS + 1, inFlight: 4, generated: 0 });
  assertSums(t, e.totals());
  e.sinks[0] = e.newSink();
  e.work();
  e.sink.commit();
  e.work();
  t.match(e.ticks().at(-1), { kind: 'gap', symbolId: 0, count: 3 + SIDE_QUEUE_SLOTS + 1 });
  assertSums(t, e.totals());
  const afresh = e.newSink();
  afresh.commit();
  e.work();
  t.equal(e.ticks().filter((x) => x.kind === 'gap').length, 1, 'said once');
});

for (const seed of [1, 2, 3]) {
  t.test(`random load, seed ${seed}: nothing is missing that is not counted`, async (t) => {
    const random = new Random(seed);
    const { e, ids, source, drain } = engine(8, 2);
    const offered = new Map<number, number>();
    const last = new Map<number, number>();
    for (let i = 1; i <= 4000; i++) {
      const id = random.pick(ids);
      offered.set(id, (offered.get(id) ?? 0) + 1);
      if (random.chance(6)) {
        offerTrade(e.sink, source, id, i);
      } else {
        offerQuote(e.sink, source, id, i, i + 1);
        last.set(id, i);
      }
      if (random.chance(9)) e.sink.commit();
      if (random.chance(25)) e.shards[random.below(2)].doWork();
      if (i % 500 === 0) {
        e.sink.commit();
        assertSums(t, e.totals());
      }
    }
    drain();
    t.equal(e.totals().dropped, 0);
    t.ok(e.totals().conflated > 100);
    for (const id of ids) {
      const mine = e.ticks(e.shardOf(id)).filter((x) => x.symbolId === id);
      // The definition is a tick too.
      t.equal(mine.at(-1)?.symbolSeq, offered.get(id)! + 1);
      let seq = 0;
      let quote = 0;
      let trade = 0;
      for (const tick of mine) {
        if (tick.symbolSeq - seq > 1 !== tick.flags.includes('conflated'))
          t.fail(`seq ${tick.seq}: jump and flag`);
        seq = tick.symbolSeq;
        if (tick.kind === 'quote' && tick.bid! <= quote) t.fail('a quote went back');
        if (tick.kind === 'trade' && tick.price! <= trade) t.fail('a trade went back');
        quote = tick.bid ?? quote;
        trade = tick.price ?? trade;
      }
      t.equal(quote, last.get(id), 'the newest quote arrived');
    }
  });
}
