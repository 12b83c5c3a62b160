/** A terminal's quote that is stamped hours ahead: what is shown goes on with the next one, in every place, over a restart too. */
import { createServer } from 'node:net';
import t, { type Test } from 'tap';
import { toTick } from '../../src/core/tick-record.js';
import type { EngineRuntime } from '../../src/engine/engine.js';
import { Mt5Terminal } from '../../src/feeds/mt5/index.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { LogStream } from '../../src/replay/stream.js';
import { asker } from '../helpers/http.js';
import { Client } from '../helpers/stream-client.js';
import { assertSums } from '../helpers/sums.js';
import { startEngine, temporaryFolder } from './support.js';

const HOUR = 3_600_000;

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function started(t: Test, dataFolder: string) {
  const port = await freePort();
  const engine = await startEngine(t, {
    dataFolder,
    http: { port: 0 },
    feeds: [{ name: 'mt5', type: 'mt5', options: { port, ackIntervalMs: 5 } }],
  });
  const link = { host: '127.0.0.1', port, account: 1, server: 'Test', name: 'term', zone: 'UTC' };
  const terminal = new Mt5Terminal(link);
  t.teardown(() => terminal.close());
  await terminal.start();
  const symbol = terminal.define('EURUSD', 5);
  const quote = (bid: number, utcMs: number) => terminal.send(symbol, utcMs, 6, bid, bid + 0.1);
  const trade = (price: number, utcMs: number) => terminal.send(symbol, utcMs, 8, 0, 0, price, 1);
  return { engine, terminal, quote, trade };
}

/** Asserts that the newest quote is everywhere the one with this bid. */
async function assertShown(t: Test, engine: EngineRuntime, bid: number): Promise<void> {
  while (engine.last('EURUSD')?.quote?.bid !== bid) await new Promise((resolve) => setTimeout(resolve, 5));
  const { body } = await asker(engine.port!)('/v1/quotes/EURUSD');
  t.match(JSON.parse(body), { quote: { bid, flags: [] }, stale: false });
  const client = await Client.open(engine.port!, 'json');
  await client.request({ op: 'subscribe', symbols: ['EURUSD'], kinds: ['quote'] });
  await client.until(() => client.ticks.length > 0);
  t.match(client.ticks, [{ value: bid, snapshot: true }]);
  client.socket.terminate();
}

t.test('a quote and a trade that are 3 h ahead', async (t) => {
  const dataFolder = temporaryFolder(t);
  const first = await started(t, dataFolder);
  const nowMs = Date.now() - 60_000;
  const live = await Client.open(first.engine.port!, 'json');
  t.teardown(() => live.socket.terminate());
  first.quote(1.1, nowMs);
  await first.terminal.drain();
  await live.request({ op: 'subscribe', symbols: ['EURUSD'] });
  first.quote(1.2, nowMs + 3 * HOUR);
  first.trade(7, nowMs + 3 * HOUR);
  await first.terminal.drain();
  await live.until(() => live.ticks.some(({ value }) => value === 1.2));
  first.quote(1.3, nowMs + 1000);
  first.trade(8, nowMs + 1000);
  await first.terminal.drain();
  await live.until(() => live.ticks.some(({ value }) => value === 1.3));
  await live.until(() => live.ticks.some(({ value }) => value === 8));
  await assertShown(t, first.engine, 1.3);
  t.match(first.engine.last('EURUSD'), { trade: { price: 8, flags: [] } });
  t.match(first.engine.totals(), { late: 0, suspicious: 2 });
  assertSums(t, first.engine.totals());
  // The last one before the restart is ahead too.
  first.quote(1.4, nowMs + 5 * HOUR);
  await first.terminal.drain();
  await first.terminal.close();
  await first.engine.stop();

  const second = await started(t, dataFolder);
  second.quote(1.5, nowMs + 2000);
  await second.terminal.drain();
  await assertShown(t, second.engine, 1.5);
  t.match(second.engine.totals(), { late: 0, suspicious: 0 });
  await second.terminal.close();
  await second.engine.stop();

  const reader = LogReader.open(dataFolder);
  t.teardown(() => reader.close());
  const stream = new LogStream(reader, { filter: null });
  const bids: (number | undefined)[] = [];
  let recv = 0n;
  while (stream.next()) {
    const tick = toTick(stream.records, stream.index);
    const reached = BigInt(stream.recvS) * 1_000_000_000n + BigInt(stream.recvNs);
    t.ok(reached >= recv && reached <= BigInt(Date.now()) * 1_000_000n, 'a replay goes by receipt alone');
    recv = reached;
    if (tick.kind === 'quote') bids.push(tick.bid);
  }
  t.same(bids, [1.1, 1.2, 1.3, 1.4, 1.5]);
});
