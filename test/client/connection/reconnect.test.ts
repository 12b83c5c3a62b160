import t from 'tap';
import { type PlainTick, TickClient } from '../../../src/client/index.js';
import { StreamServer, said } from '../support.js';

const QUICK = { initialDelayMs: 5, maxDelayMs: 20 };

t.test('every: what was published while away comes after the reconnect, once, without a gap', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { reconnect: QUICK });
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false });
  await subscription.ready;
  const seqs: number[] = [];
  for (let i = 0; i < 10; i++) server.quote('EURUSD', 1 + i / 100_000, 1.1);
  for await (const tick of subscription) {
    seqs.push(tick.seq);
    if (seqs.length === 10) {
      server.peer.drop();
      server.quote('EURUSD', 1.2, 1.3);
      server.trade('XAUUSD', 2400, 1);
    }
    if (seqs.length === 12) break;
  }
  t.same(
    seqs,
    Array.from({ length: 12 }, (_, i) => i + 1),
  );
  t.equal(server.peers.length, 2, 'over a second connection');
  t.match(server.peer.requests[0], { from: String, mode: 'every' }, 'asked for from the cursor');
  t.match({ gaps: subscription.gaps, repeats: subscription.repeats }, { gaps: 0, repeats: 0 });
  client.close();
  await server.close();
});

t.test('latest: a fresh snapshot, and the ticks before it are counted as conflated', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { reconnect: QUICK });
  await client.connect();
  const ticks: PlainTick[] = [];
  const subscription = client.subscribe({ symbols: ['EURUSD'] }, (tick) => ticks.push(tick.toObject()));
  await subscription.ready;
  server.quote('EURUSD', 1.1, 1.2);
  server.peer.close(4000);
  await said(client, 'close');
  for (let i = 0; i < 5; i++) server.conflate('EURUSD');
  server.quote('EURUSD', 1.15, 1.25);
  const again = said(subscription, 'subscribed');
  await again;
  const arrived = said(client, 'heartbeat');
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await arrived;
  t.equal(ticks.length, 2);
  t.match(ticks[1], { inSnapshot: true, bid: 1.15, symbolSeq: 7 });
  t.equal(subscription.conflated, 5);
  t.equal(subscription.repeats, 0);
  client.close();
  await server.close();
});
