/** REST answers with the same numbers as the stream. Errors are problem documents. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { serve } from '../../helpers/fanout.js';

t.test('answers', async (t) => {
  const folder = t.testdir({ 'index.html': '<p>page</p>', 'page.js': 'export {}', 'secret.key': 'no' });
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'sub', 'style.css'), 'p {}');
  const served = await serve({ webRoot: folder, allowedOrigins: ['https://desk.example'] });
  t.teardown(() => served.close());
  const { shard } = served;
  const eur = shard.define('EURUSD', 5, 60_000);
  shard.define('SILENT', 2);
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${served.port}${path}`, { headers: { connection: 'close', ...headers } });
  shard.quote(eur, 1.1, 1.10002);
  shard.trade(eur, 1.10001, 77);
  shard.commit();

  const symbols = await (await get('/v1/symbols')).json();
  t.same(symbols.symbols[0], { symbol: 'EURUSD', digits: 5, version: 1, ttlMs: 60_000 });

  const one = await get('/v1/quotes/EURUSD');
  const quote = await one.json();
  t.match(quote, {
    symbol: 'EURUSD',
    quote: { seq: 1, symbolSeq: 1, bid: 1.1, ask: 1.10002, bidSize: null, tsEvent: '1790000000001000000' },
    trade: { seq: 2, price: 1.10001, tradeId: 77 },
    status: null,
  });
  t.match(one.headers.get('age'), /^\d+$/);
  const etag = one.headers.get('etag') ?? '';
  t.equal((await get('/v1/quotes/EURUSD', { 'if-none-match': etag })).status, 304);
  shard.quote(eur, 1.2, 1.3);
  shard.commit();
  t.equal((await get('/v1/quotes/EURUSD', { 'if-none-match': etag })).status, 200);
  t.equal((await (await get('/v1/quotes')).json()).quotes.length, 1);
  t.equal((await (await get('/v1/quotes?symbols=XAU*')).json()).quotes.length, 0);

  for (const [path, status, code] of [
    ['/v1/quotes/NOPE', 404, 'unknown_symbol'],
    ['/v1/quotes/SILENT', 404, 'no_quote'],
    ['/v1/quotes/%ff', 400, 'bad_request'],
    ['/v1/nothing', 404, 'not_found'],
    ['/secret.key', 404, 'not_found'],
    ['/..%2f..%2fetc%2fpasswd', 404, 'not_found'],
  ] as const) {
    const response = await get(path);
    t.equal(response.status, status, path);
    t.equal(response.headers.get('content-type'), 'application/problem+json');
    t.match(await response.json(), { status, code });
  }
  const posted = await fetch(`http://127.0.0.1:${served.port}/v1/quotes`, { method: 'POST' });
  t.equal(posted.status, 405);

  t.match(await (await get('/v1/feeds')).json(), { feeds: [{ name: 'test', state: 'live', ageMs: 7 }] });
  t.equal((await get('/healthz')).status, 200);
  const ready = await get('/readyz');
  t.equal(ready.status, 503);
  t.same(await ready.json(), { ready: false, reasons: ['for the test'] });
  t.match(await (await get('/v1/pipeline')).json(), {
    totals: { sequenced: 3 },
    shards: [{ shard: 0, head: 3, applied: 3, visible: null }],
    feeds: [{ feed: 'test', rawDepth: [0] }],
    fanout: { connections: 0 },
  });

  const page = await get('/');
  t.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  t.equal(await page.text(), '<p>page</p>');
  t.match((await get('/sub/style.css')).headers.get('content-type'), 'text/css');
  const cors = (origin: string) =>
    get('/v1/feeds', { origin }).then((response) => response.headers.get('access-control-allow-origin'));
  t.equal(await cors('https://desk.example'), 'https://desk.example');
  t.equal(await cors('https://evil.example'), null);
});
