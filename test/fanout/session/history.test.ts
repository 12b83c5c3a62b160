/** `history`: exactly the ticks that were conflated between two updates, from the ring and from the log. */
import t from 'tap';
import { copyRecord, Records } from '../../../src/core/tick.js';
import { type Served, serve } from '../../helpers/fanout.js';
import { Random } from '../../helpers/random.js';

interface Truth {
  symbolSeq: number;
  seq: number;
  value: number;
}

/** Writes ticks of several symbols, with some trades among the quotes; returns the ticks of each symbol. */
function feed(served: Served, names: string[], count: number, seed: number): Map<string, Truth[]> {
  const { shard } = served;
  const random = new Random(seed);
  const truth = new Map(names.map((name) => [name, [] as Truth[]]));
  const ids = new Map(names.map((name) => [name, shard.define(name)]));
  for (let i = 0; i < count; i++) {
    const name = random.pick(names);
    const value = (1 + random.below(1000)) / 1000;
    if (random.chance(10)) shard.trade(ids.get(name)!, value, i);
    else shard.quote(ids.get(name)!, value, value + 1, random.chance(3) ? 5 : Number.NaN);
    const ticks = truth.get(name)!;
    ticks.push({ symbolSeq: ticks.length + 1, seq: shard.head, value });
    if (i % 100 === 99) shard.commit();
  }
  shard.commit();
  return truth;
}

const plain = (tick: unknown): Truth => {
  if (Array.isArray(tick)) return { symbolSeq: tick[3], seq: tick[2], value: tick[7] };
  const { symbolSeq, seq, bid, price } = tick as {
    symbolSeq: number;
    seq: number;
    bid?: number;
    price?: number;
  };
  return { symbolSeq, seq, value: (bid ?? price)! };
};

for (const encoding of ['packed', 'msgpack', 'json'] as const) {
  t.test(`any range of any symbol (${encoding})`, async (t) => {
    const served = await serve({ log: true, plan: { ringSlots: 2048 } });
    t.teardown(() => served.close());
    const truth = feed(served, ['A', 'B', 'C'], 10_000, 7);
    const client = await served.connect(encoding);
    const random = new Random(8);
    for (let i = 0; i < 30; i++) {
      const symbol = random.pick(['A', 'B', 'C']);
      const all = truth.get(symbol)!;
      const from = 1 + random.below(all.length);
      const to = Math.min(all.length, from + random.below(2000));
      const hints = random.chance(2) ? { fromSeq: all[from - 1].seq, toSeq: all[to - 1].seq } : {};
      const request = { op: 'history', symbol, fromSymbolSeq: from, toSymbolSeq: to, ...hints };
      const answer = await client.request(request);
      t.match(answer, { op: 'history', symbol, epoch: 1, fromSymbolSeq: from, toSymbolSeq: to, missing: 0 });
      t.same(answer.ticks.map(plain), all.slice(from - 1, to), `${symbol} ${from} to ${to}`);
    }
  });
}

t.test('one answer skips all ticks that are gone', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 2048 } });
  t.teardown(() => served.close());
  const truth = feed(served, ['A', 'B'], 30_000, 9).get('A')!;
  const held = truth.findIndex(({ seq }) => seq >= 20_000);
  served.log!.oldest = truth[held].seq;
  const client = await served.connect('packed');
  const ask = (fromSymbolSeq: number) =>
    client.request({ op: 'history', symbol: 'A', fromSymbolSeq, toSymbolSeq: truth.length });
  const gone = await ask(1);
  const { symbolSeq } = truth[held];
  t.match(gone, { fromSymbolSeq: 1, toSymbolSeq: symbolSeq - 1, missing: symbolSeq - 1, ticks: [] });
  const next = await ask(gone.toSymbolSeq + 1);
  t.equal(plain(next.ticks[0]).symbolSeq, symbolSeq, 'the next one begins with the oldest that is held');
  t.equal(next.missing, 0);
});

t.test('ticks that a latest subscription did not get can be requested', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const { shard } = served;
  const eur = shard.define('EURUSD');
  const client = await served.connect('json');
  await client.subscribe(['EURUSD']);
  shard.quote(eur, 1, 2);
  shard.commit();
  await client.until(() => client.ticks.length === 1);
  for (let i = 2; i <= 12; i++) shard.quote(eur, i, i + 1);
  shard.commit();
  await client.until(() => client.ticks.length === 2);
  const [before, after] = client.ticks;
  const answer = await client.request({
    op: 'history',
    symbol: 'EURUSD',
    fromSymbolSeq: before.symbolSeq + 1,
    toSymbolSeq: after.symbolSeq - 1,
  });
  t.same(
    answer.ticks.map((tick: { bid: number }) => tick.bid),
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    'without a log too, while the ring has them',
  );
});

t.test('an earlier epoch, more ticks than an answer holds, and ticks that are gone', async (t) => {
  const served = await serve({ log: true, epoch: 2, plan: { ringSlots: 512 } });
  t.teardown(() => served.close());
  feed(served, ['A'], 9000, 9);
  const records = Records.allocate(50);
  for (let i = 0; i < 50; i++) copyRecord(served.shard.history, i, records, i);
  served.log!.past.push({ info: { epoch: 1, shards: 1, firstSeq: [1], lastSeq: [50] }, records });
  const client = await served.connect('msgpack');
  const ask = (fromSymbolSeq: number, toSymbolSeq: number, more = {}) =>
    client.request({ op: 'history', symbol: 'A', fromSymbolSeq, toSymbolSeq, ...more });
  const old = await ask(11, 20, { epoch: 1 });
  t.equal(old.ticks.length, 10);
  t.equal(old.epoch, 1);
  const long = await ask(1, 9000);
  t.equal(long.toSymbolSeq, 4096);
  t.equal(long.ticks.length, 4096);
  const beyond = await ask(8999, 9010);
  t.match(beyond, { toSymbolSeq: 9010, missing: 10 });
  served.log!.oldest = 101;
  const gone = await ask(91, 110);
  t.match(gone, { missing: 10 });
  t.same(gone.ticks.map(plain)[0].symbolSeq, 101);
  t.match(await ask(1, 5, { epoch: 77 }), { missing: 5, ticks: [] });
  t.match(await ask(5, 4), { op: 'error', code: 'bad_request' });
  t.match(await client.request({ op: 'history', symbol: 'NOPE', fromSymbolSeq: 1, toSymbolSeq: 2 }), {
    op: 'error',
    code: 'unknown_symbol',
  });
});

t.test('too many requests at once get busy, with a time to retry', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 512 } });
  t.teardown(() => served.close());
  feed(served, ['A'], 5000, 10);
  const client = await served.connect('json');
  const answers = await Promise.all(
    Array.from({ length: 40 }, () =>
      client.request({ op: 'history', symbol: 'A', fromSymbolSeq: 1, toSymbolSeq: 9 }),
    ),
  );
  const busy = answers.filter((m) => m.op === 'error');
  t.ok(busy.length > 0 && busy.length < 40);
  for (const m of busy) t.match(m, { code: 'busy', temporary: true, retryMs: Number });
  for (const m of answers.filter((a) => a.op === 'history')) t.equal(m.ticks.length, 9);
});
