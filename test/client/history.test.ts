import t, { type Test } from 'tap';
import { type PlainTick, TickClient, type TickClientOptions } from '../../src/client/index.js';
import { ENCODINGS } from '../../src/wire/ticks.js';
import { type ServerOptions, StreamServer, said } from './support.js';

const TICKS = 40;
const BUSY = { code: 'busy', message: 'later', temporary: true, retryMs: 1 } as const;

async function scene(
  t: Test,
  options: TickClientOptions = {},
  served: ServerOptions = {},
): Promise<{ server: StreamServer; client: TickClient }> {
  const server = await StreamServer.start(served);
  for (let i = 0; i < TICKS; i++) {
    server.quote('EURUSD', (110_000 + i) / 100_000, 1.2);
    server.trade('XAUUSD', 2400 + i, 1);
  }
  const client = new TickClient(server.url, { reconnect: { initialDelayMs: 1 }, ...options });
  t.teardown(async () => {
    client.close();
    await server.close();
  });
  await client.connect();
  return { server, client };
}

/** What the test server holds of a range: all but every third. */
function held(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((n) => n % 3 !== 0);
}

for (const encoding of ENCODINGS) {
  t.test(`${encoding}: page after page until the range is covered`, async (t) => {
    const { server, client } = await scene(t, { encoding }, { historyTicks: 10 });
    const result = await client.history({ symbol: 'EURUSD', fromSymbolSeq: 3, toSymbolSeq: 36, toSeq: 99 });
    const { ticks, ...rest } = result;
    t.same(rest, {
      symbol: 'EURUSD',
      digits: 5,
      epoch: 1,
      shard: 0,
      fromSymbolSeq: 3,
      toSymbolSeq: 36,
      missing: 12,
    });
    t.same(
      ticks.map(({ symbolSeq }) => symbolSeq),
      held(3, 36),
    );
    t.match(ticks[0], { kind: 'quote', symbol: 'EURUSD', epoch: 1, seq: 7, bid: 1.10003, bidSize: null });
    t.type(ticks[0].tsRecv, 'bigint');
    t.match(server.peer.requests, [
      { fromSymbolSeq: 3, toSymbolSeq: 36, toSeq: 99 },
      // The search continues at the last tick found, in the epoch that was answered.
      { fromSymbolSeq: 13, toSymbolSeq: 36, toSeq: 99, fromSeq: 21, epoch: 1 },
      { fromSymbolSeq: 23 },
      { fromSymbolSeq: 33 },
    ]);
    const { ticks: trades } = await client.history({ symbol: 'XAUUSD', fromSymbolSeq: 1, toSymbolSeq: 2 });
    t.match(trades, [{ kind: 'trade', price: 2400, size: 1, side: 'buy', tradeId: null }, { price: 2401 }]);
  });
}

t.test('a busy server is asked again after the time that it says', async (t) => {
  const { server, client } = await scene(t);
  server.peer.refusals.push({ op: 'history', error: { ...BUSY, retryMs: 60 } });
  const askedAt = performance.now();
  const { ticks } = await client.history({ symbol: 'EURUSD', fromSymbolSeq: 1, toSymbolSeq: 5 });
  t.equal(ticks.length, 4);
  t.ok(performance.now() - askedAt >= 55, 'not earlier');
  t.equal(server.peer.requests.length, 2);
});

t.test('what cannot be is reported at once', async (t) => {
  const { server, client } = await scene(t);
  const error = { code: 'unknown_symbol', message: 'NOPE is not known', temporary: false } as const;
  server.peer.refusals.push({ op: 'history', error });
  const asked = client.history({ symbol: 'NOPE', fromSymbolSeq: 1, toSymbolSeq: 5 });
  await t.rejects(asked, { name: 'ServerError', code: 'unknown_symbol' });
  t.equal(server.peer.requests.length, 1);
});

t.test('a page that the connection took along is asked for on the next one', async (t) => {
  const { server, client } = await scene(t, {}, { historyTicks: 10 });
  server.peer.ignores = 'history';
  const asked = client.history({ symbol: 'EURUSD', fromSymbolSeq: 1, toSymbolSeq: 20 });
  await server.peer.asked('history');
  server.peer.drop();
  t.equal((await asked).ticks.length, held(1, 20).length);
  t.equal(server.peers.length, 2);
});

t.test('pages of two logs are not put together', async (t) => {
  const { server, client } = await scene(t, {}, { historyTicks: 10 });
  const asked = client.history({ symbol: 'EURUSD', fromSymbolSeq: 1, toSymbolSeq: 40 });
  await server.peer.asked('history', 2);
  server.logId = 'f'.repeat(16);
  server.peer.drop();
  const { ticks } = await asked;
  t.equal(server.peers.length, 2);
  t.match(await server.peer.asked('history'), { fromSymbolSeq: 1 }, 'begun anew');
  t.same(
    ticks.map(({ symbolSeq }) => symbolSeq),
    held(1, 40),
  );
  t.ok(ticks.every(({ logId }) => logId === server.logId));
});

t.test('an answer that does not get on is no endless loop', async (t) => {
  const { server, client } = await scene(t);
  server.peer.ignores = 'history';
  const asked = client.history({ symbol: 'EURUSD', fromSymbolSeq: 5, toSymbolSeq: 9 });
  const { id } = await server.peer.asked('history');
  const answer = { op: 'history', id, symbol: 'EURUSD', symbolId: 1, digits: 5, epoch: 1, shard: 0 } as const;
  server.peer.send({ ...answer, fromSymbolSeq: 5, toSymbolSeq: 4, missing: 0, ticks: [] });
  await t.rejects(asked, { message: /symbolSeq 5 to 9 of EURUSD with a page that ends at 4/ });
});

t.test('without a connection to come it rejects', async (t) => {
  const { server, client } = await scene(t);
  const idle = new TickClient(server.url);
  const query = { symbol: 'EURUSD', fromSymbolSeq: 1, toSymbolSeq: 5 };
  await t.rejects(idle.history(query), { code: 'connection_closed', message: /connect\(\) first/ });
  server.peer.ignores = 'history';
  const asked = client.history(query);
  await server.peer.asked('history');
  client.close();
  await t.rejects(asked, { code: 'connection_closed' });
});

t.test('conflatedTicks: what was conflated into an update', async (t) => {
  const { server, client } = await scene(t);
  const ticks: PlainTick[] = [];
  const subscription = client.subscribe({ symbols: ['EURUSD'] }, (tick) => {
    // The test server sends the others too.
    if (tick.symbol === 'EURUSD') ticks.push(tick.toObject());
  });
  await subscription.ready;
  for (let i = 0; i < 5; i++) server.conflate('EURUSD');
  server.quote('EURUSD', 1.15, 1.25);
  server.quote('EURUSD', 1.16, 1.25);
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  t.same(
    ticks.map(({ conflated }) => conflated),
    [0, 5, 0],
  );
  const conflated = await client.conflatedTicks(ticks[1]);
  t.same(
    conflated.map(({ symbolSeq }) => symbolSeq),
    held(TICKS + 1, TICKS + 5),
  );
  t.match(await server.peer.asked('history'), { epoch: 1, toSeq: ticks[1].seq });
  t.same(await client.conflatedTicks(ticks[2]), []);
  t.equal(
    server.peer.requests.filter(({ op }) => op === 'history').length,
    1,
    'nothing is asked for nothing',
  );
});
