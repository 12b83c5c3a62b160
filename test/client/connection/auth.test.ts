import t from 'tap';
import { Deferred } from '../../../src/client/deferred.js';
import { ConnectionClosedError, TickClient } from '../../../src/client/index.js';
import { ENCODINGS } from '../../../src/wire/ticks.js';
import { StreamServer, said } from '../support.js';

const QUICK = { initialDelayMs: 1, maxDelayMs: 5 };
const TOKEN = 'open sesame';

for (const encoding of ENCODINGS) {
  t.test(`${encoding}: the token goes before anything else`, async (t) => {
    const server = await StreamServer.start({ token: TOKEN });
    const client = new TickClient(server.url, { encoding, token: TOKEN });
    const subscription = client.subscribe({ symbols: ['*'] });
    t.match(await client.connect(), { auth: true });
    await subscription.ready;
    t.match(server.peer.requests, [{ op: 'auth', token: TOKEN }, { op: 'subscribe' }]);
    client.close();
    await server.close();
  });
}

t.test('a function is asked for every connection', async (t) => {
  const server = await StreamServer.start({ token: TOKEN });
  let asked = 0;
  const token = async () => {
    asked++;
    return TOKEN;
  };
  const client = new TickClient(server.url, { token, reconnect: QUICK });
  await client.connect();
  server.peer.drop();
  await said(client, 'open');
  t.equal(asked, 2);
  t.match(server.peer.requests[0], { op: 'auth', token: TOKEN });
  client.close();
  await server.close();
});

t.test('a server that wants none is shown none', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { token: TOKEN });
  await client.connect();
  await client.subscribe({ symbols: ['*'] }).ready;
  t.match(server.peer.requests, [{ op: 'subscribe' }]);
  client.close();
  await server.close();
});

for (const [what, token, reason] of [
  ['a wrong token', 'wrong', /not authorised at ws:.*no such token/],
  ['no token', undefined, /not authorised at ws:.*option `token` is not set/],
] as const) {
  t.test(`${what}: connect rejects, and nobody tries again`, async (t) => {
    const server = await StreamServer.start({ token: TOKEN });
    const client = new TickClient(server.url, {
      ...(token !== undefined && { token }),
      reconnect: { ...QUICK, first: true },
    });
    const subscription = client.subscribe({ symbols: ['*'] });
    const error = await client.connect().catch((e: unknown) => e);
    t.ok(error instanceof ConnectionClosedError);
    t.match(error, { code: 'connection_closed', closeCode: 4501, message: reason });
    t.equal(client.state, 'closed');
    await t.rejects(subscription.ready, { code: 'connection_closed', closeCode: 4501 });
    t.equal(server.peers.length, 1);
    await server.close();
  });
}

t.test('a token that cannot be had fails the attempt, not the client', async (t) => {
  const server = await StreamServer.start({ token: TOKEN });
  let asked = 0;
  const token = () => {
    if (++asked === 1) throw new Error('the vault is shut');
    return TOKEN;
  };
  const client = new TickClient(server.url, { token, reconnect: { ...QUICK, first: true } });
  const closed = said(client, 'close');
  const connected = client.connect();
  t.match(await closed, { code: 1006, reason: 'no token: the vault is shut' });
  await connected;
  t.equal(asked, 2);
  client.close();
  await server.close();
});

t.test('a server that cannot check it just now is asked again', async (t) => {
  const server = await StreamServer.start({ token: TOKEN });
  const client = new TickClient(server.url, { token: TOKEN, reconnect: QUICK });
  await client.connect();
  server.onPeer = (peer) => {
    server.onPeer = () => {};
    const error = { code: 'unauthorised', message: 'not now', temporary: true, retryMs: 40 } as const;
    peer.refusals.push({ op: 'auth', error });
  };
  server.peer.drop();
  await said(client, 'close');
  const { reason, retryMs } = await said<{ reason: string; retryMs: number }>(client, 'close');
  t.equal(reason, 'not authorised: not now');
  t.ok(retryMs >= 40, 'not before the time that it said');
  await said(client, 'open');
  client.close();
  await server.close();
});

t.test('a server that never answers the token is given up', async (t) => {
  const server = await StreamServer.start({ token: TOKEN });
  const client = new TickClient(server.url, { token: TOKEN, connectTimeoutMs: 50 });
  server.onPeer = (peer) => {
    peer.ignores = 'auth';
  };
  await t.rejects(client.connect(), { closeCode: 1006, message: /not authorised within 50 ms/ });
  await server.close();
});

t.test('closed while the token is being fetched: it is not shown', async (t) => {
  const server = await StreamServer.start({ token: TOKEN });
  const wanted = new Deferred<void>();
  const given = new Deferred<string>();
  const token = () => {
    wanted.resolve();
    return given.promise;
  };
  const client = new TickClient(server.url, { token });
  const connected = client.connect();
  await wanted.promise;
  client.close();
  given.resolve(TOKEN);
  await t.rejects(connected, { code: 'connection_closed', closeCode: 1000 });
  await server.close();
  t.same(server.peer.requests, []);
});
