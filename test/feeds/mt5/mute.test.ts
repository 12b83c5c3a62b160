/** A port that answers and then falls silent: the terminal cuts the line and comes back. */
import { createServer, type Socket } from 'node:net';
import t from 'tap';
import { encodeAck, encodeWelcome } from '../../../src/feeds/mt5/framing.js';
import { Mt5Terminal } from '../../../src/feeds/mt5/index.js';
import { until } from './harness.js';

t.test('a mute port', async (t) => {
  const sockets: Socket[] = [];
  const port = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.once('data', () => socket.write(encodeWelcome(120, 0)));
    socket.resume();
  });
  await new Promise<void>((resolve) => port.listen(0, '127.0.0.1', resolve));
  const address = port.address() as { port: number };
  const details = { account: 1, server: 's', name: 'n', zone: 'UTC', reconnectMsMin: 2 };
  const terminal = new Mt5Terminal({ host: '127.0.0.1', port: address.port, ...details });
  await terminal.start();
  t.ok(terminal.isLive);
  await until(() => terminal.counters.connects === 2, 'it comes back');
  t.match(terminal.counters, { disconnects: 1 });

  sockets.at(-1)!.write(encodeAck(5));
  await until(
    () => terminal.counters.disconnects === 2,
    'a port that acknowledges what was never sent is left',
  );
  await terminal.close();
  await t.rejects(
    Promise.resolve().then(() => terminal.start()),
    { code: 'connection_refused' },
    'a closed one stays closed',
  );
  port.close();
});
