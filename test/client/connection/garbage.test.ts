/** A server that sends nonsense costs a connection, never the process or the subscription. */
import t from 'tap';
import { TickClient } from '../../../src/client/index.js';
import { checked } from '../../../src/client/messages.js';
import { packControl } from '../../../src/wire/msgpack.js';
import { Random } from '../../helpers/random.js';
import { StreamServer, said } from '../support.js';

const QUICK = { initialDelayMs: 1, maxDelayMs: 5 };
const BROKEN: unknown[] = [
  null,
  7,
  'hello',
  [],
  {},
  { op: 5 },
  { op: 'subscribed' },
  { op: 'symbols', sub: 1, symbols: [null] },
  { op: 'symbols', sub: 1, symbols: [{ symbol: 'X', symbolId: -1, digits: 2 }] },
  { op: 'symbols', sub: 1, symbols: [{ symbol: 'X', symbolId: 1, digits: 99 }] },
  { op: 'heartbeat', feeds: [null] },
  { op: 'heartbeat' },
  { op: 'error' },
  { op: 'rewound', sub: 1 },
];
const BROKEN_TICKS: unknown[] = [
  { op: 'ticks' },
  { op: 'ticks', sub: 1, epoch: 1, shard: 0, cursor: 'x', ticks: 'none' },
  { op: 'ticks', sub: 1, epoch: 1, shard: 0, cursor: 'x', ticks: [null] },
  { op: 'ticks', sub: 1, epoch: 1, shard: 0, cursor: 'x', ticks: [{}] },
  { op: 'ticks', sub: 1, epoch: 1, shard: 0, cursor: 'x', ticks: [{ kind: 'quote', tsRecv: 5, flags: [] }] },
  {
    op: 'ticks',
    sub: 1,
    epoch: 1,
    shard: 0,
    cursor: 'x',
    ticks: [{ kind: 'status', tsRecv: '5', flags: [] }],
  },
];

for (const encoding of ['packed', 'json'] as const) {
  t.test(`${encoding}: broken messages`, async (t) => {
    const server = await StreamServer.start();
    const client = new TickClient(server.url, { encoding, reconnect: QUICK });
    await client.connect();
    const seqs: number[] = [];
    const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false }, ({ seq }) =>
      seqs.push(seq),
    );
    await subscription.ready;
    const broken = encoding === 'json' ? [...BROKEN, ...BROKEN_TICKS] : BROKEN;
    for (const message of broken) {
      const again = said(subscription, 'subscribed');
      const closed = said(client, 'close');
      server.peer.raw(encoding === 'json' ? JSON.stringify(message) : packControl(message as object));
      t.match(await closed, { code: 1006, reason: /unreadable/ }, JSON.stringify(message));
      server.quote('EURUSD', 1, 2);
      await again;
    }
    server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
    await said(client, 'heartbeat');
    t.same(
      seqs,
      broken.map((_, i) => i + 1),
      'every tick came all the same',
    );
    client.close();
    await server.close();
  });
}

t.test('messages that are new or answer nothing are passed over', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { reconnect: QUICK });
  await client.connect();
  for (const message of [
    { op: 'fireworks', loud: true },
    { op: 'constructor' },
    { op: 'unsubscribed', id: 999, sub: 9 },
    { op: 'paused', id: 'never asked', sub: 9, cursor: '' },
    { op: 'caught_up', sub: 77 },
    { op: 'error', id: null, sub: 77, code: 'log_failed', message: 'of another', temporary: true },
  ]) {
    server.peer.raw(packControl(message));
  }
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  t.equal(server.peers.length, 1);
  client.close();
  await server.close();
});

t.test('random bytes: each is read, or costs its connection', async (t) => {
  const server = await StreamServer.start({ beats: false });
  const client = new TickClient(server.url, { reconnect: QUICK });
  await client.connect();
  const random = new Random(11);
  let losses = 0;
  client.on('close', () => losses++);
  for (let i = 0; i < 150; i++) {
    const bytes = Uint8Array.from({ length: 4 + random.below(80) }, () => random.below(256));
    if (random.chance(2)) bytes.set([0xc1, 1, 1, 0]);
    const before = losses;
    server.peer.raw(bytes);
    server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
    await Promise.race([said(client, 'heartbeat'), said(client, 'close')]);
    if (losses > before && client.state !== 'connected') await said(client, 'open');
  }
  t.ok(losses > 50, `${losses} connections lost`);
  t.equal(client.state, 'connected');
  client.close();
  await server.close();
});

t.test('a second hello is passed over', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url);
  await client.connect();
  let opened = 0;
  client.on('open', () => opened++);
  server.peer.send(server.hello());
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  t.equal(opened, 0);
  client.close();
  await server.close();
});

t.test('what a message must have', async (t) => {
  t.throws(() => checked({ op: 'hello', epoch: 1, heartbeatMs: 0 }), {
    message: 'hello with a wrong heartbeatMs',
  });
  t.throws(() => checked({ op: 'sought', epoch: 1 }), { message: 'sought with a wrong cursor' });
  t.doesNotThrow(() => checked({ op: 'sought', epoch: 1, cursor: '', more: 1 }));
});
