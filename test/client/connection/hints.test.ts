/** What the server says about when to come back. */
import t from 'tap';
import { TickClient } from '../../../src/client/index.js';
import { StreamServer, said } from '../support.js';

const QUICK = { initialDelayMs: 1, maxDelayMs: 5 };
type Closed = { code: number; retryMs: number | undefined };

t.test('a close reason delays the next attempt', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { reconnect: QUICK });
  await client.connect();
  const closed = said<Closed>(client, 'close');
  const closedAt = performance.now();
  server.peer.close(4000, 'shutting down; retry in 80 ms');
  const { retryMs } = await closed;
  t.ok(retryMs! >= 80 && retryMs! <= 160, `${retryMs} ms`);
  await said(client, 'open');
  t.ok(performance.now() - closedAt >= 75, 'and it was waited for');
  client.close();
  await server.close();
});

t.test('an error about the connection delays the attempt after its close', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { reconnect: QUICK });
  await client.connect();
  const told = said(client, 'error');
  const error = { op: 'error', id: null, code: 'busy', message: 'full', temporary: true } as const;
  server.peer.send({ ...error, retryMs: 70 });
  t.match(await told, { code: 'busy', retryMs: 70 });
  const closed = said<Closed>(client, 'close');
  server.peer.drop();
  t.ok((await closed).retryMs! >= 70);
  await said(client, 'open');
  const again = said<Closed>(client, 'close');
  server.peer.drop();
  t.ok((await again).retryMs! <= 5, 'that was of the connection before');
  client.close();
  await server.close();
});

t.test('a permanent close is not softened by a hint', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { reconnect: QUICK });
  await client.connect();
  const closed = said<Closed>(client, 'close');
  server.peer.close(4503, 'too many connections; retry in 1 ms');
  t.match(await closed, { code: 4503, retryMs: undefined });
  t.equal(client.state, 'closed');
  await server.close();
});

t.test('thousands that are sent away at once do not come back at once', async (t) => {
  const server = await StreamServer.start();
  const clients = Array.from({ length: 20 }, () => new TickClient(server.url, { reconnect: QUICK }));
  const delays = clients.map(async (client) => {
    await client.connect();
    return (await said<Closed>(client, 'close')).retryMs!;
  });
  await Promise.all(clients.map((client) => said(client, 'open')));
  for (const peer of server.peers) peer.close(4000, 'bye; retry in 10000 ms');
  const spread = (await Promise.all(delays)).sort((a, b) => a - b);
  t.ok(spread[0] >= 10_000);
  t.ok(spread[19] <= 20_000);
  // Twenty even draws from ten seconds lie within two of them once in 10^12 runs.
  t.ok(spread[19] - spread[0] > 2_000, `${Math.round(spread[19] - spread[0])} ms apart`);
  for (const client of clients) client.close();
  await server.close();
});

t.test('connections that do no work do not end the backoff', async (t) => {
  const server = await StreamServer.start({ beats: false });
  const client = new TickClient(server.url, { reconnect: { ...QUICK, maxAttempts: 3 } });
  server.onPeer = (peer) => peer.close(4000);
  await client.connect();
  const failed = await said<Error>(client, 'error');
  t.match(failed, { code: 'connection_closed', closeCode: 4000 });
  t.equal(server.peers.length, 4, 'the first, and three attempts that each said hello');
  await server.close();
});

t.test('connections that do their work do', async (t) => {
  const server = await StreamServer.start({ beats: false });
  const client = new TickClient(server.url, { reconnect: { ...QUICK, maxAttempts: 1 } });
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every' }, () => {});
  await subscription.ready;
  for (let i = 0; i < 5; i++) {
    const heard = said(client, 'heartbeat');
    server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
    await heard;
    server.peer.drop();
    await said(client, 'open');
  }
  t.equal(client.state, 'connected');
  client.close();
  await server.close();
});
