/** DNS rebinding: a page can make its own name resolve to this server's address. The `Host` header reveals such a page. */
import { request } from 'node:http';
import t from 'tap';
import WebSocket from 'ws';
import { HostNames } from '../../../src/fanout/contract/origins.js';
import { subprotocolOf } from '../../../src/wire/ticks.js';
import { type Served, serve } from '../../helpers/fanout.js';
import { asker } from '../../helpers/http.js';

const EVIL = 'evil.example';

/** The HTTP status of an upgrade. */
function upgrade(served: Served, headers: Record<string, string>, query = ''): Promise<number> {
  return new Promise((resolve) => {
    const url = `ws://127.0.0.1:${served.port}/v1/stream${query}`;
    const socket = new WebSocket(url, subprotocolOf('json'), { headers });
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('error', () => {});
  });
}

t.test('a foreign name on loopback, with an equal origin and without one', async (t) => {
  const webRoot = t.testdir({ 'index.html': '<p>page</p>' });
  const served = await serve({ webRoot });
  t.teardown(() => served.close());
  const ask = asker(served.port);
  const host = `${EVIL}:${served.port}`;
  const paths = ['/', '/index.html', '/v1/symbols', '/v1/quotes', '/v1/ticks/A', '/v1/pipeline', '/metrics'];
  for (const path of [...paths, '/healthz', '/readyz', '/openapi.json', '/nothing']) {
    for (const headers of [{ host, origin: `http://${host}` }, { host }] as Record<string, string>[]) {
      for (const method of ['GET', 'OPTIONS']) {
        const answer = await ask(path, headers, method);
        t.equal(answer.status, 403, `${method} ${path}`);
        t.match(JSON.parse(answer.body), { code: 'forbidden', detail: /http\.allowedHosts/ });
      }
    }
  }
  t.equal(await upgrade(served, { host, origin: `http://${host}` }), 403);
  t.equal(await upgrade(served, { host }), 403);
  t.equal(served.fanout.stats().refused.host, 2);
  for (const own of ['127.0.0.1', 'localhost:9', '[::1]:80', 'LOCALHOST.', 'desk.localhost:8080']) {
    t.equal((await ask('/v1/symbols', { host: own })).status, 200, own);
    t.equal(await upgrade(served, { host: own, origin: `http://${own}` }), 101, own);
  }
});

t.test('names that the settings allow', async (t) => {
  const served = await serve({ allowedHosts: ['Ticks.example', '[2001:db8::1]'] });
  t.teardown(() => served.close());
  const ask = asker(served.port);
  const status = async (host: string) => (await ask('/v1/symbols', { host })).status;
  t.equal(await status('ticks.example'), 200);
  t.equal(await status('TICKS.example:443'), 200);
  t.equal(await status('[2001:DB8::1]:8080'), 200);
  t.equal(await status('localhost'), 200);
  t.equal(await status(`ticks.example.${EVIL}`), 403);
  t.equal(await status('192.168.0.1'), 403);
  t.equal(await upgrade(served, { host: 'ticks.example', origin: 'http://ticks.example' }), 101);
});

t.test('servers on other addresses', async (t) => {
  const allows = (address: string | undefined, allowed: string[], host: string) =>
    new HostNames(address, allowed).allows(host);
  t.ok(allows('0.0.0.0', [], EVIL), 'without the setting any name');
  t.notOk(allows('0.0.0.0', ['ticks.example'], EVIL));
  t.ok(allows('0.0.0.0', ['ticks.example'], '192.168.0.1:8080'), 'an address is no name');
  t.ok(allows('0.0.0.0', ['ticks.example'], '[fe80::1]:8080'));
  t.ok(allows('::', ['ticks.example'], 'ticks.example'));
  t.ok(allows('::1', ['*'], EVIL));
  t.notOk(allows('::1', [], EVIL));
  t.notOk(allows('127.0.0.2', [], EVIL));
  t.ok(allows('::ffff:127.0.0.1', [], '127.1.2.3'));
  t.notOk(allows('localhost', [], '127.0.0.1.evil.example'));
  t.ok(allows('127.0.0.1', [], ''), 'no browser');
  t.ok(allows(undefined, [], EVIL), 'whoever listens itself sees to it');
});

t.test('the page may load from and connect to this server only', async (t) => {
  const webRoot = t.testdir({ 'index.html': '<p>page</p>' });
  const policyOf = async (more: object) => {
    const served = await serve({ webRoot, ...more });
    t.teardown(() => served.close());
    return (await asker(served.port)('/')).headers['content-security-policy'];
  };
  t.match(await policyOf({}), /default-src 'none'; script-src 'self'; .*frame-ancestors 'none'/);
  t.equal(await policyOf({ contentSecurityPolicy: "default-src 'self'" }), "default-src 'self'");
  t.equal(await policyOf({ contentSecurityPolicy: '' }), undefined);
});

t.test('unknown parameters', async (t) => {
  const served = await serve({ log: true });
  t.teardown(() => served.close());
  served.shard.quote(served.shard.define('A'), 1, 2);
  served.shard.commit();
  const ask = asker(served.port);
  const paths = ['/v1/symbols', '/v1/quotes', '/v1/quotes/A', '/v1/ticks/A', '/v1/feeds', '/v1/pipeline'];
  for (const path of [...paths, '/healthz', '/readyz', '/metrics', '/openapi.json']) {
    for (const query of ['symbol=A', 'x', '%ff=1']) {
      for (const method of ['GET', 'HEAD']) {
        t.equal((await ask(`${path}?${query}`, {}, method)).status, 400, `${method} ${path}?${query}`);
      }
    }
    t.not((await ask(path)).status, 400, path);
    t.not((await ask(`${path}?`)).status, 400, `${path}?`);
  }
  t.equal(await upgrade(served, {}, '?tokn=abc'), 400);
  t.equal(await upgrade(served, {}, '?token=%ff'), 400);
  t.equal(await upgrade(served, {}, '?token=abc'), 101);
});

t.test('a token in the query is compared exactly', async (t) => {
  const token = 'a+b/c=0123456789';
  const served = await serve({ auth: { keys: [{ name: 'a', token }] } });
  t.teardown(() => served.close());
  const client = await served.connect('json', { query: `?token=${token}` });
  t.match(client.control('hello'), { auth: false });
  const stray = (bytes: string) =>
    new Promise<number>((resolve) => {
      const path = `/v1/stream?token=${encodeURIComponent(token)}${bytes}`;
      const headers = { connection: 'upgrade', upgrade: 'websocket', 'sec-websocket-key': 'x'.repeat(24) };
      const asked = request({
        port: served.port,
        path,
        headers: { ...headers, 'sec-websocket-version': '13' },
      });
      asked.on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      asked.on('upgrade', (_response, socket) => {
        socket.destroy();
        resolve(101);
      });
      asked.end();
    });
  for (const bytes of ['%ff', '%c3', '%e2%82']) t.equal(await stray(bytes), 400, bytes);
});
