import t from 'tap';
import { type PlainTick, TickClient } from '../../src/client/index.js';
import { ENCODINGS, type Encoding } from '../../src/wire/ticks.js';
import { StreamServer } from './support.js';

/** What a client gets in one encoding, without what differs from run to run. */
async function received(server: StreamServer, encoding: Encoding): Promise<PlainTick[]> {
  const client = new TickClient(server.url, { encoding });
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*', 'NOPE'], mode: 'every', snapshot: true });
  const ticks: PlainTick[] = [];
  for await (const tick of subscription) {
    ticks.push(tick);
    if (ticks.length === 3) {
      server.quote('EURUSD', 1.10003, 1.10013);
      server.trade('EURUSD', 1.1001, 2.5);
    }
    if (ticks.length === 5) break;
  }
  t.same(subscription.unknown, ['NOPE'], 'the unknown name is told');
  t.same(
    subscription.symbols.map(({ symbol, digits }) => [symbol, digits]),
    [
      ['EURUSD', 5],
      ['XAUUSD', 5],
    ],
  );
  client.close();
  return ticks;
}

t.test('the three encodings say the same', async (t) => {
  const plain = (tick: PlainTick) => ({ ...tick, tsEvent: typeof tick.tsEvent, tsRecv: typeof tick.tsRecv });
  const results: unknown[] = [];
  for (const encoding of ENCODINGS) {
    const server = await StreamServer.start();
    server.quote('EURUSD', 1.1, 1.10009);
    server.trade('EURUSD', 1.10005, 1);
    server.quote('XAUUSD', 2400.12345, 2400.12399);
    const ticks = await received(server, encoding);
    t.equal(ticks.filter((tick) => tick.inSnapshot).length, 3, `${encoding}: the snapshot is marked`);
    t.match(ticks[4], {
      kind: 'trade',
      symbol: 'EURUSD',
      side: 'buy',
      price: 1.1001,
      size: 2.5,
      symbolSeq: 4,
    });
    results.push(ticks.map(plain));
    await server.close();
  }
  t.same(results[1], results[0]);
  t.same(results[2], results[0]);
});
