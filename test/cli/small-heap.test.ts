/** With a small heap the server outlives a client that subscribes to any number of names. */
import t from 'tap';
import { SUBSCRIBE_SYMBOLS_MAX, SUBSCRIPTIONS_MAX } from '../../src/core/limits.js';
import { Client } from '../helpers/stream-client.js';
import { start } from './support.js';

const HEAP_MB = 72;
const CLIENTS = 2;

t.test('unknown names', { timeout: 120_000 }, async (t) => {
  const args = ['serve', '--json', '--port', '0', '--log-level', 'warn', '--no-log'];
  const env = { NODE_OPTIONS: `--max-old-space-size=${HEAP_MB}` };
  const server = start(t, [...args, '--feed', 'synthetic={"rate":100,"symbols":5}'], { env });
  const { port } = JSON.parse(await server.line(/"event":"serving"/)) as { port: number };
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.open(port, 'json')));
  t.teardown(() => {
    for (const client of clients) client.socket.terminate();
  });
  for (let n = 0; n < SUBSCRIPTIONS_MAX; n++) {
    for (const [c, client] of clients.entries()) {
      const name = (_: unknown, i: number) => `U${c}.${n}.${i}`;
      client.send({
        op: 'subscribe',
        id: n,
        symbols: Array.from({ length: SUBSCRIBE_SYMBOLS_MAX - 1 }, name),
      });
    }
    // As quickly as they go out, no quicker.
    for (const client of clients)
      while (client.socket.bufferedAmount > 0 && client.closeCode === undefined)
        await new Promise((resolve) => setTimeout(resolve, 1));
  }
  for (const client of clients) {
    const answers = () => client.controls.filter((m) => typeof m.id === 'number');
    await client.until(() => answers().length === SUBSCRIPTIONS_MAX || client.closeCode !== undefined);
    t.equal(client.closeCode, undefined, 'it is answered');
    t.equal(answers().filter((m) => m.op === 'subscribed').length, 1);
    t.equal(answers().filter((m) => m.code === 'too_many_symbols').length, SUBSCRIPTIONS_MAX - 1);
  }
  t.equal((await server.stop()).code, 0);
});
