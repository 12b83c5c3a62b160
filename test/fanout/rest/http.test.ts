/** HTTP of REST: entity tags, HEAD, methods, preflight, queries of any kind, and clients that read slowly or leave. */
import { connect, type Socket } from 'node:net';
import t from 'tap';
import {
  HTTP_UNREAD_BYTES_OF_CLIENT,
  SUBSCRIBE_PATTERNS_MAX,
  SYMBOL_NAME_BYTES_MAX,
} from '../../../src/core/limits.js';
import { matchesTag } from '../../../src/fanout/contract/answers.js';
import { acceptedType, parseQuery } from '../../../src/fanout/contract/query.js';
import { type Served, serve } from '../../helpers/fanout.js';
import { type Ask, asker } from '../../helpers/http.js';

/** Symbols for an answer of 10 MB, which is more than the kernel buffers. */
const SYMBOLS = 16_383;
/** Clients that do not read: their answers together exceed what one client may leave unread. */
const READERS = Math.ceil(HTTP_UNREAD_BYTES_OF_CLIENT / 8e6);
const DESK = 'https://desk.example';
const PATHS = [
  ...['/v1/symbols', '/v1/quotes', '/v1/quotes/EURUSD', '/v1/ticks/EURUSD', '/v1/feeds', '/v1/pipeline'],
  ...['/healthz', '/readyz', '/metrics', '/openapi.json'],
];

async function served(t: Pick<Test, 'teardown'>, ticks = 3): Promise<Served & { ask: Ask }> {
  const server = await serve({ log: true, allowedOrigins: [DESK] });
  t.teardown(() => server.close());
  const id = server.shard.define('EURUSD', 5, 60_000);
  for (let i = 0; i < ticks; i++) server.shard.quote(id, 1.1, 1.10002);
  server.shard.commit();
  return { ...server, ask: asker(server.port) };
}
type Test = typeof t;

t.test('tags are compared weakly, in lists', async (t) => {
  for (const [header, etag, is] of [
    ['"a"', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"a"', 'W/"a"', true],
    ['"b", W/"a"', 'W/"a"', true],
    ['"b","a"', '"a"', true],
    ['*', '"a"', true],
    [' * ', '"a"', true],
    ['"b"', '"a"', false],
    ['a', '"a"', false],
    ['"x*"', '"a"', false],
    ['"b, a"', '"a"', false],
    ['', '"a"', false],
  ] as const)
    t.equal(matchesTag(header, etag), is, `${header} and ${etag}`);
});

t.test('unchanged quotes are answered with 304', async (t) => {
  const { ask, shard } = await served(t);
  for (const path of ['/v1/quotes', '/v1/quotes?symbols=EUR*', '/v1/quotes/EURUSD']) {
    const { etag } = (await ask(path)).headers;
    t.match(etag, /^W\//, 'the age in the body is not part of the tag');
    for (const tags of [etag!, etag!.slice(2), `"x", ${etag}`, '*']) {
      const unchanged = await ask(path, { 'if-none-match': tags });
      t.match(unchanged, { status: 304, body: '', headers: { etag, 'cache-control': 'no-cache' } }, tags);
    }
    t.equal((await ask(path, { 'if-none-match': '"x"' })).status, 200);
    shard.quote(1, 1.2, 1.3);
    shard.commit();
    t.equal((await ask(path, { 'if-none-match': etag! })).status, 200);
  }
  t.equal((await ask('/v1/quotes/NOPE', { 'if-none-match': '*' })).status, 404);
  const { etag } = (await ask('/v1/quotes/EURUSD')).headers;
  shard.define('EURUSD', 6);
  t.equal((await ask('/v1/quotes/EURUSD', { 'if-none-match': etag! })).status, 200, 'its digits changed');
});

t.test('HEAD is GET without the body', async (t) => {
  const { ask } = await served(t);
  for (const path of [...PATHS, '/v1/nothing', '/v1/quotes/NOPE', '/v1/ticks/EURUSD?limit=0']) {
    const [head, get] = [await ask(path, {}, 'HEAD'), await ask(path)];
    t.equal(head.status, get.status, path);
    t.equal(head.body, '');
    t.same(Object.keys(head.headers).sort(), Object.keys(get.headers).sort());
    t.equal(head.headers['content-type'], get.headers['content-type']);
    // Metrics and ages change between two answers.
    if (/symbols|ticks|feeds|z$|openapi|NOPE|nothing/.test(path))
      t.equal(head.headers['content-length'], get.headers['content-length']);
  }
  const { etag } = (await ask('/v1/quotes')).headers;
  t.equal((await ask('/v1/quotes', { 'if-none-match': etag! }, 'HEAD')).status, 304);
});

t.test('other methods are refused, with a list of the allowed ones', async (t) => {
  const { ask } = await served(t);
  for (const path of PATHS) {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await ask(path, {}, method);
      t.match(answer, { status: 405, headers: { allow: 'GET, HEAD' } }, `${method} ${path}`);
      t.match(JSON.parse(answer.body), { code: 'method_not_allowed' });
    }
  }
  t.equal((await ask('/nothing', {}, 'POST')).status, 404);
});

t.test('a page of an allowed origin may send requests and read the answers', async (t) => {
  const { ask } = await served(t);
  for (const path of PATHS) {
    const preflight = { origin: DESK, 'access-control-request-method': 'GET' };
    t.match(await ask(path, preflight, 'OPTIONS'), {
      status: 204,
      headers: {
        'access-control-allow-origin': DESK,
        'access-control-allow-methods': 'GET, HEAD',
        'access-control-allow-headers': /if-none-match/,
      },
    });
    const { headers } = await ask(path, { origin: DESK });
    t.equal(headers['access-control-allow-origin'], DESK);
    for (const name of ['etag', 'age', 'link', 'x-next-cursor', 'retry-after'])
      t.ok(headers['access-control-expose-headers']?.includes(name), `${path} exposes ${name}`);
    t.match(headers.vary, /origin/);
    const foreign = await ask(path, { ...preflight, origin: 'https://evil.example' }, 'OPTIONS');
    t.equal(foreign.headers['access-control-allow-origin'], undefined);
  }
});

t.test('queries of any kind', async (t) => {
  const { ask, shard } = await served(t);
  shard.define('EUR/USD', 5);
  shard.quote(2, 1, 2);
  shard.define('A%B+C', 5);
  shard.quote(3, 3, 4);
  shard.commit();
  t.equal(JSON.parse((await ask('/v1/quotes/EUR%2FUSD')).body).symbol, 'EUR/USD');
  t.equal(JSON.parse((await ask('/v1/ticks/A%25B+C')).body).symbol, 'A%B+C');
  const names = async (query: string) => {
    const { quotes, unknown } = JSON.parse((await ask(`/v1/quotes?${query}`)).body);
    return [quotes.map((state: { symbol: string }) => state.symbol), unknown];
  };
  t.same(await names('symbols=A%25B%2BC,EUR%2FUSD'), [['EUR/USD', 'A%B+C'], []], 'decoded once');
  t.same(await names('symbols='), [['EURUSD', 'EUR/USD', 'A%B+C'], []]);
  t.same(await names('symbols=*USD,NOPE'), [['EURUSD', 'EUR/USD'], ['NOPE']]);
  const many = Array.from({ length: 2_000 }, (_, i) => `X${i}`);
  t.same(
    await names(`symbols=${[...many, 'EURUSD'].join()}`),
    [['EURUSD'], many],
    'names beyond any pattern bound',
  );
  const stars = Array.from({ length: SUBSCRIBE_PATTERNS_MAX + 1 }, (_, i) => `X${i}*`).join();
  for (const query of [
    `symbols=${stars}`,
    'symbols=%',
    'symbols=%c3',
    'symbol=X',
    'symbols=X&symbols=Y',
    '%=1',
  ])
    t.match(JSON.parse((await ask(`/v1/quotes?${query}`)).body), { status: 400, code: 'bad_request' }, query);
  const tooLong = await ask(`/v1/quotes?symbols=${'X'.repeat(1 << 20)}`).catch((error) => error);
  t.ok(tooLong instanceof Error || tooLong.status >= 400, 'a query beyond all bounds is refused');
  t.equal((await ask('/healthz')).status, 200, 'and harms nobody');
});

t.test('queries and media types are parsed correctly', async (t) => {
  t.same([...parseQuery('', ['a'])], []);
  t.same(
    [...parseQuery('a=1+2&b=%2B&&c', ['a', 'b', 'c'])],
    [
      ['a', '1+2'],
      ['b', '+'],
      ['c', ''],
    ],
  );
  const offered = ['application/json', 'text/csv', 'application/msgpack'];
  for (const [accept, type] of [
    ['', 'application/json'],
    ['*/*', 'application/json'],
    ['text/csv', 'text/csv'],
    ['TEXT/CSV; charset=utf-8', 'text/csv'],
    ['application/json;q=0, */*', 'text/csv'],
    ['application/*;q=0.5, text/csv;q=0.4', 'application/json'],
    ['application/msgpack, application/json;q=0.9', 'application/msgpack'],
    ['application/json;q=2', null],
    ['image/png', null],
    [',;,', null],
  ] as const)
    t.equal(acceptedType(accept, offered), type, accept);
});

t.test(
  'a slow client gets all of a large answer; clients that leave or never read affect no other',
  async (t) => {
    const server = await serve({ plan: { maxSymbols: SYMBOLS + 1 } });
    t.teardown(() => server.close());
    for (let i = 0; i < SYMBOLS; i++) {
      const id = server.shard.define(`${i}`.padStart(SYMBOL_NAME_BYTES_MAX, 'S'), 5);
      server.shard.quote(id, 1.1, 1.10002);
      server.shard.trade(id, 1.1, i);
      if (i % 1_000 === 0) server.shard.commit();
    }
    server.shard.commit();
    const ask = asker(server.port);
    const open = async (): Promise<Socket> => {
      const socket = connect(server.port, '127.0.0.1').pause();
      t.teardown(() => socket.destroy());
      socket.write('GET /v1/quotes HTTP/1.1\r\nhost: localhost\r\n\r\n');
      await new Promise((resolve) => socket.once('readable', resolve));
      return socket;
    };
    const slow = await open();
    const idle: Socket[] = [];
    while (idle.length < READERS - 1) idle.push(await open());
    const refused = await ask('/v1/quotes');
    t.match(refused, { status: 503, headers: { 'retry-after': '1' } }, 'too much is unread');
    t.match(JSON.parse(refused.body), { code: 'busy' });
    t.equal((await ask('/v1/quotes?symbols=*SS1')).status, 200, 'small answers go out');
    t.equal(
      (await asker(server.port, '127.0.0.2')('/v1/quotes')).status,
      200,
      'another client gets its answer',
    );

    const parts: Buffer[] = [];
    const due = JSON.parse((await ask('/v1/quotes?symbols=*SS1')).body).quotes[0];
    const whole = () => Buffer.concat(parts.slice(-2)).toString('latin1').endsWith('"unknown":[]}');
    slow.on('data', (part: Buffer) => {
      parts.push(part);
      // Other clients are served between two parts.
      slow.pause();
      setImmediate(() => slow.resume());
    });
    slow.resume();
    while (!whole()) await new Promise((resolve) => setTimeout(resolve, 5));
    const text = Buffer.concat(parts).toString('utf8');
    const { quotes } = JSON.parse(text.slice(text.indexOf('\r\n\r\n')));
    t.equal(quotes.length, SYMBOLS);
    t.match(quotes[1], { symbol: due.symbol, quote: due.quote, trade: due.trade });
    t.equal(quotes[SYMBOLS - 1].trade.tradeId, SYMBOLS - 1);

    for (const socket of idle) socket.destroy();
    let again = 503;
    while (again === 503) again = (await ask('/v1/quotes')).status;
    t.equal(again, 200, 'their room is free again');
    t.same(server.errors, []);
  },
);
