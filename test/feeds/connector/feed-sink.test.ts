/** A feed's sink under the policy `block`: full means full, positions are taken once, commits are whole. */
import t from 'tap';
import { StatusCode } from '../../../src/core/tick.js';
import { Take } from '../../../src/feeds/connector/feed-sink.js';
import { FeedWord } from '../../../src/pipeline/memory/counters.js';
import { Doorbell } from '../../../src/pipeline/memory/doorbell.js';
import { offerQuote, offerTrade, SmallEngine } from '../../helpers/memory.js';
import { assertSums } from '../../helpers/sums.js';

t.test('full: nothing is counted, and the tick can be offered again', async (t) => {
  const e = new SmallEngine({ rawSlots: 8 });
  const id = e.define('A');
  const source = e.sink.open('test', 's');
  const taken: number[] = [];
  for (let i = 1; i <= 9; i++) taken.push(offerTrade(e.sink, source, id, i, { position: i }));
  t.same(taken, [0, 0, 0, 0, 0, 0, 0, Take.full, Take.full], 'room for a split tick is kept');
  t.ok(e.sink.status(source, id, StatusCode.halted, 0), 'a record of its own takes the last slot');
  t.notOk(e.sink.status(source, id, StatusCode.trading, 0));
  t.notOk(e.sink.gap(source, id, 1, 1, 1, 1));
  e.sink.commit();
  t.match(e.totals(), { received: 7, generated: 1, inFlight: 8, duplicate: 0, dropped: 0 });
  assertSums(t, e.totals());
  e.work();
  t.equal(offerTrade(e.sink, source, id, 8, { position: 8 }), Take.accepted, 'its position was not used up');
  e.sink.commit();
  e.work();
  t.same(
    e
      .ticks()
      .filter((x) => x.kind === 'trade')
      .map((x) => x.price),
    [1, 2, 3, 4, 5, 6, 7, 8],
  );
  assertSums(t, e.totals());
});

t.test('one full shard does not stop another', async (t) => {
  const e = new SmallEngine({ rawSlots: 4, shards: 2 });
  const names = ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'];
  const ids = names.map((n) => e.define(n));
  const a = ids.find((id) => e.shardOf(id) === 0)!;
  const b = ids.find((id) => e.shardOf(id) === 1)!;
  const source = e.sink.open('test', 's');
  while (offerTrade(e.sink, source, a, 1) === Take.accepted);
  t.equal(offerTrade(e.sink, source, b, 1), Take.accepted);
});

t.test('a shard that naps is woken before its ring is full', async (t) => {
  const e = new SmallEngine({ rawSlots: 64 });
  const id = e.define('A');
  const source = e.sink.open('test', 's');
  const urgent: (boolean | undefined)[] = [];
  const { ring } = Doorbell.prototype;
  t.teardown(() => {
    Doorbell.prototype.ring = ring;
  });
  Doorbell.prototype.ring = (isUrgent) => urgent.push(isUrgent);
  const offer = (count: number) => {
    for (let i = 0; i < count; i++) offerTrade(e.sink, source, id, i);
    e.sink.commit();
  };
  for (const count of [4, 4, 1]) offer(count);
  t.same(urgent, [false, false, true], 'an eighth of the ring may wait');
  Doorbell.prototype.ring = ring;
  e.work();
  Doorbell.prototype.ring = (isUrgent) => urgent.push(isUrgent);
  offer(1);
  t.equal(urgent.pop(), false, 'none wait any more');
});

t.test('what was not committed never happened', async (t) => {
  const e = new SmallEngine();
  const id = e.define('A');
  const source = e.sink.open('test', 's');
  offerTrade(e.sink, source, id, 1, { position: 1 });
  e.sink.state()[2] = 11;
  e.sink.commit();
  offerTrade(e.sink, source, id, 2, { position: 2 });
  e.sink.state()[2] = 22;
  e.work();
  t.match(e.totals(), { received: 1, sequenced: 2 });
  const afresh = e.newSink();
  t.equal(afresh.state()[2], 11, 'the checkpoint is the committed one');
  const again = afresh.open('test', 's');
  t.same([again.id, again.local], [source.id, source.local]);
  t.equal(offerTrade(afresh, again, id, 1, { position: 1 }), Take.duplicate);
  t.equal(offerTrade(afresh, again, id, 2.5, { position: 2 }), Take.accepted);
  afresh.commit();
  e.work();
  t.same(
    e
      .ticks()
      .filter((x) => x.kind === 'trade')
      .map((x) => x.price),
    [1, 2.5],
  );
  assertSums(t, e.totals());
});

t.test('positions: each is taken once, by source and bucket', async (t) => {
  const e = new SmallEngine({ shards: 4 });
  const ids = Array.from({ length: 12 }, (_, i) => e.define(`S${i}`));
  const one = e.sink.open('test', 'one', 'stream');
  const two = e.sink.open('test', 'two', 'stream');
  const send = () => ids.map((id, i) => offerQuote(e.sink, one, id, 1, 2, { position: i + 1 }));
  t.ok(send().every((x) => x === Take.accepted));
  e.sink.commit();
  t.ok(
    send().every((x) => x === Take.duplicate),
    'sent again, all of it is known',
  );
  t.equal(
    offerQuote(e.sink, two, ids[0], 1, 2, { position: 1 }),
    Take.accepted,
    'another source counts apart',
  );
  t.equal(offerQuote(e.sink, one, ids[0], 1, 2, { position: 0 }), Take.accepted, 'no position, no check');
  t.equal(offerQuote(e.sink, one, ids[0], 1, 2, { position: 0 }), Take.accepted);
  e.sink.duplicate(5);
  e.sink.reject('bad_record', 3);
  e.sink.refuse(one, 13, 'unknown_symbol');
  e.sink.refuse(one, 13, 'unknown_symbol');
  e.sink.commit();
  e.work();
  t.match(e.totals(), {
    received: 12 + 12 + 3 + 5 + 3 + 2,
    duplicate: 12 + 5 + 1,
    rejectedBy: { bad_record: 3, unknown_symbol: 1 },
  });
  assertSums(t, e.totals());
});

t.test('a new stream of a source counts on from the old one', async (t) => {
  const e = new SmallEngine();
  const id = e.define('A');
  const first = e.sink.open('test', 's', 'x');
  t.equal(first.base, 0);
  offerTrade(e.sink, first, id, 1, { position: 5 });
  e.sink.commit();
  t.equal(e.sink.open('test', 's', 'x').base, 0, 'the same stream goes on');
  const next = e.sink.open('test', 's', 'y');
  t.equal(next.base, 5);
  t.equal(next.id, first.id);
  t.equal(offerTrade(e.sink, next, id, 2, { position: next.base + 1 }), Take.accepted);
  e.sink.commit();
  t.equal(e.newSink().open('test', 's', 'y').base, 5, 'a new thread knows');
});

t.test('acknowledged is what every shard has numbered and the log holds', async (t) => {
  const e = new SmallEngine({ log: true, shards: 2 });
  const ids = Array.from({ length: 8 }, (_, i) => e.define(`S${i}`));
  const source = e.sink.open('test', 's', 'x');
  ids.forEach((id, i) => {
    offerTrade(e.sink, source, id, 1, { position: i + 1 });
  });
  t.equal(e.sink.durablePosition(source), 0);
  e.sink.commit();
  t.equal(e.sink.durablePosition(source), 0);
  e.work();
  // The question asked before the commit is answered first; the next one asks about what was committed.
  t.equal(e.sink.durablePosition(source), 0);
  e.setVisible(e.ticks(0).length, 0);
  t.equal(e.sink.durablePosition(source), 0, 'one shard of two is not enough');
  e.setVisible(e.ticks(1).length, 1);
  e.sink.durablePosition(source);
  t.equal(e.sink.durablePosition(source), 8);
});

t.test('too many sources', async (t) => {
  const e = new SmallEngine();
  for (let i = 0; i < 64; i++) e.sink.open('test', `s${i}`);
  t.throws(() => e.sink.open('test', 'one more'), { code: 'limit_exceeded' });
  t.equal(e.sink.open('test', 's0').local, 0, 'those that are open stay');
  t.equal(FeedWord.sourceIds + 64, FeedWord.positions);
});
