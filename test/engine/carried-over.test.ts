/** What an earlier epoch left gives way to the first ticks of the next, however old the times of these are. */
import t from 'tap';
import type { EngineRuntime } from '../../src/engine/engine.js';
import { asker } from '../helpers/http.js';
import { Client } from '../helpers/stream-client.js';
import { MARKET, settle, startEngine, syntheticFeed, temporaryFolder } from './support.js';

async function untilNumbered(engine: EngineRuntime, count: number): Promise<void> {
  while (engine.totals().sequenced < count) await new Promise((resolve) => setTimeout(resolve, 10));
}

t.test('the synthetic feed restarted on its folder', async (t) => {
  const options = {
    dataFolder: temporaryFolder(t),
    feeds: [syntheticFeed(100_000)],
    http: { port: 0 },
    rings: { broadcast: 65_536 },
  };
  const first = await startEngine(t, options);
  await untilNumbered(first, 100_000);
  await settle(first);
  const late = new Map<string, bigint>();
  first.registry.refresh();
  for (const { name } of first.registry.symbols.slice(1).flatMap((s) => s ?? []))
    late.set(name, first.last(name)?.quote?.tsEvent ?? 0n);
  await first.stop();

  const idle = await startEngine(t, { ...options, feeds: [] });
  const before = JSON.parse((await asker(idle.port!)('/v1/quotes')).body);
  t.equal(before.quotes.length, MARKET.symbols);
  t.ok(
    before.quotes.every(
      (state: { stale: boolean; quote: { seq: number } }) => state.stale && state.quote.seq === 0,
    ),
    'what is shown before the first tick is of an earlier epoch, and stale',
  );
  const [symbol] = late.keys();
  t.same(
    [idle.last(symbol)?.quote?.seq, idle.last(symbol)?.quote?.epoch],
    [0, first.identity.epoch],
    'a quote without a seq names the epoch that it is of',
  );
  await idle.stop();

  // Its times begin where those of the first run began.
  const engine = await startEngine(t, options);
  const client = await Client.open(engine.port!, 'json');
  t.teardown(() => client.socket.terminate());
  await client.request({ op: 'subscribe', symbols: ['*'], kinds: ['quote'] });
  await untilNumbered(engine, 20_000);
  await settle(engine);
  t.equal(engine.totals().late, 0, 'none is late against the earlier epoch');
  for (const [name, tsEvent] of late) {
    const quote = engine.last(name)?.quote;
    t.ok((quote?.seq ?? 0) > 0, `${name} is of this epoch`);
    t.ok((quote?.tsEvent ?? 0n) < tsEvent, 'and older by its own time');
  }
  const { quotes } = JSON.parse((await asker(engine.port!)('/v1/quotes')).body);
  t.equal(quotes.length, MARKET.symbols);
  for (const { symbol, quote, stale } of quotes) {
    t.equal(stale, false, symbol);
    t.equal(quote.seq, engine.last(symbol)?.quote?.seq);
  }
  const isSent = (seq: number) => client.ticks.some((tick) => tick.seq === seq);
  const newest: number[] = quotes.map(({ quote }: { quote: { seq: number } }) => quote.seq);
  await client.until(() => newest.every(isSent));
  t.pass('a subscriber of mode latest has them too');
});
