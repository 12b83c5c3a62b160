/** A link slower than a frame in three heartbeats: the past still arrives, without the connection being given up. */
import type { Socket } from 'node:net';
import t from 'tap';
import { WebSocket } from 'ws';
import { type SocketConstructor, TickClient } from '../../../src/client/index.js';
import { serve } from '../../helpers/fanout.js';

const BYTES_PER_LOOK = 2_000;
const LOOK_MS = 20;
const TICKS = 20_000;

/** Bytes trickle in, as over a slow link: a frame is complete long after its first byte. */
class SlowLink extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { perMessageDeflate: false });
    this.on('open', () => {
      const { _socket: socket, _receiver: receiver } = this as unknown as {
        _socket: Socket;
        _receiver: NodeJS.WritableStream;
      };
      socket.removeAllListeners('data');
      socket.on('readable', () => {});
      const timer = setInterval(() => {
        const bytes = socket.read(Math.min(BYTES_PER_LOOK, socket.readableLength));
        if (bytes !== null) receiver.write(bytes);
      }, LOOK_MS);
      socket.on('close', () => clearInterval(timer));
    });
  }
}

t.test('100 kB/s, and three heartbeats are 600 ms', { timeout: 20_000 }, async (t) => {
  const it = await serve({ log: true, heartbeatMs: 200 });
  t.teardown(() => it.close());
  const id = it.shard.define('EURUSD');
  for (let i = 0; i < TICKS; i++) it.shard.quote(id, (100_000 + i) / 100_000, 2);
  it.shard.commit();
  const client = new TickClient(`ws://127.0.0.1:${it.port}/v1/stream`, {
    WebSocket: SlowLink as unknown as SocketConstructor,
    reconnect: { initialDelayMs: 1, maxDelayMs: 5 },
  });
  t.teardown(() => client.close());
  const closes: string[] = [];
  client.on('close', ({ reason }) => closes.push(reason));
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', from: 0n }, () => {});
  await subscription.ready;
  while (subscription.received < TICKS && closes.length < 5) await new Promise((r) => setTimeout(r, 10));
  t.same(closes, [], 'the connection lasted');
  t.ok(subscription.received >= TICKS, `${subscription.received} ticks came`);
});
