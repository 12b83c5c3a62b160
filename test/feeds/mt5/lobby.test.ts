/** Connections that say nothing take no slot of a terminal, and hold nobody off. */
import { connect } from 'node:net';
import t from 'tap';
import {
  MT5_CONNECTIONS_MAX,
  MT5_GREETING_MAX,
  MT5_GREETING_PER_ADDRESS_MAX,
  MT5_HELLO_MS,
} from '../../../src/core/limits.js';
import { FrameType } from '../../../src/feeds/mt5/framing.js';
import { Bench, Peer, until } from './harness.js';

/** Connects from an address of this machine's own. */
async function from(localAddress: string, port: number): Promise<Peer> {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  return new Peer(socket);
}

t.test('mute connections of one address', async (t) => {
  const bench = await new Bench().start();
  t.teardown(() => bench.server.stop());
  const first = await bench.peer();
  await first.hello({ name: 'first' });
  const mute: Peer[] = [];
  for (let i = 0; i < 2 * MT5_GREETING_PER_ADDRESS_MAX; i++) mute.push(await bench.peer());
  const second = await bench.peer();
  await second.hello({ name: 'second' });
  t.equal(bench.server.status().sources, 2, 'a terminal comes in');
  t.notOk(first.isClosed, 'and the one that was there stays');
  t.equal(await mute[0].refusal(), 'limit_exceeded', 'who has waited longest goes');
  t.match(mute[0].errors[0], { severity: 1, message: /not said hello/ });
  await until(() => bench.count('limit_exceeded') === MT5_GREETING_PER_ADDRESS_MAX + 1, 'as many as had to');
  t.notOk(mute.at(-1)!.isClosed);
  for (const peer of mute) peer.socket.destroy();
});

t.test('mute connections of many addresses', async (t) => {
  const bench = await new Bench().start();
  t.teardown(() => bench.server.stop());
  const { port } = bench.server;
  const few = await from('127.0.0.2', port);
  const many: Peer[] = [];
  for (let a = 3; many.length < MT5_GREETING_MAX; a++) {
    for (let i = 0; i < MT5_GREETING_PER_ADDRESS_MAX - 4; i++) many.push(await from(`127.0.0.${a}`, port));
  }
  await until(() => bench.count('limit_exceeded') > 0, 'some had to go');
  await until(() => many.some((peer) => peer.isClosed), 'of those that are many');
  t.notOk(few.isClosed, 'an address with few of them keeps them');
  await few.hello({ name: 'late' });
  t.equal(bench.server.status().sources, 1);
  for (const peer of many) peer.socket.destroy();
});

t.test('terminals that all come at once', async (t) => {
  const bench = await new Bench().start();
  t.teardown(() => bench.server.stop());
  const terminals = Array.from({ length: MT5_CONNECTIONS_MAX }, (_, i) => bench.terminal({ name: `t${i}` }));
  await Promise.all(terminals.map((terminal) => terminal.start()));
  t.equal(bench.server.status().sources, MT5_CONNECTIONS_MAX);
  t.equal(bench.count('limit_exceeded'), 0, 'none of them is taken for mute');
  const more = await bench.peer();
  more.socket.write(Buffer.alloc(0));
  await t.rejects(
    Promise.race([more.hello({ name: 'more' }), more.refusal().then((code) => Promise.reject(code))]),
    'a terminal too many is refused',
  );
  t.match(more.errors[0], { code: 'limit_exceeded', message: /64 terminals are connected/ });
  const again = await bench.peer();
  await again.hello({ name: 't3', streamId: '00'.repeat(16) });
  t.ok(again.types.includes(FrameType.welcome), 'one that takes over has its place');
  await Promise.all(terminals.map((terminal) => terminal.close()));
});

t.test('a hello has a time of its own', async (t) => {
  const bench = await new Bench({ idleTimeoutMs: 60_000 }).start();
  t.teardown(() => bench.server.stop());
  const terminal = await bench.peer();
  await terminal.hello({ name: 'terminal' });
  const mute = await bench.peer();
  const since = performance.now();
  t.equal(await mute.refusal(), 'idle');
  t.match(mute.errors[0].message, new RegExp(`No hello came for ${MT5_HELLO_MS} ms`));
  t.ok(performance.now() - since >= MT5_HELLO_MS - 50);
  t.notOk(terminal.isClosed, 'who has said it may be silent for longer');
});
