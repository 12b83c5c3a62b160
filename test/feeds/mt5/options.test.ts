/** Options of the port: defaults, a secret off loopback, and messages that say what to do. */
import { createServer } from 'node:net';
import t from 'tap';
import { isLoopback, Mt5Server, mt5, mt5Options } from '../../../src/feeds/mt5/index.js';
import { Bench } from './harness.js';

t.test('defaults', async (t) => {
  t.match(mt5Options.parse({}), { host: '127.0.0.1', port: 5555, idleTimeoutMs: 15_000 });
  t.equal(mt5.policy, 'block');
  t.equal(mt5.stateWords({}), 0);
  t.ok(mt5.create({}) instanceof Mt5Server);
});

t.test('off loopback a secret is needed', async (t) => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost']) t.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.example.org']) {
    t.notOk(isLoopback(host), host);
    t.throws(() => new Mt5Server({ host }), { code: 'bad_config', message: /set a secret/ });
    t.doesNotThrow(() => new Mt5Server({ host, secret: 'long enough' }));
  }
});

t.test('bad options', async (t) => {
  t.throws(() => new Mt5Server({ port: 70_000 }), { code: 'bad_config', message: /0 to 65535/ });
  t.throws(() => new Mt5Server({ secret: 'short' }), { code: 'bad_config', message: /8 characters/ });
  t.throws(() => new Mt5Server({ prot: 1 } as object), { code: 'bad_config', message: /prot/ });
});

t.test('a port that is taken', async (t) => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  await t.rejects(new Bench({ port }).start(), { code: 'port_taken' });
  await new Promise((resolve) => other.close(resolve));
});
