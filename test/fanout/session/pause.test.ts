/** `pause` and `resume`: no tick arrives in between, and afterwards everything that the mode guarantees. */
import t from 'tap';
import { cursorToText } from '../../../src/wire/cursor.js';
import { LOG_ID, serve } from '../../helpers/fanout.js';

const seqs = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

for (const encoding of ['packed', 'msgpack', 'json'] as const) {
  t.test(`mode every continues exactly after the last tick (${encoding})`, async (t) => {
    const served = await serve({ log: true, plan: { ringSlots: 512 } });
    t.teardown(() => served.close());
    const { shard } = served;
    const eur = shard.define('EURUSD');
    const client = await served.connect(encoding);
    const other = await served.connect();
    const { sub } = await client.subscribe(['*'], { mode: 'every' });
    await other.subscribe(['*'], { mode: 'every' });
    const quotes = async (count: number) => {
      for (let i = 0; i < count; i++) shard.quote(eur, 1.5, 1.6);
      shard.commit();
      await other.until(() => other.ticks.at(-1)?.seq === shard.head);
    };
    await quotes(10);
    await client.until(() => client.ticks.length === 10);
    const paused = await client.request({ op: 'pause', sub });
    t.match(paused, { op: 'paused', sub, cursor: cursorToText({ logId: LOG_ID, epoch: 1, seqs: [10] }) });
    // More than the ring holds, so that the rest must come from the log.
    for (let i = 0; i < 5; i++) await quotes(400);
    await client.request({ op: 'ping' });
    t.equal(client.ticks.length, 10, 'nothing came while paused');
    t.match(await client.request({ op: 'resume', sub }), { op: 'resumed', sub });
    await client.until(() => client.ticks.length >= 2010);
    t.same(
      client.ticks.map((tick) => tick.seq),
      seqs(1, 2010),
    );
    await client.until(() => client.control('caught_up') !== undefined);
  });
}

t.test('mode latest continues with the newest state, and with every trade', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const { shard } = served;
  const [a, b] = [shard.define('A'), shard.define('B')];
  const client = await served.connect();
  const { sub } = await client.subscribe(['*']);
  await client.request({ op: 'pause', sub });
  for (let i = 1; i <= 5; i++) {
    shard.quote(a, i, i + 1);
    shard.trade(a, i, i);
  }
  shard.quote(b, 7, 8);
  shard.commit();
  await client.request({ op: 'ping' });
  t.equal(client.ticks.length, 0);
  await client.request({ op: 'resume', sub });
  await client.until(() => client.ticks.length >= 7);
  t.same(
    client.ticks.map((tick) => [tick.kind, tick.symbolId, tick.value]),
    [['quote', a, 5], ['quote', b, 7], ...[1, 2, 3, 4, 5].map((price) => ['trade', a, price])],
  );
});

t.test('requests for a subscription that does not exist', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const client = await served.connect('json');
  for (const op of ['pause', 'resume', 'seek', 'unsubscribe'])
    t.match(await client.request({ op, sub: 9 }), { op: 'error', code: 'unknown_subscription' });
});
