/** What a terminal is told while the log cannot write: under `shed` it goes on, under `block` it waits. */
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { Mt5Terminal } from '../../src/feeds/mt5/index.js';
import { assertSums } from '../helpers/sums.js';
import { startEngine, temporaryFolder } from './support.js';

const NO_DISK_HAS_THAT = Number.MAX_SAFE_INTEGER;
/** Ticks that the terminal keeps until they are acknowledged. */
const BACKLOG = 512;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function started(t: Test, onStall: 'block' | 'shed') {
  const port = await freePort();
  const engine = await startEngine(t, {
    dataFolder: temporaryFolder(t),
    log: { onStall, freeBytesFloor: NO_DISK_HAS_THAT },
    feeds: [{ name: 'mt5', type: 'mt5', options: { port, ackIntervalMs: 5 } }],
  });
  const terminal = new Mt5Terminal({
    host: '127.0.0.1',
    port,
    account: 1,
    server: 'Test',
    name: 'term',
    zone: 'UTC',
    backlogTicks: BACKLOG,
  });
  t.teardown(() => terminal.close());
  await terminal.start();
  const symbol = terminal.define('EURUSD', 5);
  const send = (i: number) => terminal.send(symbol, 1_700_000_000_000 + i, 6, 1.1 + (i % 50) / 1e4, 1.2);
  return { engine, terminal, send };
}

t.test('shed: ticks are acknowledged when they are shed', async (t) => {
  const { engine, terminal, send } = await started(t, 'shed');
  const count = 10 * BACKLOG;
  for (let i = 0; i < count; i++) while (!send(i)) await terminal.room();
  await terminal.drain();
  t.equal(terminal.counters.acked, count, 'all of them, though the log holds none');
  const totals = engine.totals();
  t.match(totals, { received: count, logged: 0 });
  t.ok(totals.shed >= count);
  t.equal(engine.watermarks()[0].durable, 0, 'and none is called durable');
  assertSums(t, totals);
});

t.test('block: nothing is acknowledged that is not durable', async (t) => {
  const { engine, terminal, send } = await started(t, 'block');
  for (let i = 0; i < BACKLOG; i++) t.ok(send(i));
  while (engine.totals().sequenced < BACKLOG) await new Promise((resolve) => setTimeout(resolve, 5));
  t.notOk(send(0), 'its backlog is full');
  // Long enough for ten acknowledgements.
  await new Promise((resolve) => setTimeout(resolve, 100));
  t.equal(terminal.counters.acked, 0);
});
