/** A shard's sequencing and its three views, by hand. */
import t from 'tap';
import { TAG_KIND_SHIFT } from '../../../src/core/record-layout.js';
import { GapReason, Kind, RECORD_U32, StatusCode } from '../../../src/core/tick.js';
import { toTick } from '../../../src/core/tick-record.js';
import { TAG_SYMBOL } from '../../../src/pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../../../src/pipeline/memory/commit-cells.js';
import { SHARD_WORDS, ShardWord } from '../../../src/pipeline/memory/counters.js';
import { Slot, TableEntry } from '../../../src/pipeline/memory/last-value-table.js';
import { bucketOfName } from '../../../src/pipeline/memory/registry-entries.js';
import { offerQuote, offerTrade, SmallEngine } from '../../helpers/memory.js';
import { assertSums } from '../../helpers/sums.js';

t.test('seq is dense from 1; symbolSeq counts each symbol by itself', async (t) => {
  const e = new SmallEngine();
  const ids = ['A', 'B', 'C'].map((name) => e.define(name));
  const source = e.sink.open('test', 's');
  for (let i = 0; i < 60; i++) offerQuote(e.sink, source, ids[i % 3], 1 + i, 2 + i);
  e.sink.commit();
  e.work();
  const ticks = e.ticks();
  t.same(
    ticks.map((x) => x.seq),
    Array.from({ length: 63 }, (_, i) => i + 1),
  );
  t.ok(ticks.every((x) => x.seqLow === x.seq));
  for (const id of ids) {
    const mine = ticks.filter((x) => x.symbolId === id).map((x) => x.symbolSeq);
    t.same(
      mine,
      Array.from({ length: 21 }, (_, i) => i + 1),
    );
  }
  assertSums(t, e.totals());
});

t.test('a definition comes before the first tick that uses it, and again when it changes', async (t) => {
  const e = new SmallEngine();
  const id = e.define('A', 2);
  const source = e.sink.open('test', 's');
  t.same(e.ticks(), [], 'not before there is a tick');
  offerQuote(e.sink, source, id, 1.234, 2);
  e.sink.commit();
  e.work();
  e.define('A', 3);
  offerQuote(e.sink, source, id, 1.234, 2);
  offerTrade(e.sink, source, id, 1.234);
  e.sink.commit();
  e.work();
  t.match(e.ticks(), [
    { kind: 'status', code: StatusCode.symbolDefined, args: [1, 2, 0, 0], symbolSeq: 1, position: 0 },
    { kind: 'quote', bid: 1.23, symbolSeq: 2 },
    { kind: 'status', code: StatusCode.symbolDefined, args: [2, 3, 0, 0], symbolSeq: 3 },
    { kind: 'quote', bid: 1.234, symbolSeq: 4 },
    { kind: 'trade', price: 1.234, symbolSeq: 5 },
  ]);
  const entry = new TableEntry();
  e.table.read(id, entry);
  t.notOk(entry.has(Slot.status), 'a definition is no trading status');
  t.equal(e.totals().generated, 2);
  assertSums(t, e.totals());
});

t.test('the critical ring holds what is no quote, with the same numbers', async (t) => {
  const e = new SmallEngine();
  const id = e.define('A');
  const source = e.sink.open('test', 's');
  offerQuote(e.sink, source, id, 1, 2);
  offerTrade(e.sink, source, id, 1.5, { position: 9 });
  e.sink.status(source, id, StatusCode.halted, 4);
  e.sink.status(source, 0, StatusCode.sourceUp, 0);
  e.sink.gap(source, 0, GapReason.sourceSequence, 5, 6, 2);
  offerQuote(e.sink, source, id, 3, 4);
  e.sink.commit();
  e.work();
  const strip = ({ seq, seqLow, position, ...tick }: ReturnType<SmallEngine['ticks']>[number]) => tick;
  const expected = e.ticks().filter((x) => x.kind !== 'quote');
  t.same(e.criticals(), expected.map(strip));
  const reader = e.criticalReader();
  t.same(
    expected.map((_, i) => reader.records.u32[reader.slot(i + 1) * RECORD_U32 + 2]),
    expected.map((x) => x.seq),
    'seqLow leads back into the sequence',
  );
  t.equal(expected.length, 5);
  const entry = new TableEntry();
  e.table.read(id, entry);
  t.match(toTick(entry.records, Slot.status), { code: StatusCode.halted, args: [4, 0, 0, 0] });
  t.match(toTick(entry.records, Slot.trade), { price: 1.5 });
  t.same(
    e
      .ticks()
      .filter((x) => x.symbolId === 0)
      .map((x) => x.symbolSeq),
    [1, 2],
    'the engine’s own ticks are counted too',
  );
  t.equal(e.table.applied(0), 7);
  assertSums(t, e.totals());
});

t.test('positions are beside the slots; a split tick has its own only at its end', async (t) => {
  const e = new SmallEngine();
  const id = e.define('A');
  const source = e.sink.open('test', 's');
  e.sink.take(source, id, 7);
  e.sink.split();
  e.sink.quote(source, id, 0, 6, 1, 0, 1, 2, 1, 1);
  e.sink.trade(source, id, 0, 7, 1, 0, 1, 1, 1);
  e.sink.status(source, id, StatusCode.trading, 0);
  offerQuote(e.sink, source, id, 1, 2, { position: 2 ** 32 + 5 });
  e.sink.commit();
  e.work();
  t.same(
    e.ticks().map((x) => [x.kind, x.position]),
    [
      ['status', 0],
      ['quote', 6],
      ['trade', 7],
      ['status', 0],
      ['quote', 5],
    ],
  );
  t.match(e.totals(), { received: 2, split: 1, generated: 2, sequenced: 5 });
  assertSums(t, e.totals());
});

t.test('tags say which symbol and kind is in each slot of both rings', async (t) => {
  const e = new SmallEngine();
  const [a, b] = [e.define('A'), e.define('B')];
  const source = e.sink.open('test', 's');
  offerQuote(e.sink, source, b, 1, 2);
  offerTrade(e.sink, source, a, 1);
  offerQuote(e.sink, source, a, 0, 2);
  offerQuote(e.sink, source, a, 1, 0);
  e.sink.status(source, b, StatusCode.trading, 0);
  e.sink.gap(source, 0, GapReason.sourceSequence, 1, 2, 2);
  e.sink.commit();
  e.work();
  for (const reader of [e.reader(), e.criticalReader()]) {
    const tags = Array.from({ length: reader.head() }, (_, i) => reader.tags[reader.slot(i + 1)]);
    const records = tags.map((_, i) => toTick(reader.records, reader.slot(i + 1)));
    t.same(
      tags.map((tag) => [tag & TAG_SYMBOL, tag >>> TAG_KIND_SHIFT]),
      records.map(({ symbolId, kind }) => [symbolId, Kind[kind]]),
    );
    t.ok(tags.length >= 5);
  }
});

t.test('with more waiting the table may wait for several batches, and not for long', async (t) => {
  const ringSlots = 64;
  const e = new SmallEngine({ ringSlots });
  const id = e.define('A');
  const source = e.sink.open('test', 's');
  const [shard] = e.shards;
  const lags: number[] = [];
  for (let i = 0; i < 60; i++) offerQuote(e.sink, source, id, 1 + i, 2 + i);
  e.sink.commit();
  while (shard.doWork() > 0) lags.push(e.reader().head() - e.table.applied(0));
  t.same(lags, [17, 0, 16, 0], 'a batch is a quarter of the ring, and a definition came first');
  const entry = new TableEntry();
  t.ok(e.table.read(id, entry));
  t.match(entry, { seq: 61, symbolSeq: 61 });
});

t.test('what waits for the log is in the table meanwhile', async (t) => {
  const e = new SmallEngine({ rawSlots: 128, ringSlots: 64, log: true });
  const id = e.define('A');
  const source = e.sink.open('test', 's');
  for (let i = 0; i < 100; i++) offerQuote(e.sink, source, id, 1 + i, 2 + i);
  e.sink.commit();
  e.work();
  t.notOk(e.shards[0].isDrained());
  t.equal(e.table.applied(0), e.reader().head());
});

t.test('every feed is taken from, and none twice', async (t) => {
  const feeds = ['a', 'b', 'c'].map((name) => ({ name, policy: 'block' as const, stateWords: 0 }));
  const e = new SmallEngine({ feeds });
  const id = e.define('A');
  const sources = e.sinks.map((sink, i) => sink.open(feeds[i].name, 's'));
  for (let round = 1; round <= 200; round++) {
    e.sinks.forEach((sink, f) => {
      offerTrade(sink, sources[f], id, round, { position: round });
      if (round % (f + 2) === 0) sink.commit();
    });
    if (round % 5 === 0) e.work();
  }
  for (const sink of e.sinks) sink.commit();
  e.work();
  for (const source of sources) {
    const mine = e.ticks().filter((x) => x.kind === 'trade' && x.sourceId === source.id);
    t.same(
      mine.map((x) => x.position),
      Array.from({ length: 200 }, (_, i) => i + 1),
    );
  }
  assertSums(t, e.totals());
});

t.test('shards: every symbol in its own, by its name’s bucket', async (t) => {
  const e = new SmallEngine({ shards: 4 });
  const names = Array.from({ length: 40 }, (_, i) => `SYM${i}`);
  const ids = names.map((name) => e.define(name));
  const source = e.sink.open('test', 's');
  for (let round = 0; round < 3; round++) {
    for (const id of ids) offerQuote(e.sink, source, id, 1 + round, 2 + round);
    e.sink.commit();
    e.work();
  }
  const total = [0, 1, 2, 3].map((shard) => {
    const ticks = e.ticks(shard);
    t.ok(ticks.length > 0);
    for (const tick of ticks) {
      if (bucketOfName(names[tick.symbolId - 1]) % 4 !== shard) t.fail('a symbol in a foreign shard');
    }
    t.ok(
      ticks.every((x, i) => x.seq === i + 1 && x.seqLow === i + 1),
      'each numbers by itself',
    );
    return ticks.length;
  });
  t.equal(
    total.reduce((a, b) => a + b),
    4 * 40,
  );
  t.equal(e.totals().sequenced, 160);
  assertSums(t, e.totals());
});

t.test('the log gates the ring: what is not visible is never overwritten', async (t) => {
  const e = new SmallEngine({ log: true, ringSlots: 64, rawSlots: 256 });
  const id = e.define('A');
  const source = e.sink.open('test', 's');
  for (let i = 1; i <= 250; i++) offerTrade(e.sink, source, id, i, { position: i });
  e.sink.commit();
  const kept: number[] = [];
  let visible = 0;
  while (visible < 251) {
    e.work();
    const head = e.shardWord(ShardWord.head);
    t.ok(head > visible, 'it goes on as soon as there is room');
    t.ok(head - visible <= 64, 'and no further');
    t.ok(e.reader().oldest() <= visible + 1, 'not even by intent');
    for (const tick of e.ticks(0, visible + 1)) if (tick.kind === 'trade') kept.push(tick.price!);
    visible = visible + 1 + Math.floor((head - visible - 1) / 2);
    e.setVisible(visible);
    assertSums(t, e.totals());
  }
  const seen = [...new Set(kept)];
  t.same(
    seen,
    Array.from({ length: 250 }, (_, i) => i + 1),
  );
  assertSums(t, e.totals(), { logged: true });
});

t.test('half-quotes of more symbols than a batch lists', async (t) => {
  const e = new SmallEngine({ maxSymbols: 256, rawSlots: 1024 });
  const ids = Array.from({ length: 200 }, (_, i) => e.define(`S${i}`));
  const source = e.sink.open('test', 's');
  for (const id of ids) offerQuote(e.sink, source, id, 1, 0);
  for (const id of ids) offerQuote(e.sink, source, id, 2, 0);
  e.sink.commit();
  e.work();
  t.match(e.totals(), { pendingOneSided: 200, conflated: 200, sequenced: 200, inFlight: 0 });
  assertSums(t, e.totals());
  for (const id of ids) offerQuote(e.sink, source, id, 0, 3);
  e.sink.commit();
  e.work();
  t.match(e.totals(), { pendingOneSided: 0, conflated: 400, sequenced: 400 });
  t.ok(
    e
      .ticks()
      .filter((x) => x.kind === 'quote')
      .every((x) => x.bid === 2 && x.symbolSeq === 4),
  );
  assertSums(t, e.totals());
});

t.test('symbolSeq passes 2^32', async (t) => {
  const e = new SmallEngine();
  const id = e.define('A');
  const source = e.sink.open('test', 's');
  const entry = new TableEntry();
  entry.clear();
  entry.u32[1] = 1;
  entry.u32[2] = 0xfffffffe;
  e.table.write(id, entry);
  e.shards[0] = e.newShard();
  for (let i = 0; i < 3; i++) offerQuote(e.sink, source, id, 1, 2);
  e.sink.commit();
  e.work();
  t.same(
    e.ticks().map((x) => x.symbolSeq),
    [0xffffffff, 0, 1],
  );
});

t.test('heads and positions beyond 2^32', async (t) => {
  const e = new SmallEngine({ ringSlots: 8192 });
  const id = e.define('A');
  const source = e.sink.open('test', 's');
  const from = 2 ** 32 - 10;
  const cells = new CommitCells(e.memory.shardCells[0], SHARD_WORDS);
  cells.prime()[ShardWord.head] = from;
  cells.commit();
  e.table.setApplied(0, from);
  const { buffer, byteOffset } = e.memory.broadcast[0];
  new Int32Array(buffer, byteOffset, 1)[0] = from | 0;
  e.shards[0] = e.newShard();
  for (let i = 1; i <= 30; i++) {
    offerTrade(e.sink, source, id, i);
    e.sink.commit();
    e.work();
    t.equal(e.reader().oldest() > from, false, 'nothing new is given up');
  }
  const ticks = e.ticks(0, from + 1);
  t.same(
    ticks.filter((x) => x.kind === 'trade').map((x) => x.price),
    Array.from({ length: 30 }, (_, i) => i + 1),
  );
  t.ok(ticks.every((x) => x.seqLow === x.seq % 2 ** 32));
  t.equal(e.table.lastSeq(id), from + 31);
});
