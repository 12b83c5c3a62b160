/** Garbage, excess and floods end in a documented error or close code, and do not affect others. */
import t from 'tap';
import WebSocket from 'ws';
import { CloseCode, subprotocolOf } from '../../../src/wire/ticks.js';
import { serve } from '../../helpers/fanout.js';
import { Random } from '../../helpers/random.js';

t.test('garbage in any encoding is answered, never fatal', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const random = new Random(3);
  for (const encoding of ['packed', 'msgpack', 'json'] as const) {
    const client = await served.connect(encoding);
    const before = client.controls.length;
    for (let i = 0; i < 50; i++) {
      const bytes = Buffer.from(Array.from({ length: 1 + random.below(40) }, () => random.u32() & 255));
      client.socket.send(bytes);
      if (i % 2 === 1) client.socket.send('{"op":"subscribe","id":{},"symbols":7}');
    }
    // Headers that announce billions of elements, and endless nesting.
    client.socket.send(Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]));
    client.socket.send(Buffer.alloc(10_000, 0x91));
    client.socket.send('['.repeat(10_000));
    await client.until(() => client.controls.length >= before + 78 || client.closeCode !== undefined);
    const codes = new Set(client.controls.slice(before).map((message) => message.code));
    t.ok(
      [...codes].every((code) => code === 'bad_message' || code === 'bad_request'),
      [...codes].join(),
    );
    t.equal((await client.request({ op: 'ping' })).op, 'pong', 'the connection goes on');
    client.socket.send(Buffer.from([0xff, 0xfe]), { binary: false });
    t.ok(await client.closed(), 'text that is not UTF-8 closes it');
  }
  t.same(served.errors, []);
});

t.test('limits', async (t) => {
  const limits = { connections: 2, messagesPerSecond: 20, subscriptions: 3, subscribeSymbols: 100 };
  const served = await serve({ limits });
  t.teardown(() => served.close());
  const client = await served.connect('json');
  for (let i = 0; i < 3; i++) t.equal((await client.subscribe(['*'])).op, 'subscribed');
  t.equal((await client.subscribe(['*'])).code, 'too_many_subscriptions');
  t.equal((await client.subscribe(Array(101).fill('A'))).code, 'too_many_symbols');
  t.equal((await client.request({ op: 'unsubscribe', sub: 99 })).code, 'unknown_subscription');
  t.equal((await client.request({ op: 'unsubscribe', sub: 1 })).op, 'unsubscribed');
  t.equal((await client.subscribe(['*'])).op, 'subscribed');
  t.equal(
    (await client.subscribe(['*'], { deliver: 'durable', mode: 'every' })).code,
    'too_many_subscriptions',
  );
  const other = await served.connect('packed');
  t.equal((await other.subscribe(['*'], { deliver: 'durable', mode: 'every' })).code, 'no_log');
  const third = await served.connect('json');
  t.equal(await third.closed(), CloseCode.tooManyConnections);
  for (let i = 0; i < 60; i++) client.send({ op: 'ping', id: i });
  t.equal(await client.closed(), CloseCode.rate);
  t.equal((await other.request({ op: 'ping' })).op, 'pong', 'others go on');
  other.socket.send(Buffer.alloc(300 * 1024));
  t.ok(await other.closed(), 'an oversized message closes the connection');
});

t.test('origins and subprotocols are checked on upgrade', async (t) => {
  const served = await serve({ allowedOrigins: ['https://desk.example'] });
  t.teardown(() => served.close());
  const status = (protocol: string, origin: string | undefined) =>
    new Promise<number>((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${served.port}/v1/stream`, protocol, {
        ...(origin === undefined ? {} : { origin }),
      });
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      socket.on('open', () => {
        socket.terminate();
        resolve(101);
      });
      socket.on('error', () => {});
    });
  const json = subprotocolOf('json');
  t.equal(await status(json, undefined), 101);
  t.equal(await status(json, `http://127.0.0.1:${served.port}`), 101);
  t.equal(await status(json, 'https://desk.example'), 101);
  t.equal(await status(json, 'https://evil.example'), 403);
  t.equal(await status('ticks.unknown.v9', undefined), 400);
});

t.test('a thousand symbols in one subscription; a heartbeat when idle', async (t) => {
  const served = await serve({ plan: { maxSymbols: 2048 }, heartbeatMs: 50 });
  t.teardown(() => served.close());
  const { shard } = served;
  const names = Array.from({ length: 1000 }, (_, i) => `SYM${i}`);
  for (const name of names) shard.quote(shard.define(name), 1.5, 1.6);
  shard.commit();
  const client = await served.connect('json');
  const answer = await client.subscribe(names);
  t.equal(answer.symbols.length, 1000);
  await client.until(() => client.ticks.length === 1000);
  await client.until(() => client.control('heartbeat') !== undefined);
  t.same(client.control('heartbeat').feeds, [{ feed: 'test', state: 'live', ageMs: 7 }]);
  t.match(client.control('hello'), { protocol: 1, epoch: 1, shards: 1, logId: '0123456789abcdef' });
});
