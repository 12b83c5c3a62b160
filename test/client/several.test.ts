/** Several subscriptions on one connection, and loops that are left. */
import t, { type Test } from 'tap';
import { type PlainTick, TickClient } from '../../src/client/index.js';
import { ENCODINGS } from '../../src/wire/ticks.js';
import { type Served, serve } from '../helpers/fanout.js';
import { StreamServer, said } from './support.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function served(t: Test): Promise<{ it: Served; url: string }> {
  const it = await serve({ log: true });
  t.teardown(() => it.close());
  return { it, url: `ws://127.0.0.1:${it.port}/v1/stream` };
}

for (const encoding of ENCODINGS) {
  t.test(`${encoding}: two modes on one connection, and a pattern that catches later symbols`, async (t) => {
    const { it, url } = await served(t);
    const eur = it.shard.define('EURUSD');
    it.shard.quote(eur, 1.1, 1.2);
    it.shard.commit();
    const client = new TickClient(url, { encoding });
    await client.connect();
    const all: PlainTick[] = [];
    const newest: PlainTick[] = [];
    const every = client.subscribe({ symbols: ['EUR*'], mode: 'every', snapshot: false }, (tick) =>
      all.push(tick.toObject()),
    );
    const latest = client.subscribe({ symbols: ['*'], intervalMs: 100 }, (tick) =>
      newest.push(tick.toObject()),
    );
    await Promise.all([every.ready, latest.ready]);
    while (newest.length === 0) await turn();
    const joined: string[] = [];
    every.on('symbols', (symbols) => joined.push(...symbols.map(({ symbol }) => symbol)));
    const chf = it.shard.define('EURCHF', 3);
    const xau = it.shard.define('XAUUSD', 2);
    for (let i = 0; i < 50; i++) {
      it.shard.quote(eur, 1 + i / 1000, 2);
      it.shard.quote(chf, (900 + i) / 1000, 2);
      it.shard.quote(xau, 2000 + i, 3000);
      it.shard.commit();
      if (i % 10 === 0) await turn();
    }
    const last = (symbol: string) => newest.findLast((tick) => tick.symbol === symbol)?.symbolSeq;
    while (all.length < 100 || last('EURUSD') !== 51 || last('EURCHF') !== 50 || last('XAUUSD') !== 50) {
      await turn();
    }
    t.same(joined, ['EURCHF']);
    t.equal(all.filter(({ symbol }) => symbol === 'EURCHF').length, 50);
    t.match(all.at(-1), { symbol: 'EURCHF', bid: 0.949 });
    t.notOk(all.some(({ symbol }) => symbol === 'XAUUSD'));
    t.ok(
      latest.conflated > 0 && newest.length < 150,
      `${newest.length} updates, ${latest.conflated} conflated`,
    );
    t.match(every, { gaps: 0, repeats: 0, conflated: 0 });
    client.close();
  });
}

t.test('a loop that is left early ends its subscription and no other', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url);
  await client.connect();
  const one = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false });
  const other: number[] = [];
  const watching = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false }, ({ seq }) =>
    other.push(seq),
  );
  await Promise.all([one.ready, watching.ready]);
  for (let i = 0; i < 5; i++) server.quote('EURUSD', 1, 2);
  for await (const tick of one) if (tick.seq === 2) break;
  t.match(await server.peer.asked('unsubscribe'), { sub: 1 });
  for (let i = 0; i < 5; i++) server.quote('EURUSD', 1, 2);
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  t.same(other, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  t.equal(one.received, 5);
  const rest: PlainTick[] = [];
  for await (const tick of one) rest.push(tick);
  t.same(rest, [], 'a loop over it now ends at once');
  client.close();
  await server.close();
});

t.test('a loop that throws ends its subscription too', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url);
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false });
  await subscription.ready;
  server.quote('EURUSD', 1, 2);
  const failing = async () => {
    for await (const tick of subscription) throw new Error(`cannot stand ${tick.symbol}`);
  };
  await t.rejects(failing(), { message: 'cannot stand EURUSD' });
  await server.peer.asked('unsubscribe');
  client.close();
  await server.close();
});

t.test('beside a callback a loop may come and go', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { queueTicks: 4 });
  await client.connect();
  const seqs: number[] = [];
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false }, ({ seq }) =>
    seqs.push(seq),
  );
  await subscription.ready;
  const loop = subscription[Symbol.asyncIterator]();
  for (let i = 0; i < 8; i++) server.quote('EURUSD', 1, 2);
  await server.peer.asked('pause');
  await loop.return?.();
  await server.peer.asked('resume');
  for (let i = 0; i < 8; i++) server.quote('EURUSD', 1, 2);
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  t.equal(seqs.length, 16, 'the callback had them all, the queue nobody reads holds nothing up');
  client.close();
  await server.close();
});
