import t, { type Test } from 'tap';
import { ServerError, type SymbolInfo, TickClient } from '../../src/client/index.js';
import { StreamServer, said } from './support.js';

async function connected(t: Test): Promise<{ server: StreamServer; client: TickClient }> {
  const server = await StreamServer.start();
  const client = new TickClient(server.url);
  await client.connect();
  t.teardown(async () => {
    client.close();
    await server.close();
  });
  return { server, client };
}

t.test('the view is one object, filled again; its copies stay', async (t) => {
  const { server, client } = await connected(t);
  const views = new Set<object>();
  const copies: { seq: number }[] = [];
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false }, (tick) => {
    views.add(tick);
    copies.push(tick.toObject());
  });
  await subscription.ready;
  for (let i = 0; i < 5; i++) server.quote('EURUSD', 1, 2);
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  t.equal(views.size, 1);
  t.same(
    copies.map(({ seq }) => seq),
    [1, 2, 3, 4, 5],
  );
  t.type(subscription.cursor, 'string');
});

t.test('unsubscribe: no callback after it, and the server confirms', async (t) => {
  const { server, client } = await connected(t);
  let requests = 0;
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false }, (_, self) => {
    requests++;
    void self.unsubscribe();
  });
  await subscription.ready;
  server.quote('EURUSD', 1, 2);
  server.quote('EURUSD', 1, 3);
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  await subscription.unsubscribe();
  t.equal(requests, 1);
  t.match(server.peer.requests.at(-1), { op: 'unsubscribe' });
});

t.test('a subscription opened before connecting is taken up by the connection', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url);
  const subscription = client.subscribe({ symbols: ['EURUSD', 'NOPE'] });
  await client.connect();
  await subscription.ready;
  t.same(subscription.unknown, ['NOPE']);
  client.close();
  t.same(await subscription[Symbol.asyncIterator]().next(), { value: undefined, done: true });
  await server.close();
});

t.test('a temporary refusal is asked again, a final one rejects', async (t) => {
  const { server, client } = await connected(t);
  const refusal = { message: 'no', temporary: true } as const;
  server.peer.refusals.push({ op: 'subscribe', error: { ...refusal, code: 'log_failed' } });
  const patient = client.subscribe({ symbols: ['*'] });
  t.match(await said(patient, 'error'), { code: 'log_failed', temporary: true });
  await patient.ready;
  const gone = { ...refusal, code: 'cursor_expired', temporary: false, oldest: 'abc' } as const;
  server.peer.refusals.push({ op: 'subscribe', error: gone });
  const expired = client.subscribe({ symbols: ['*'], from: 'x' });
  const error = await expired.ready.catch((e: unknown) => e);
  t.ok(error instanceof ServerError);
  t.match(error, { code: 'cursor_expired', oldest: 'abc' });
  await t.rejects(expired[Symbol.asyncIterator]().next(), ServerError);
});

t.test('what the server sends for a subscription arrives there', async (t) => {
  const { server, client } = await connected(t);
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every' });
  await subscription.ready;
  const sub = 1;
  const told = [
    said(subscription, 'catching_up'),
    said(subscription, 'caught_up'),
    said(subscription, 'rewound'),
    said<SymbolInfo[]>(subscription, 'symbols'),
  ] as const;
  server.peer.send({ op: 'catching_up', sub, behind: 7 });
  server.peer.send({ op: 'caught_up', sub });
  server.peer.send({ op: 'rewound', sub, epoch: 1, lastSeq: [3] });
  server.peer.send({ op: 'symbols', sub, symbols: [{ symbol: 'NEW', symbolId: 9, digits: 2, version: 1 }] });
  t.match(await told[0], { behind: 7 });
  await told[1];
  t.match(await told[2], { epoch: 1, lastSeq: [3] });
  t.match(await told[3], [{ symbol: 'NEW', digits: 2 }]);
  t.equal(subscription.symbols.length, 3);
});

t.test('delays are recorded, those of snapshots are not', async (t) => {
  const server = await StreamServer.start();
  server.quote('EURUSD', 1, 2);
  const delays: number[] = [];
  const client = new TickClient(server.url, { latency: { record: (ns) => delays.push(ns) } });
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every' }, () => {});
  await subscription.ready;
  server.quote('EURUSD', 1, 3);
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  t.equal(subscription.received, 2);
  t.equal(delays.length, 1);
  t.ok(Math.abs(delays[0]) < 5e9, 'within seconds, in nanoseconds');
  client.close();
  await server.close();
});
