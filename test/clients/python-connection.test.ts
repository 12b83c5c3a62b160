/** What the Python client does when connections break, and what the server says about it. */
import t, { type Test } from 'tap';
import type { SubscribeRequest } from '../../src/wire/ticks.js';
import type { Running } from '../cli/support.js';
import { type ServerOptions, StreamServer } from '../client/support.js';
import { noPython, objects, python, TICKWIRE } from './support.js';

/** A server, and a client that follows it. */
async function follow(t: Test, args: string[], options: ServerOptions = {}) {
  const server = await StreamServer.start({ symbols: ['EURUSD'], heartbeatMs: 200, ...options });
  t.teardown(() => server.close());
  const client = python(t, [TICKWIRE, server.url, '*', '--json', '--events', ...args]);
  return { server, client };
}

/** The connection numbered `nth` from 1, once it has subscribed. */
async function subscribed(server: StreamServer, nth: number): Promise<SubscribeRequest> {
  while (server.peers.length < nth) await new Promise((resolve) => setTimeout(resolve, 5));
  return server.peers[nth - 1].asked('subscribe');
}

async function tickOf(server: StreamServer, client: Running, bid: number): Promise<void> {
  server.quote('EURUSD', bid, 9);
  await client.line(new RegExp(`"bid": ${bid},`));
}

const EVERY = ['--mode', 'every', '--no-snapshot'];

t.test('Python client', { skip: noPython, timeout: 300_000 }, async (t) => {
  t.test('three missing heartbeats are a lost connection, and every continues at its cursor', async (t) => {
    const { server, client } = await follow(t, EVERY, { heartbeatMs: 100 });
    await subscribed(server, 1);
    await tickOf(server, client, 1.5);
    server.peer.silence();
    server.quote('EURUSD', 1.625, 9);
    const again = await subscribed(server, 2);
    t.equal(again.from, server.cursorAt(1));
    await client.line(/"bid": 1.625/);
  });

  t.test('not before the time that the server gives', async (t) => {
    const { server, client } = await follow(t, EVERY);
    await subscribed(server, 1);
    await tickOf(server, client, 1.5);
    const closedAt = performance.now();
    server.peer.close(4001, 'You read too slowly; retry in 700 ms');
    await subscribed(server, 2);
    t.ok(performance.now() - closedAt >= 700);
  });

  t.test('a subscription that is put off, and one that the log fails', async (t) => {
    const { server, client } = await follow(t, EVERY);
    await subscribed(server, 1);
    await tickOf(server, client, 1.5);
    const failed = { code: 'log_failed', message: 'The log failed.', temporary: true } as const;
    const busy = { code: 'busy', message: 'Later.', temporary: true, retryMs: 400 } as const;
    server.peer.refusals.push({ op: 'subscribe', error: busy });
    server.peer.giveUp({ ...failed, sub: 1 });
    await server.peer.asked('subscribe', 2);
    const refusedAt = performance.now();
    const third = await server.peer.asked('subscribe', 3);
    t.ok(performance.now() - refusedAt >= 400);
    t.equal(third.from, server.cursorAt(1));
    await tickOf(server, client, 1.625);
  });

  t.test('latest: a fresh start until ticks came, then at its cursor', async (t) => {
    const { server, client } = await follow(t, []);
    await subscribed(server, 1);
    server.peer.drop();
    t.notOk((await subscribed(server, 2)).from);
    await tickOf(server, client, 1.5);
    server.peer.drop();
    t.equal((await subscribed(server, 3)).from, server.cursorAt(1));
  });

  t.test('what the server says between ticks, in order', async (t) => {
    const { server, client } = await follow(t, EVERY);
    await subscribed(server, 1);
    await tickOf(server, client, 1.5);
    server.peer.send({ op: 'rewound', sub: 1, epoch: 3, lastSeq: [7] });
    server.peer.send({ op: 'catching_up', sub: 1, behind: 9 });
    server.peer.send({ op: 'caught_up', sub: 1 });
    await tickOf(server, client, 1.625);
    const said = objects<{ op?: string; bid?: number }>(client.stdout);
    t.same(
      said.map(({ op, bid }) => op ?? bid),
      [1.5, 'rewound', 'catching_up', 'caught_up', 1.625],
    );
    t.same(said[1], { op: 'rewound', sub: 1, epoch: 3, lastSeq: [7] });
  });

  t.test('closed for good', async (t) => {
    const { server, client } = await follow(t, EVERY);
    await subscribed(server, 1);
    server.peer.close(4503, 'full');
    const { code, stderr } = await client.ended;
    t.equal(code, 1);
    t.match(stderr, /4503: full/);
    t.equal(server.peers.length, 1);
  });

  t.test('a cursor whose ticks are gone ends it', async (t) => {
    const { server, client } = await follow(t, EVERY);
    await subscribed(server, 1);
    await tickOf(server, client, 1.5);
    const expired = { code: 'cursor_expired', message: 'It is gone.', temporary: false } as const;
    server.peer.refusals.push({ op: 'subscribe', error: expired });
    server.peer.giveUp({ code: 'log_failed', message: 'The log failed.', temporary: true, sub: 1 });
    const { code, stderr } = await client.ended;
    t.equal(code, 1);
    t.match(stderr, /cursor_expired: It is gone/);
    t.equal(server.peers.length, 1);
  });

  t.test('a token', async (t) => {
    const { server, client } = await follow(t, [...EVERY, '--token', 'secret'], { token: 'secret' });
    await subscribed(server, 1);
    t.match(server.peer.requests[0], { op: 'auth', token: 'secret' });
    await tickOf(server, client, 1.5);
    for (const args of [[], ['--token', 'wrong']]) {
      const other = python(t, [TICKWIRE, server.url, '*', ...args]);
      t.equal((await other.ended).code, 1, args.join(' '));
    }
  });
});
