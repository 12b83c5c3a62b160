import t from 'tap';
import { ConnectionClosedError, TickClient } from '../../../src/client/index.js';
import { StreamServer, said } from '../support.js';

const QUICK = { initialDelayMs: 5, maxDelayMs: 20 };

for (const code of [1000, 1001, 4000, 4001, 4499]) {
  t.test(`${code}: comes back`, async (t) => {
    const server = await StreamServer.start();
    const client = new TickClient(server.url, { reconnect: QUICK });
    await client.connect();
    const closed = said<{ code: number; retryMs: number }>(client, 'close');
    server.peer.close(code);
    const { retryMs, ...rest } = await closed;
    t.match(rest, { code });
    t.ok(retryMs <= 20);
    t.equal(client.state, 'reconnecting');
    await said(client, 'open');
    t.equal(client.state, 'connected');
    client.close();
    await server.close();
  });
}

for (const code of [4500, 4501, 4999]) {
  t.test(`${code}: stays away, and the loops end with the reason`, async (t) => {
    const server = await StreamServer.start();
    const client = new TickClient(server.url, { reconnect: QUICK });
    await client.connect();
    const subscription = client.subscribe({ symbols: ['*'] });
    await subscription.ready;
    const loop = subscription[Symbol.asyncIterator]().next();
    server.peer.close(code);
    await t.rejects(loop, { code: 'connection_closed', closeCode: code });
    t.equal(client.state, 'closed');
    t.equal(server.peers.length, 1);
    await server.close();
  });
}

t.test('an address where nobody listens fails at once, unless asked to insist', async (t) => {
  const server = await StreamServer.start();
  const { port, url } = server;
  await server.close();
  const client = new TickClient(url, { reconnect: QUICK });
  await t.rejects(client.connect(), ConnectionClosedError);
  const patient = new TickClient(url, { reconnect: { ...QUICK, first: true } });
  const opened = patient.connect();
  await said(patient, 'close');
  const late = await StreamServer.start({ port });
  t.match(await opened, { op: 'hello' });
  patient.close();
  await late.close();
});

t.test('attempts are bounded when asked', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { reconnect: { ...QUICK, maxAttempts: 2 } });
  await client.connect();
  let closes = 0;
  client.on('close', () => closes++);
  const failed = said(client, 'error');
  await server.close();
  t.ok((await failed) instanceof ConnectionClosedError);
  t.equal(closes, 3, 'the loss, and two attempts');
});
