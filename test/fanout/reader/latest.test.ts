/** Mode `latest`: quotes are conflated to the newest state, trades never are. */
import t from 'tap';
import { serve } from '../../helpers/fanout.js';

for (const encoding of ['packed', 'msgpack', 'json'] as const) {
  t.test(`conflates quotes, keeps every trade (${encoding})`, async (t) => {
    const served = await serve();
    t.teardown(() => served.close());
    const { shard } = served;
    const eur = shard.define('EURUSD');
    const xau = shard.define('XAUUSD', 2);
    shard.quote(eur, 1.1, 1.10002);
    shard.commit();
    const client = await served.connect(encoding);
    const answer = await client.subscribe(['*', 'NOPE']);
    t.match(answer, { op: 'subscribed', mode: 'latest', unknown: ['NOPE'] });
    await client.until(() => client.ticks.length === 1);
    t.match(client.ticks[0], { snapshot: true, kind: 'quote', seq: 1, value: 1.1, ask: 1.10002 });
    for (let i = 1; i <= 1000; i++) {
      shard.quote(eur, 1.1 + i / 100_000, 1.2 + i / 100_000);
      if (i % 100 === 0) shard.trade(xau, 2000 + i / 100, i);
    }
    shard.commit();
    const trades = () => client.ticks.filter((tick) => tick.kind === 'trade');
    await client.until(() => trades().length === 10 && client.ticks.some((tick) => tick.symbolSeq === 1001));
    t.same(
      trades().map((tick) => tick.symbolSeq),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
    const quotes = client.ticks.filter((tick) => tick.kind === 'quote');
    t.equal(quotes.length, 2, 'a thousand quotes of one commit were conflated into one');
    t.equal(quotes[1].value, 1.11);
  });
}

t.test('intervalMs limits the rate, and the final state is still sent', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const { shard } = served;
  const eur = shard.define('EURUSD');
  shard.quote(eur, 1, 1.1);
  shard.commit();
  const client = await served.connect();
  await client.subscribe(['EURUSD'], { intervalMs: 100 });
  const startedMs = performance.now();
  for (let i = 1; i <= 50; i++) {
    shard.quote(eur, 1 + i / 1000, 2);
    shard.commit();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await client.until(() => client.ticks.at(-1)?.symbolSeq === 51);
  const intervals = (performance.now() - startedMs) / 100;
  t.ok(client.ticks.length <= intervals + 3, `${client.ticks.length} updates in ${intervals} intervals`);
});

t.test('a symbol that appears later is announced before its first tick', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const { shard } = served;
  const client = await served.connect('json');
  const answer = await client.subscribe(['XAU*', 'GBPUSD']);
  t.same(answer.symbols, []);
  t.same(answer.unknown, ['GBPUSD']);
  shard.quote(shard.define('XAUUSD', 2), 2000.25, 2000.5);
  shard.quote(shard.define('EURUSD'), 1, 2);
  shard.quote(shard.define('GBPUSD'), 1.25, 1.26);
  shard.commit();
  await client.until(() => client.ticks.length === 2);
  const announced = client.control('symbols').symbols;
  t.match(announced, [
    { symbol: 'XAUUSD', digits: 2 },
    { symbol: 'GBPUSD', digits: 5 },
  ]);
  t.same(client.ticks.map((tick) => tick.value).sort(), [1.25, 2000.25]);
});

t.test('without a snapshot no earlier tick is sent', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const { shard } = served;
  const [a, b] = [shard.define('A'), shard.define('B')];
  shard.quote(a, 1, 2);
  shard.quote(b, 1, 2);
  shard.commit();
  const client = await served.connect();
  await client.subscribe(['*'], { snapshot: false });
  shard.quote(b, 3, 4);
  shard.commit();
  await client.until(() => client.ticks.length > 0);
  t.same(
    client.ticks.map((tick) => [tick.snapshot, tick.seq]),
    [[false, 3]],
  );
});
