/** Mode `every`: all ticks, in order, from the ring, and from the log when the ring no longer holds them. */
import t from 'tap';
import { type Served, serve } from '../../helpers/fanout.js';
import { Random } from '../../helpers/random.js';
import type { Client } from '../../helpers/stream-client.js';

/** Writes `count` ticks of random symbols and kinds in commits of random size, yielding between them. */
async function feed(served: Served, ids: number[], count: number, random: Random, batch = 64): Promise<void> {
  const { shard } = served;
  for (let left = count; left > 0; ) {
    const n = Math.min(left, 1 + random.below(batch));
    for (let i = 0; i < n; i++) {
      const id = random.pick(ids);
      if (random.chance(10)) shard.trade(id, 1 + random.below(1000) / 1000, shard.head);
      else {
        const bid = (100_000 + random.below(1000)) / 100_000;
        shard.quote(id, bid, bid + 1, random.chance(2) ? 5 : Number.NaN);
      }
    }
    shard.commit();
    left -= n;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

for (const encoding of ['packed', 'msgpack', 'json'] as const) {
  t.test(`nothing is missing or repeated (${encoding})`, async (t) => {
    const served = await serve();
    t.teardown(() => served.close());
    const ids = ['EURUSD', 'GBPUSD', 'XAUUSD'].map((name) => served.shard.define(name));
    const client = await served.connect(encoding);
    await client.subscribe(['*'], { mode: 'every' });
    await feed(served, ids, 5000, new Random(1));
    await client.until(() => client.ticks.length >= 5000);
    t.same(
      client.ticks.map((tick) => tick.seq),
      Array.from({ length: 5000 }, (_, i) => i + 1),
    );
    t.match(served.errors, []);
  });
}

t.test('overtaken by the ring: from the log, then the ring again, without gap or repeat', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 512 } });
  t.teardown(() => served.close());
  const ids = ['EURUSD', 'GBPUSD'].map((name) => served.shard.define(name));
  const client = await served.connect();
  const random = new Random(2);
  await client.subscribe(['*'], { mode: 'every' });
  for (let round = 0; round < 5; round++) {
    await feed(served, ids, 20, random);
    // A burst longer than the ring, in one turn of the event loop: no reader can follow it.
    for (let i = 0; i < 2000; i++) served.shard.quote(random.pick(ids), 1.5, 1.6);
    served.shard.commit();
    await feed(served, ids, 50, random);
  }
  await client.until(() => client.ticks.length >= 5 * 2070 && client.control('caught_up') !== undefined);
  t.same(
    client.ticks.map((tick) => tick.seq),
    Array.from({ length: 5 * 2070 }, (_, i) => i + 1),
  );
  t.ok(client.control('catching_up').behind > 512);
  t.ok(served.log!.runningMost <= 2, 'no more jobs at once than allowed');
});

t.test(
  'a client that is far behind gets two frames per flush: it reads one while the other is in flight',
  async (t) => {
    const served = await serve({ plan: { ringSlots: 65_536 } });
    t.teardown(() => served.close());
    const eur = served.shard.define('EURUSD');
    const client = await served.connect();
    await client.subscribe(['*'], { mode: 'every' });
    const count = 50_000;
    let frames = 0;
    client.socket.on('message', () => frames++);
    for (let i = 0; i < count; i++) served.shard.quote(eur, 1.5, 1.6);
    const before = served.fanout.stats().flushes;
    served.shard.commit();
    await client.until(() => client.ticks.length === count);
    t.ok(client.ticks.every((tick, i) => tick.seq === i + 1));
    const flushes = served.fanout.stats().flushes - before;
    t.ok(frames > flushes, `${frames} frames in ${flushes} flushes`);
  },
);

t.test('overtaken without a log: the gap names what is missing', async (t) => {
  const served = await serve({ plan: { ringSlots: 512 } });
  t.teardown(() => served.close());
  const eur = served.shard.define('EURUSD');
  const client = await served.connect();
  await client.subscribe(['*'], { mode: 'every' });
  for (let i = 0; i < 2000; i++) served.shard.quote(eur, 1.5, 1.6);
  served.shard.commit();
  await client.until(() => client.ticks.at(-1)?.seq === 2000);
  const gaps = client.ticks.filter((tick) => tick.kind === 'gap');
  const seqs = client.ticks.filter((tick) => tick.kind === 'quote').map((tick) => tick.seq);
  const missing = gaps.reduce((sum, gap) => sum + gap.last - gap.first + 1, 0);
  t.ok(gaps.length >= 1);
  t.equal(missing + seqs.length, 2000);
  t.equal(seqs[0], gaps.at(-1)!.last + 1);
});

t.test('durable: only ticks that survive a crash', async (t) => {
  const served = await serve({ log: true });
  t.teardown(() => served.close());
  const { shard, log } = served;
  const eur = shard.define('EURUSD');
  log!.durableSeq = 3;
  for (let i = 0; i < 10; i++) shard.quote(eur, 1.5, 1.6);
  const client = await served.connect();
  await client.subscribe(['*'], { mode: 'every', deliver: 'durable', snapshot: false });
  shard.commit();
  await client.until(() => client.ticks.length === 3);
  await client.request({ op: 'ping' });
  t.equal(client.ticks.length, 3);
  log!.durableSeq = 10;
  await client.until(() => client.ticks.length === 10);
  t.same(
    client.ticks.map((tick) => tick.seq),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
});

t.test('trades only, overtaken in the critical ring: from the log', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 4096, criticalSlots: 64 } });
  t.teardown(() => served.close());
  const eur = served.shard.define('EURUSD');
  const client = await served.connect();
  await client.subscribe(['EURUSD'], { mode: 'latest' });
  for (let i = 1; i <= 1000; i++) {
    served.shard.trade(eur, 1.5, i);
    served.shard.quote(eur, 1.5, 1.6);
  }
  served.shard.commit();
  await client.until(() => client.ticks.filter((tick) => tick.kind === 'trade').length >= 1000);
  const trades = client.ticks.filter((tick) => tick.kind === 'trade');
  t.same(
    trades.map((tick) => tick.seq),
    Array.from({ length: 1000 }, (_, i) => 2 * i + 1),
  );
});

t.test('trades only, overtaken while the next chunk is still encoded: from the log', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 16_384, criticalSlots: 64 } });
  t.teardown(() => served.close());
  const { shard } = served;
  const eur = shard.define('EURUSD');
  const paused = await served.connect();
  const quick = await served.connect();
  const trades = async (count: number, client: Client) => {
    for (let i = 0; i < count; i++) {
      shard.trade(eur, 1.5, i);
      shard.quote(eur, 1.5, 1.6);
    }
    shard.commit();
    await client.until(() => client.ticks.length === shard.head / 2);
  };
  for (const client of [paused, quick]) {
    await client.subscribe(['EURUSD'], { mode: 'every', kinds: ['trade'], snapshot: false });
  }
  for (const client of [paused, quick]) await trades(10, client);
  await paused.until(() => paused.ticks.length === 20);
  await paused.request({ op: 'pause', sub: 1 });
  while (shard.head < 4000) await trades(20, quick);
  await paused.request({ op: 'resume', sub: 1 });
  await paused.until(() => paused.ticks[paused.ticks.length - 1].seq === shard.head - 1);
  for (const client of [paused, quick]) {
    t.same(
      client.ticks.map((tick) => tick.seq),
      Array.from({ length: 2000 }, (_, i) => 2 * i + 1),
    );
  }
});
