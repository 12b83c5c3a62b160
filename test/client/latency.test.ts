import t from 'tap';
import { TickClient } from '../../src/client/index.js';
import { LatencyHistogram } from '../../src/client/latency.js';
import { Random } from '../helpers/random.js';
import { StreamServer, said } from './support.js';

t.test('figures are within a sixty-fourth of the exact ones', async (t) => {
  const random = new Random(5);
  for (const bound of [100, 5_000, 1_000_000, 2 ** 31 - 1]) {
    const histogram = new LatencyHistogram();
    const delays = Array.from({ length: 20_000 }, () => Math.floor(random.below(1 << 30) % bound));
    for (const us of delays) histogram.record(us);
    delays.sort((a, b) => a - b);
    const { count, max, ...quantiles } = histogram.figures();
    t.equal(count, delays.length);
    t.equal(max, delays.at(-1));
    const shares = { p50: 0.5, p90: 0.9, p99: 0.99, p999: 0.999 };
    for (const [name, share] of Object.entries(shares)) {
      const exact = delays[Math.ceil(share * delays.length) - 1];
      const told = quantiles[name as keyof typeof quantiles];
      t.ok(told >= exact && told <= exact * (1 + 1 / 64), `${name}: ${told} for ${exact}`);
    }
  }
});

t.test('the ends of its range', async (t) => {
  const histogram = new LatencyHistogram();
  t.same(histogram.figures(), { count: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 });
  histogram.record(-5);
  t.match(histogram.figures(), { count: 1, p50: 0, max: 0 });
  histogram.record(0x7fff_ffff);
  t.match(histogram.figures(), { count: 2, p50: 0, p99: 0x7fff_ffff, max: 0x7fff_ffff });
  const told = Array.from({ length: 1000 }, (_, us) => {
    histogram.clear();
    histogram.record(us);
    histogram.record(10_000);
    return histogram.figures().p50;
  });
  const wrong = told.filter((p50, us) => p50 < us || p50 > us * (1 + 1 / 64));
  t.same(wrong, [], 'no bucket is skipped or shared where they widen');
});

t.test('the client returns figures of what came since the last call', async (t) => {
  const server = await StreamServer.start();
  server.quote('EURUSD', 1, 2);
  const client = new TickClient(server.url, { latency: true });
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every' }, () => {});
  await subscription.ready;
  for (let i = 0; i < 3; i++) server.quote('EURUSD', 1, 3);
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  t.equal(subscription.received, 4);
  const figures = client.latency({ reset: true })!;
  t.match(figures, { count: 3 }, 'the snapshot is left out');
  t.ok(figures.p50 <= figures.p999 && figures.max < 5e6, 'within seconds, in microseconds');
  t.match(client.latency(), { count: 0 });
  await subscription.seek({ from: 0n });
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  t.equal(subscription.received, 8);
  t.match(client.latency(), { count: 0 }, 'what is played from the past is left out');
  client.close();
  t.equal(new TickClient(server.url).latency(), undefined, 'nothing is measured unasked');
  await server.close();
});
