/** Symbols with any printable name work in every API of the server. */
import t from 'tap';
import { escapeSymbol, TickClient } from '../../../src/client/index.js';
import { ENCODINGS } from '../../../src/wire/ticks.js';
import { serve } from '../../helpers/fanout.js';
import { asker } from '../../helpers/http.js';
import { ODD_NAMES } from '../../helpers/odd-names.js';

async function market(t: Pick<typeof import('tap').t, 'teardown'>) {
  const served = await serve({ log: true });
  t.teardown(() => served.close());
  const ids = ODD_NAMES.map((name) => served.shard.define(name, 2));
  ids.forEach((id, i) => {
    served.shard.quote(id, i + 1, i + 2);
  });
  served.shard.commit();
  return { ...served, ids };
}

t.test('subscriptions, by name and by pattern', async (t) => {
  const { port } = await market(t);
  for (const encoding of ENCODINGS) {
    const client = new TickClient(`ws://127.0.0.1:${port}/v1/stream`, { encoding });
    t.teardown(() => client.close());
    await client.connect();
    for (const [i, name] of ODD_NAMES.entries()) {
      const subscription = client.subscribe({ symbols: [escapeSymbol(name)] });
      for await (const tick of subscription) {
        t.match(tick, { symbol: name, bid: i + 1 }, `${name} in ${encoding}`);
        break;
      }
      t.same(
        subscription.symbols.map(({ symbol }) => symbol),
        [name],
      );
    }
    const some = client.subscribe({ symbols: ['Vol* 75*', 'nothing like this', 'nor\\*this'] });
    for await (const { symbol } of some) {
      t.equal(symbol, 'Volatility 75 Index');
      break;
    }
    t.same(some.symbols.length, 1);
    t.same([...some.unknown].sort(), ['nor*this', 'nothing like this']);
  }
});

t.test('REST', async (t) => {
  const { port } = await market(t);
  const ask = asker(port);
  const listed = JSON.parse((await ask('/v1/symbols')).body);
  t.same(
    listed.symbols.map(({ symbol }: { symbol: string }) => symbol),
    ODD_NAMES,
  );
  for (const [i, name] of ODD_NAMES.entries()) {
    const part = encodeURIComponent(name);
    const quote = JSON.parse((await ask(`/v1/quotes/${part}`)).body);
    t.match(quote, { symbol: name, quote: { bid: i + 1 } }, `/v1/quotes/${part}`);
    const page = JSON.parse((await ask(`/v1/ticks/${part}?from=2026-01-01T00:00:00Z`)).body);
    t.match(page, { symbol: name, ticks: [{ bid: i + 1 }] }, `/v1/ticks/${part}`);
    const csv = await ask(`/v1/ticks/${part}?from=2026-01-01T00:00:00Z`, { accept: 'text/csv' });
    const cell = /[",]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
    t.ok(csv.body.includes(`,${cell},`), cell);
    const one = JSON.parse((await ask(`/v1/quotes?symbols=${encodeURIComponent(escapeSymbol(name))}`)).body);
    t.match(one, { quotes: [{ symbol: name }], unknown: [] });
    t.equal(one.quotes.length, 1);
  }
  const list = encodeURIComponent(ODD_NAMES.map(escapeSymbol).join(','));
  t.equal(JSON.parse((await ask(`/v1/quotes?symbols=${list}`)).body).quotes.length, ODD_NAMES.length);
});

t.test('history', async (t) => {
  const { port } = await market(t);
  const client = new TickClient(`ws://127.0.0.1:${port}/v1/stream`);
  t.teardown(() => client.close());
  await client.connect();
  for (const [i, name] of ODD_NAMES.entries()) {
    const { ticks } = await client.history({ symbol: name, fromSymbolSeq: 1, toSymbolSeq: 1 });
    t.match(ticks, [{ symbol: name, bid: i + 1 }]);
  }
});
