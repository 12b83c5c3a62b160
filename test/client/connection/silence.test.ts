import t from 'tap';
import { type ClientState, TickClient } from '../../../src/client/index.js';
import { StreamServer, said } from '../support.js';

t.test('a connection that is open but mute is reported, then dropped and replaced', async (t) => {
  const server = await StreamServer.start({ heartbeatMs: 40 });
  const client = new TickClient(server.url, { reconnect: { initialDelayMs: 5 } });
  await client.connect();
  const states: ClientState[] = [];
  client.on('state', (state) => states.push(state));
  const closed = said<{ code: number; reason: string }>(client, 'close');
  const silentAt = performance.now();
  server.peer.silence();
  t.match(await closed, { code: 1006, reason: /nothing heard/ });
  t.ok(performance.now() - silentAt >= 80, 'not before three heartbeats since the last message');
  await said(client, 'open');
  t.same(states, ['mute', 'reconnecting', 'connected']);
  client.close();
  await server.close();
});

t.test('heartbeats alone keep a quiet connection', async (t) => {
  const server = await StreamServer.start({ heartbeatMs: 20 });
  const client = new TickClient(server.url);
  await client.connect();
  for (let i = 0; i < 10; i++) t.match(await said(client, 'heartbeat'), { feeds: [{ feed: 'test' }] });
  t.equal(server.peers.length, 1);
  client.close();
  await server.close();
});

t.test(
  'feeds are told apart by their ages: a quiet market, a dead feed, a connection that is mute',
  async (t) => {
    const server = await StreamServer.start({ beats: false, heartbeatMs: 40 });
    const client = new TickClient(server.url);
    await client.connect();
    t.same(client.feeds, []);
    const feeds = [
      { feed: 'mt5', state: 'live', ageMs: 900 },
      { feed: 'file', state: 'failed', ageMs: 60_000 },
      { feed: 'new', state: 'starting', ageMs: null },
    ];
    server.peer.send({ op: 'heartbeat', time: 0, feeds });
    await said(client, 'heartbeat');
    const told = client.feeds;
    t.match(told, feeds);
    t.ok(told.every(({ toldMs }) => toldMs >= 0 && toldMs < 1000));
    t.equal(await said(client, 'state'), 'mute');
    t.ok(client.feeds[0].toldMs >= 80, 'what is known grows old');
    client.close();
    await server.close();
  },
);

t.test('a server that never says hello is given up', async (t) => {
  const server = await StreamServer.start({ beats: false });
  const mute = class {
    binaryType = '';
    protocol = '';
    onopen = null;
    onmessage = null;
    onclose = null;
    onerror = null;
    send(): void {}
    close(): void {}
  };
  const client = new TickClient(server.url, { WebSocket: mute, connectTimeoutMs: 20 });
  await t.rejects(client.connect(), { closeCode: 1006, message: /no hello/ });
  await server.close();
});

t.test('an unreadable frame costs the connection, not the subscription', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { reconnect: { initialDelayMs: 5 } });
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every' });
  await subscription.ready;
  const again = said(subscription, 'subscribed');
  server.peer.raw(new Uint8Array([0xc1, 1, 1, 0, 0, 0, 0, 0]));
  await again;
  t.equal(server.peers.length, 2);
  client.close();
  await server.close();
});
