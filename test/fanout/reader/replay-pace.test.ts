/** `speed`: ticks of the past arrive at their recorded pace, never early, and the subscription then becomes live. */
import t from 'tap';
import { cursorToText } from '../../../src/wire/cursor.js';
import { LOG_ID, serve } from '../../helpers/fanout.js';

t.test('no tick before its time, all of them in order, then live', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 512 } });
  t.teardown(() => served.close());
  const { shard } = served;
  const eur = shard.define('EURUSD');
  // The test shard's clock: one tick per millisecond.
  for (let i = 0; i < 9000; i++) shard.quote(eur, 1.5, 1.6);
  shard.commit();
  const client = await served.connect();
  const arrivals: number[] = [];
  client.onTick = () => arrivals.push(performance.now());
  const speed = 20;
  const startedMs = performance.now();
  const { op } = await client.subscribe(['*'], { mode: 'every', from: '2026-01-01', speed });
  t.equal(op, 'subscribed');
  await client.until(() => client.control('caught_up') !== undefined);
  t.same(
    client.ticks.map((tick) => tick.seq),
    Array.from({ length: 9000 }, (_, i) => i + 1),
  );
  const early = arrivals.filter((atMs, i) => atMs - startedMs < i / speed - 1).length;
  t.equal(early, 0, 'none came early');
  shard.quote(eur, 1.5, 1.6);
  shard.commit();
  await client.until(() => client.ticks.length === 9001);
  t.pass('live');
});

t.test('a pause stops the clock of the past; seek changes the speed', async (t) => {
  const served = await serve({ log: true });
  t.teardown(() => served.close());
  const { shard } = served;
  const eur = shard.define('EURUSD');
  for (let i = 0; i < 4000; i++) shard.quote(eur, 1.5, 1.6);
  shard.commit();
  const client = await served.connect();
  const { sub } = await client.subscribe(['*'], { mode: 'every', from: '2026-01-01', speed: 1 });
  await client.until(() => client.ticks.length >= 20);
  const { cursor } = await client.request({ op: 'pause', sub });
  const before = client.ticks.length;
  await new Promise((resolve) => setTimeout(resolve, 100));
  await client.request({ op: 'resume', sub });
  await client.until(() => client.ticks.length > before);
  // At speed 1 a hundred ticks would have become due during the pause if the clock had not stopped.
  t.ok(client.ticks.length - before < 90, `${client.ticks.length - before} at once`);
  const sought = await client.request({ op: 'seek', sub, from: cursor, speed: 'max' });
  t.equal(sought.speed, 'max');
  await client.until(() => client.control('caught_up') !== undefined);
  t.same(
    client.ticks.slice(before - 4000).map((tick) => tick.seq),
    Array.from({ length: 4000 - before }, (_, i) => before + 1 + i),
  );
});

t.test(
  'trades only: paced by the critical ring, also when the other ring no longer holds them',
  async (t) => {
    const served = await serve({ plan: { ringSlots: 64 } });
    t.teardown(() => served.close());
    const { shard } = served;
    const eur = shard.define('EURUSD');
    for (let i = 0; i < 2000; i++) {
      if (i % 10 === 0) shard.trade(eur, 1.5);
      else shard.quote(eur, 1.5, 1.6);
    }
    shard.commit();
    const client = await served.connect();
    const from = cursorToText({ logId: LOG_ID, epoch: 1, seqs: [0] });
    const startedMs = performance.now();
    const arrivals: number[] = [];
    client.onTick = () => arrivals.push(performance.now());
    const speed = 10;
    await client.subscribe(['*'], { mode: 'every', kinds: ['trade'], from, speed });
    await client.until(() => client.control('caught_up') !== undefined);
    t.same(
      client.ticks.map((tick) => tick.seq),
      Array.from({ length: 200 }, (_, i) => 10 * i + 1),
    );
    const early = arrivals.filter((atMs, i) => atMs - startedMs < (10 * i) / speed - 1).length;
    t.equal(early, 0, 'none came early');
  },
);
