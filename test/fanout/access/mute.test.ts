/** Connections without a token take no slot from authorised connections, and keep no client out. */
import t from 'tap';
import { CloseCode } from '../../../src/wire/ticks.js';
import { type Served, serve } from '../../helpers/fanout.js';
import type { Client } from '../../helpers/stream-client.js';

const TOKEN = 'a-token-of-the-desk';
const auth = { keys: [{ name: 'desk', token: TOKEN }] };
const trustedProxies = ['127.0.0.1'];
const bearer = { authorization: `Bearer ${TOKEN}` };

const via = (served: Served, address: string, more = {}) =>
  served.connect('json', { headers: { 'x-forwarded-for': address, ...more } });

/** Presents the token after `hello`, as pages do. */
async function authorised(client: Client): Promise<boolean> {
  return (await client.request({ op: 'auth', token: TOKEN })).op === 'authorised';
}

t.test('mute connections of one address', async (t) => {
  const limits = { connections: 3, connectionsPerAddress: 3, unauthorised: 8 };
  const served = await serve({ auth, limits });
  t.teardown(() => served.close());
  const first = await served.connect('json', { headers: bearer });
  const mute: Client[] = [];
  for (let i = 0; i < 6; i++) mute.push(await served.connect('json'));
  t.equal(await mute[0].closed(), CloseCode.crowded);
  t.equal(
    mute[0].closeReason,
    'too many connections have shown no token, this one for longest; retry in 1000 ms',
  );
  for (const client of mute.slice(0, 4)) t.equal(await client.closed(), CloseCode.crowded);
  t.match(served.fanout.stats(), { connections: 3, unauthorised: 2, refused: { crowded: 4 } });
  const second = await served.connect('json');
  t.ok(await authorised(second), 'who shows the token after hello comes in');
  const third = await served.connect('json', { headers: bearer });
  t.equal((await third.request({ op: 'ping' })).op, 'pong', 'who shows it in the upgrade comes in');
  t.equal((await first.request({ op: 'ping' })).op, 'pong', 'who was there stays');
  t.match(served.fanout.stats(), { unauthorised: 1, refused: { crowded: 5, total: 0, address: 0 } });
  const fourth = await served.connect('json');
  fourth.send({ op: 'auth', id: 1, token: TOKEN });
  t.equal(await fourth.closed(), CloseCode.tooManyConnections, 'with the token the other limits count');
  t.equal(fourth.closeReason, 'too many connections in all (limit 3)');
  first.socket.close();
  await first.closed();
  t.ok(await authorised(await served.connect('json')), 'a place that was left is free');
  t.same(served.errors, []);
});

t.test('mute connections of many addresses', async (t) => {
  const served = await serve({ auth, trustedProxies, limits: { unauthorised: 8 } });
  t.teardown(() => served.close());
  const few = await via(served, '192.0.2.1');
  const many: Client[] = [];
  for (let a = 2; a <= 6; a++) for (let i = 0; i < 2; i++) many.push(await via(served, `192.0.2.${a}`));
  t.match(served.fanout.stats(), { unauthorised: 8, refused: { crowded: 3 } });
  t.ok(await authorised(few), 'an address with few of them keeps them');
  for (const client of many) client.socket.terminate();
  await waitFor(() => served.fanout.stats().connections === 1);
  t.equal(served.fanout.stats().unauthorised, 0, 'who leaves waits no more');
});

t.test('tokens that are still checked', async (t) => {
  const answers: (() => void)[] = [];
  const served = await serve({
    authorise: (token) =>
      token === TOKEN
        ? { name: 'desk' }
        : new Promise((resolve) => answers.push(() => resolve({ name: 'slow' }))),
    limits: { connections: 2, unauthorised: 8 },
  });
  t.teardown(() => served.close());
  const slow: Promise<Client>[] = [];
  for (let i = 1; i <= 4; i++) {
    slow.push(served.connect('json', { headers: { authorization: 'Bearer slow' } }));
    await waitFor(() => answers.length === i);
  }
  for (const client of await Promise.all(slow.slice(0, 2)))
    t.equal(await client.closed(), CloseCode.crowded, 'the oldest of them give way');
  const first = await served.connect('json', { headers: bearer });
  t.equal((await first.request({ op: 'ping' })).op, 'pong');
  t.match(served.fanout.stats(), { connections: 1, unauthorised: 2 });
  for (const answer of answers) answer();
  const [third, fourth] = await Promise.all(slow.slice(2));
  t.equal((await third.request({ op: 'ping' })).op, 'pong');
  t.equal(await fourth.closed(), CloseCode.tooManyConnections, 'the other limits count once it is checked');
  t.match(served.fanout.stats(), { connections: 2, unauthorised: 0 });
});

t.test('without required tokens no connection waits', async (t) => {
  const served = await serve({ limits: { unauthorised: 1 } });
  t.teardown(() => served.close());
  for (let i = 0; i < 8; i++) await served.connect('json');
  t.match(served.fanout.stats(), { connections: 8, unauthorised: 0, refused: { crowded: 0 } });
});

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
