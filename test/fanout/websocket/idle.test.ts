/** A silent client gets a ping, and is closed if it does not answer. A client that answers pings may stay silent. */
import { once } from 'node:events';
import t from 'tap';
import { CloseCode, subprotocolOf } from '../../../src/wire/ticks.js';
import { serve } from '../../helpers/fanout.js';
import { frame, Opcode, RawSocket } from '../../helpers/raw-socket.js';

const PACKED = subprotocolOf('packed');
const IDLE_MS = 200;

t.test('a client that does not answer pings is closed with 4003, one that does stays', async (t) => {
  const served = await serve({ idleMs: IDLE_MS, heartbeatMs: 50 });
  t.teardown(() => served.close());
  const startedMs = performance.now();
  const [deaf, quiet, talkative] = await Promise.all([
    RawSocket.open(served.port, PACKED, false),
    RawSocket.open(served.port, PACKED, true),
    RawSocket.open(served.port, PACKED, false),
  ]);
  const talking = setInterval(() => talkative.send(frame(Opcode.ping, 'there')), IDLE_MS / 8);
  await once(deaf.socket, 'close');
  t.equal(deaf.closeCode, CloseCode.idle);
  t.match(deaf.closeReason, /^no sign of life for 200 ms; retry in \d+ ms$/);
  t.ok(deaf.opcodes.includes(Opcode.ping), 'it was asked');
  t.ok(performance.now() - startedMs >= IDLE_MS / 2);
  const stats = served.fanout.stats();
  t.equal(stats.connections, 2);
  t.equal(stats.closed[CloseCode.idle], 1);
  const asked = quiet.opcodes.filter((opcode) => opcode === Opcode.ping).length;
  await until(() => quiet.opcodes.filter((opcode) => opcode === Opcode.ping).length >= asked + 4);
  t.equal(served.fanout.stats().connections, 2, 'those that show life stay');
  t.ok(quiet.opcodes.includes(Opcode.binary), 'and get heartbeats');
  clearInterval(talking);
  await once(talkative.socket, 'close');
  t.equal(talkative.closeCode, CloseCode.idle, 'until they show none');
  quiet.socket.destroy();
});

t.test('a client that disappears with megabytes in flight is cut off, and its memory is freed', async (t) => {
  const served = await serve({ idleMs: IDLE_MS, plan: { maxSymbols: 64 } });
  t.teardown(() => served.close());
  const { shard, fanout } = served;
  const id = shard.define('EURUSD');
  const client = await served.connect();
  await client.subscribe(['*'], { mode: 'every' });
  const gone = await RawSocket.open(served.port, subprotocolOf('json'), false);
  gone.socket.pause();
  // Each answer repeats all these names, and nobody reads it: the kernel's buffer is full, the rest waits in the server.
  const symbols = Array.from({ length: 1900 }, (_, i) => `${i}`.padEnd(120, 'x'));
  for (let n = 1; n <= 24; n++)
    gone.send(frame(Opcode.text, JSON.stringify({ op: 'subscribe', id: n, symbols, mode: 'every' })));
  await until(() => fanout.stats().connections === 1);
  const stats = fanout.stats();
  t.ok(stats.bytesSent > 4 * 1024 * 1024, 'it was sent all these names again and again');
  t.match(stats, { subscriptions: 1, groups: 1, symbolFilters: 1, closed: { [CloseCode.idle]: 1 } });
  shard.quote(id, 1.5, 1.6);
  shard.commit();
  await client.until(() => client.ticks.length === 1);
  gone.socket.destroy();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}
