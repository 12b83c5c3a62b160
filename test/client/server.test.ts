/** The client against the project's own fan-out. */
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { type SocketConstructor, TickClient } from '../../src/client/index.js';
import { ENCODINGS } from '../../src/wire/ticks.js';
import { type Served, serve } from '../helpers/fanout.js';
import { Random } from '../helpers/random.js';

const NAMES = ['EURUSD', 'GBPUSD', 'XAUUSD', 'BTCUSD'];
const TICKS = 3000;

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function served(t: Test): Promise<{ served: Served; ids: number[]; url: string }> {
  const it = await serve({ log: true });
  t.teardown(() => it.close());
  const ids = NAMES.map((name) => it.shard.define(name));
  for (const id of ids) it.shard.quote(id, 1, 1.5);
  it.shard.commit();
  return { served: it, ids, url: `ws://127.0.0.1:${it.port}/v1/stream` };
}

/** Random ticks in commits of random size; `between` is called now and then. */
async function feed({ shard }: Served, ids: number[], random: Random, between: () => void): Promise<void> {
  for (let left = TICKS; left > 0; ) {
    const n = Math.min(left, 1 + random.below(60));
    for (let i = 0; i < n; i++) {
      const id = random.pick(ids);
      if (random.chance(8)) shard.trade(id, 1 + random.below(1000) / 1000, shard.head);
      else shard.quote(id, (100_000 + random.below(1000)) / 100_000, 2);
    }
    shard.commit();
    left -= n;
    if (random.chance(10)) between();
    await turn();
  }
}

for (const encoding of ENCODINGS) {
  t.test(`every, in ${encoding}: across lost connections nothing is missing or repeated`, async (t) => {
    const { served: it, ids, url } = await served(t);
    const sockets: WebSocket[] = [];
    class Noted extends WebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols);
        sockets.push(this);
      }
    }
    const client = new TickClient(url, {
      encoding,
      reconnect: { initialDelayMs: 1, maxDelayMs: 5 },
      WebSocket: Noted as unknown as SocketConstructor,
    });
    await client.connect();
    const seqs: number[] = [];
    const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false }, (tick) => {
      seqs.push(tick.seq);
    });
    await subscription.ready;
    await feed(it, ids, new Random(7), () => sockets.at(-1)!.terminate());
    while (seqs.at(-1) !== it.shard.head) await turn();
    t.same(
      seqs,
      Array.from({ length: TICKS }, (_, i) => NAMES.length + i + 1),
    );
    t.match({ gaps: subscription.gaps, repeats: subscription.repeats }, { gaps: 0, repeats: 0 });
    t.ok(sockets.length > 3, `over ${sockets.length} connections`);
    client.close();
  });
}

t.test('latest: what came and what was conflated add up to what was sequenced', async (t) => {
  const { served: it, ids, url } = await served(t);
  const client = new TickClient(url);
  await client.connect();
  const newest = new Map<string, number>();
  let trades = 0;
  const subscription = client.subscribe({ symbols: ['*'], intervalMs: 10 }, (tick) => {
    newest.set(tick.symbol, Math.max(tick.symbolSeq, newest.get(tick.symbol) ?? 0));
    if (tick.kind === 'trade') trades++;
  });
  await subscription.ready;
  while (newest.size < NAMES.length) await turn();
  await feed(it, ids, new Random(8), () => {});
  const { history } = it.shard;
  let tradesPublished = 0;
  for (let i = 0; i < it.shard.head; i++) tradesPublished += history.u16[i * 32 + 2] & 7;
  const seen = () => [...newest.values()].reduce((a, b) => a + b, 0);
  while (seen() !== it.shard.head || trades < tradesPublished) await turn();
  t.equal(trades, tradesPublished, 'every trade came');
  t.equal(subscription.received + subscription.conflated, it.shard.head);
  t.ok(subscription.conflated > 0);
  t.equal(subscription.repeats, 0);
  client.close();
});
