/** Records are encoded once for all groups. Each client still gets exactly the ticks that it subscribed to. */
import t, { type Test } from 'tap';
import type { Encoding, Mode } from '../../../src/wire/ticks.js';
import { type Served, serve } from '../../helpers/fanout.js';
import { Random } from '../../helpers/random.js';
import type { GotTick } from '../../helpers/stream-client.js';

const SYMBOLS = 60;
const CLIENTS = 24;

interface Written {
  symbolId: number;
  kind: string;
  value: number;
}

/** Writes ticks whose compact form does not always fit, in commits of random size. */
async function feed(served: Served, ids: number[], count: number, random: Random): Promise<Written[]> {
  const { shard } = served;
  const written: Written[] = [];
  while (written.length < count) {
    const n = 1 + random.below(300);
    for (let i = 0; i < n; i++) {
      const symbolId = random.pick(ids);
      const value = random.chance(10) ? 1 / (1 + random.below(99)) : (100_000 + random.below(900)) / 100_000;
      const isTrade = random.chance(8);
      if (isTrade) shard.trade(symbolId, value, written.length);
      else shard.quote(symbolId, value, value + 0.5, random.chance(2) ? 1 + random.below(50) : Number.NaN);
      written.push({ symbolId, kind: isTrade ? 'trade' : 'quote', value });
    }
    shard.commit();
    await new Promise((resolve) => setImmediate(resolve));
  }
  return written;
}

const plain = ({ symbolId, kind, value }: GotTick): Written => ({ symbolId, kind, value });

/** Clients that subscribe to random lists. Without a snapshot, which would contain earlier trades. */
async function watchers(t: Test, encoding: Encoding, mode: Mode, random: Random) {
  const served = await serve();
  t.teardown(() => served.close());
  const names = Array.from({ length: SYMBOLS }, (_, i) => `S${i}`);
  const ids = names.map((name) => served.shard.define(name));
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => served.connect(encoding)));
  const watched = clients.map((_, i) => ids.filter((id) => id === ids[0] || random.chance(1 + (i % 12))));
  for (const [i, client] of clients.entries()) {
    const symbols = watched[i].map((id) => names[ids.indexOf(id)]);
    await client.subscribe(symbols, { mode, snapshot: false });
  }
  return { served, ids, clients, watched };
}

for (const encoding of ['packed', 'msgpack', 'json'] as const) {
  t.test(`every, random lists (${encoding})`, async (t) => {
    const random = new Random(11);
    const { served, ids, clients, watched } = await watchers(t, encoding, 'every', random);
    const written = await feed(served, ids, 6000, random);
    for (const [i, client] of clients.entries()) {
      const wanted = written.filter(({ symbolId }) => watched[i].includes(symbolId));
      await client.until(() => client.ticks.length >= wanted.length);
      t.same(client.ticks.map(plain), wanted);
    }
  });

  t.test(`latest, random lists (${encoding})`, async (t) => {
    const random = new Random(12);
    const { served, ids, clients, watched } = await watchers(t, encoding, 'latest', random);
    const written = await feed(served, ids, 6000, random);
    for (const [i, client] of clients.entries()) {
      for (const id of watched[i]) {
        const ticks = written.filter(({ symbolId }) => symbolId === id);
        const last = ticks.findLast(({ kind }) => kind === 'quote')!;
        const trades = ticks.filter(({ kind }) => kind === 'trade');
        const own = (kind: string) => client.ticks.filter((k) => k.symbolId === id && k.kind === kind);
        await client.until(
          () => own('trade').length >= trades.length && own('quote').at(-1)?.value === last.value,
        );
        t.same(own('trade').map(plain), trades, 'trades are not conflated');
        const seqs = own('quote').map((tick) => tick.seq);
        t.ok(
          seqs.every((seq, k) => k === 0 || seq > seqs[k - 1]),
          'quotes only go forward',
        );
        for (const quote of own('quote')) t.equal(quote.value, written[quote.seq - 1].value);
      }
      t.ok(client.ticks.every((tick) => watched[i].includes(tick.symbolId)));
    }
  });
}
