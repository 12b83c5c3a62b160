import t from 'tap';
import { TickClient } from '../../../src/client/index.js';
import { StreamServer, said } from '../support.js';

const HALF = 250;

t.test('a loop slower than the stream has it paused, and misses nothing in mode every', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { queueTicks: 16 });
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false });
  await subscription.ready;
  const publish = () => {
    for (let i = 0; i < HALF; i++) server.quote('EURUSD', 1 + i / 100_000, 1.1);
  };
  publish();
  await server.peer.asked('pause');
  publish();
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  t.equal(subscription.received, HALF, 'what was under way came, what was published since did not');
  t.equal(subscription.paused, false, 'nobody called pause');
  const seqs: number[] = [];
  for await (const tick of subscription) {
    seqs.push(tick.seq);
    if (seqs.length === 2 * HALF) break;
  }
  t.same(
    seqs,
    Array.from({ length: 2 * HALF }, (_, i) => i + 1),
  );
  t.match({ gaps: subscription.gaps, repeats: subscription.repeats }, { gaps: 0, repeats: 0 });
  t.equal(server.peers.length, 1, 'on one connection');
  client.close();
  await server.close();
});

t.test('a connection lost meanwhile is taken up again when the loop has caught up', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { queueTicks: 16, reconnect: { initialDelayMs: 1 } });
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false });
  await subscription.ready;
  for (let i = 0; i < HALF; i++) server.quote('EURUSD', 1 + i / 100_000, 1.1);
  await server.peer.asked('pause');
  server.peer.drop();
  await said(client, 'open');
  for (let i = 0; i < HALF; i++) server.quote('EURUSD', 1 + i / 100_000, 1.1);
  t.same(server.peer.requests, [], 'nothing is asked for that would only wait');
  const seqs: number[] = [];
  for await (const tick of subscription) {
    seqs.push(tick.seq);
    if (seqs.length === 2 * HALF) break;
  }
  t.same(
    seqs,
    Array.from({ length: 2 * HALF }, (_, i) => i + 1),
  );
  client.close();
  await server.close();
});

t.test('a pause outlasts the loop that catches up', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { queueTicks: 16 });
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false });
  await subscription.ready;
  for (let i = 0; i < 20; i++) server.quote('EURUSD', 1 + i / 100_000, 1.1);
  await server.peer.asked('pause');
  await subscription.pause();
  const loop = subscription[Symbol.asyncIterator]();
  for (let i = 0; i < 20; i++) await loop.next();
  server.quote('EURUSD', 1.2, 1.3);
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  t.equal(subscription.received, 20);
  await subscription.resume();
  t.match(await loop.next(), { value: { seq: 21 } });
  client.close();
  await server.close();
});
