/** Limits on connections, on the size of messages and on their rate. Each has a close code, a reason and a counter. */
import t from 'tap';
import { addressKey } from '../../../src/core/address.js';
import { BAD_MESSAGES_MAX } from '../../../src/core/limits.js';
import { clientAddress } from '../../../src/fanout/access/client-address.js';
import { closeReasonFor } from '../../../src/fanout/access/close-reason.js';
import { CloseCode } from '../../../src/wire/ticks.js';
import { serve } from '../../helpers/fanout.js';

t.test('connections in all, and per address', async (t) => {
  const limits = { connections: 3, connectionsPerAddress: 2 };
  const served = await serve({ limits, trustedProxies: ['127.0.0.1'] });
  t.teardown(() => served.close());
  const via = (address: string) => served.connect('json', { headers: { 'x-forwarded-for': address } });
  const first = await via('192.0.2.1');
  await via('192.0.2.1');
  const third = await via('192.0.2.1');
  t.equal(await third.closed(), CloseCode.tooManyConnections);
  t.equal(third.closeReason, 'too many connections of this address (limit 2)');
  await via('192.0.2.2');
  const fifth = await via('192.0.2.3');
  t.equal(await fifth.closed(), CloseCode.tooManyConnections);
  t.equal(fifth.closeReason, 'too many connections in all (limit 3)');
  first.socket.close();
  await first.closed();
  t.equal(
    (await (await via('192.0.2.1')).request({ op: 'ping' })).op,
    'pong',
    'a slot is free after its connection has closed',
  );
  t.match(served.fanout.stats(), {
    connections: 3,
    refused: { total: 1, address: 1 },
    closed: { [CloseCode.tooManyConnections]: 2 },
  });
});

t.test('addresses: which count as one, and the client behind a proxy', async (t) => {
  t.equal(addressKey('192.0.2.7'), '192.0.2.7');
  t.equal(addressKey('0000:0000:0000:0000:0000:ffff:c000:0207'), '192.0.2.7');
  t.equal(addressKey('::ffff:192.0.2.7'), '192.0.2.7');
  t.equal(addressKey('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64');
  t.equal(addressKey('2001:db8::1'), '2001:db8:0:0::/64');
  t.equal(addressKey('fe80::1%eth0'), 'fe80:0:0:0::/64');
  const proxies = new Set(['10.0.0.1', '10.0.0.2']);
  t.equal(clientAddress('198.51.100.1', '192.0.2.1', proxies), '198.51.100.1', 'anyone can write the header');
  t.equal(clientAddress('10.0.0.1', '192.0.2.1', proxies), '192.0.2.1');
  t.equal(clientAddress('10.0.0.1', '6.6.6.6, 192.0.2.1, 10.0.0.2', proxies), '192.0.2.1');
  t.equal(clientAddress('10.0.0.1', '', proxies), '10.0.0.1');
  t.equal(clientAddress('10.0.0.1', 'nonsense', proxies), '10.0.0.1');
});

t.test('too many messages, too large ones, and too many wrong ones', async (t) => {
  const served = await serve({ limits: { messagesPerSecond: BAD_MESSAGES_MAX + 10, messageBytes: 2048 } });
  t.teardown(() => served.close());
  for (const encoding of ['packed', 'msgpack', 'json'] as const) {
    const often = await served.connect(encoding);
    for (let i = 0; i < 3 * BAD_MESSAGES_MAX; i++) often.send({ op: 'ping', id: i });
    t.equal(await often.closed(), CloseCode.rate);
    t.match(often.closeReason, /^more than 110 messages a second; retry in \d{1,4} ms$/);
    const flood = await served.connect(encoding);
    for (let i = 0; i < 3 * BAD_MESSAGES_MAX; i++) flood.socket.ping();
    t.equal(await flood.closed(), CloseCode.rate, 'pings count too');
    const large = await served.connect(encoding);
    large.send({ op: 'ping', id: 1, more: 'x'.repeat(3000) });
    t.equal(await large.closed(), CloseCode.badRequest);
    t.match(large.closeReason, /^a message of 3\d\d\d bytes; the limit is 2048$/);
    const wrong = await served.connect(encoding);
    for (let i = 0; i < BAD_MESSAGES_MAX - 1; i++) wrong.socket.send('nonsense');
    t.equal((await wrong.request({ op: 'ping' })).op, 'pong', 'one good request makes up for them');
  }
  const wrong = await served.connect('json');
  for (let i = 0; i < BAD_MESSAGES_MAX; i++) wrong.socket.send('nonsense');
  t.equal(await wrong.closed(), CloseCode.badRequest);
  t.equal(wrong.closeReason, '100 messages in a row were no requests');
  const { closed, badMessages } = served.fanout.stats();
  t.match(closed, { [CloseCode.rate]: 6, [CloseCode.badRequest]: 4 });
  t.equal(badMessages, 3 * BAD_MESSAGES_MAX + BAD_MESSAGES_MAX);
  t.same(served.errors, []);
});

t.test('reasons fit into a close frame, with their hint', async (t) => {
  const { reason } = closeReasonFor(CloseCode.idle, 'ü'.repeat(200), 12_345);
  t.ok(Buffer.byteLength(reason) <= 123);
  t.match(reason, /ü; retry in 12345 ms$/);
  t.equal(closeReasonFor(CloseCode.badRequest, 'so it is').reason, 'so it is');
});
