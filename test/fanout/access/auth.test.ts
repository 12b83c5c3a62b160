/** Tokens: in a header, a query or a request; checked by the settings or by the host's authoriser; also on REST. */
import { createHash } from 'node:crypto';
import t from 'tap';
import { WRONG_TOKENS_PER_MINUTE } from '../../../src/core/limits.js';
import { CloseCode } from '../../../src/wire/ticks.js';
import { type Served, serve } from '../../helpers/fanout.js';

const TOKEN = 'a-token-of-the-desk';
const OTHER = 'another-token-hashed';
const auth = {
  keys: [
    { name: 'desk', token: TOKEN, connections: 2 },
    { name: 'other', tokenSha256: createHash('sha256').update(OTHER).digest('hex') },
  ],
};
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

function rest(served: Served, path: string, token?: string): Promise<Response> {
  const headers = new Headers(token === undefined ? {} : bearer(token).headers);
  return fetch(`http://127.0.0.1:${served.port}${path}`, { headers });
}

t.test('without keys no token is required', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const client = await served.connect('json');
  t.equal(client.control('hello').auth, false);
  t.equal((await client.request({ op: 'auth', token: 'whatever' })).op, 'authorised');
  t.equal((await rest(served, '/v1/symbols')).status, 200);
});

t.test('a token in a request, after hello', async (t) => {
  const served = await serve({ auth });
  t.teardown(() => served.close());
  for (const encoding of ['packed', 'msgpack', 'json'] as const) {
    const client = await served.connect(encoding);
    t.equal(client.control('hello').auth, true);
    const refused = await client.subscribe(['*']);
    t.match(refused, { op: 'error', code: 'unauthorised', temporary: false });
    t.equal((await client.request({ op: 'ping' })).code, 'unauthorised');
    t.match(await client.request({ op: 'auth', token: OTHER }), { op: 'authorised', name: 'other' });
    t.equal((await client.subscribe(['*'])).op, 'subscribed');
    const wrong = await served.connect(encoding);
    wrong.send({ op: 'auth', id: 1, token: `${TOKEN}!` });
    t.equal(await wrong.closed(), CloseCode.unauthorised);
    t.equal(wrong.closeReason, 'the token is wrong');
  }
  t.same(served.errors, []);
});

t.test('a token in a header or query, and the connection limit of its key', async (t) => {
  const served = await serve({ auth });
  t.teardown(() => served.close());
  const first = await served.connect('packed', bearer(TOKEN));
  const second = await served.connect('json', { query: `?token=${encodeURIComponent(OTHER)}` });
  for (const client of [first, second]) {
    t.equal(client.control('hello').auth, false);
    t.equal((await client.subscribe(['*'])).op, 'subscribed');
  }
  const third = await served.connect('json', bearer(TOKEN));
  t.equal(third.control('hello').auth, false);
  const late = await served.connect('json');
  late.send({ op: 'auth', id: 1, token: TOKEN });
  t.equal(await late.closed(), CloseCode.tooManyConnections);
  t.equal(late.closeReason, 'too many connections of this key (limit 2)');
  const fourth = await served.connect('json', bearer(TOKEN));
  t.equal(await fourth.closed(), CloseCode.tooManyConnections);
  const wrong = await served.connect('json', { query: '?token=no' });
  t.equal(await wrong.closed(), CloseCode.unauthorised);
  first.socket.close();
  await first.closed();
  const again = await served.connect('json', bearer(TOKEN));
  t.equal(again.control('hello').auth, false, 'a place that was left is free');
  t.match(served.fanout.stats().refused, { key: 2, token: 1 });
});

t.test('REST requires the header; probes stay open', async (t) => {
  const served = await serve({ auth });
  t.teardown(() => served.close());
  for (const path of [
    '/v1/symbols',
    '/v1/quotes',
    '/v1/quotes/X',
    '/v1/ticks/X',
    '/v1/feeds',
    '/v1/pipeline',
    '/metrics',
  ]) {
    const refused = await rest(served, path);
    t.equal(refused.status, 401, path);
    t.match(refused.headers.get('www-authenticate'), /^Bearer/);
    t.match(await refused.json(), { status: 401, code: 'unauthorised' });
    t.notMatch((await rest(served, path, TOKEN)).status, 401, path);
  }
  const wrong = await rest(served, '/v1/symbols', 'wrong');
  t.match(wrong.headers.get('www-authenticate'), /invalid_token/);
  t.equal((await rest(served, `/v1/symbols?token=${TOKEN}`)).status, 401, 'a query would end up in logs');
  t.equal((await rest(served, '/healthz')).status, 200);
  t.equal((await rest(served, '/readyz')).status, 503);
});

t.test('a token in a query may be percent-encoded or not', async (t) => {
  const plain = 'q+r/s==t-u.v_w~x+y';
  const served = await serve({ auth: { keys: [{ name: 'desk', token: plain }] } });
  t.teardown(() => served.close());
  const queries = [
    `?token=${plain}`,
    `?token=${encodeURIComponent(plain)}`,
    `?${new URLSearchParams({ token: plain })}`,
  ];
  for (const query of queries) {
    const client = await served.connect('json', { query });
    t.equal(client.control('hello')?.auth, false, query);
  }
});

t.test('wrong tokens of an address are limited per minute', async (t) => {
  const served = await serve({ auth });
  t.teardown(() => served.close());
  for (let i = 0; i < WRONG_TOKENS_PER_MINUTE; i++)
    t.equal((await rest(served, '/v1/symbols', 'wrong')).status, 401);
  const refused = await rest(served, '/v1/symbols', TOKEN);
  t.equal(refused.status, 429);
  t.ok(Number(refused.headers.get('retry-after')) >= 1);
  const client = await served.connect('json', bearer(TOKEN));
  t.equal(await client.closed(), CloseCode.unauthorised);
  t.match(client.closeReason, /^too many wrong tokens of this address; wait \d+ ms$/);
  t.equal(served.fanout.stats().wrongTokens, WRONG_TOKENS_PER_MINUTE + 2);
});

t.test('an asynchronous authoriser of the host', async (t) => {
  const asked: string[] = [];
  const served = await serve({
    authorise: async (token, { address }) => {
      asked.push(`${token} ${address}`);
      await new Promise((resolve) => setImmediate(resolve));
      if (token === 'broken') throw new Error('the directory is down');
      return token.startsWith('user-') ? { name: token } : null;
    },
  });
  t.teardown(() => served.close());
  const client = await served.connect('msgpack');
  t.equal(client.control('hello').auth, true);
  t.match(await client.request({ op: 'auth', token: 'broken' }), {
    code: 'unauthorised',
    temporary: true,
    retryMs: 1000,
  });
  client.send({ op: 'auth', id: 'a', token: 'user-1' });
  client.send({ op: 'auth', id: 'b', token: 'user-2' });
  client.send({ op: 'ping', id: 'c' });
  await client.until(() => client.controls.some((message) => message.op === 'authorised'));
  t.match(
    client.controls.slice(-3).map(({ op, id, code, name }) => ({ op, id, code, name })),
    [
      { id: 'b', code: 'bad_request' },
      { id: 'c', code: 'unauthorised' },
      { id: 'a', op: 'authorised', name: 'user-1' },
    ],
  );
  const header = await served.connect('json', bearer('user-3'));
  t.equal(header.control('hello').auth, false);
  t.equal(await (await served.connect('json', bearer('nobody'))).closed(), CloseCode.unauthorised);
  t.equal(await (await served.connect('json', bearer('broken'))).closed(), 1006, 'HTTP 503');
  t.equal((await rest(served, '/v1/quotes?symbols=EUR*', 'user-1')).status, 200);
  t.equal((await rest(served, '/v1/quotes/NOPE', 'user-1')).status, 404);
  t.equal((await rest(served, '/v1/symbols', 'nobody')).status, 401);
  t.equal((await rest(served, '/v1/symbols', 'broken')).status, 503);
  t.ok(asked.every((call) => call.endsWith(' 127.0.0.1')));
  t.ok(served.errors.length > 0 && served.errors.every((message) => message === 'The authoriser failed.'));
});

t.test('a client that leaves while its token is checked leaves nothing behind', async (t) => {
  let answer: ((account: { name: string }) => void) | undefined;
  const served = await serve({
    authorise: () =>
      new Promise((resolve) => {
        answer = resolve;
      }),
    limits: { connections: 1 },
  });
  t.teardown(() => served.close());
  const client = await served.connect('json');
  client.send({ op: 'auth', id: 1, token: 'x' });
  await t.resolves(waitFor(() => answer !== undefined));
  client.socket.terminate();
  await waitFor(() => served.fanout.stats().connections === 0);
  answer!({ name: 'late' });
  const next = await served.connect('json');
  answer = undefined;
  next.send({ op: 'auth', id: 1, token: 'y' });
  await waitFor(() => answer !== undefined);
  answer!({ name: 'next' });
  await next.until(() => next.controls.length > 1);
  t.equal(next.controls[1].op, 'authorised', 'the only place is free');
});

t.test('a connection that never presents a token', async (t) => {
  const served = await serve({ auth, authMs: 50 });
  t.teardown(() => served.close());
  const silent = await served.connect('json');
  t.equal(await silent.closed(), CloseCode.unauthorised);
  t.equal(silent.closeReason, 'no token within 50 ms');
});

t.test('settings of keys', async (t) => {
  const bad = (keys: object[]) => serve({ auth: { keys: keys as never } });
  await t.rejects(bad([]), { code: 'bad_config', message: /auth\.keys/ });
  await t.rejects(bad([{ name: 'a', token: 'short' }]), { message: /at least 16/ });
  await t.rejects(bad([{ name: 'a', token: 'has spaces, as text has' }]), {
    message: /what a header carries/,
  });
  await t.rejects(bad([{ name: 'a' }]), { message: /either token or tokenSha256/ });
  await t.rejects(bad([{ name: 'a', tokenSha256: 'zz' }]), { message: /64 hex digits/ });
  await t.rejects(bad([auth.keys[0], auth.keys[0]]), { message: /twice/ });
  await t.rejects(serve({ auth, authorise: () => null }), { code: 'bad_config', message: /authoriser/ });
});

async function waitFor(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
