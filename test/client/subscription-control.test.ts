/** Pause, resume and seek, on one connection and across several. */
import t, { type Test } from 'tap';
import { type PlainTick, ServerError, type Subscription, TickClient } from '../../src/client/index.js';
import { cursorFromText } from '../../src/wire/cursor.js';
import { StreamServer, said } from './support.js';

const QUICK = { initialDelayMs: 1, maxDelayMs: 5 };

interface Scene {
  server: StreamServer;
  client: TickClient;
  subscription: Subscription;
  ticks: PlainTick[];
  /** Numbers of the ticks so far, once all that the server has sent are here. */
  seqs(): Promise<number[]>;
}

async function scene(t: Test, options: object = {}, published = 0): Promise<Scene> {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { reconnect: QUICK });
  t.teardown(async () => {
    client.close();
    await server.close();
  });
  publish(server, published);
  await client.connect();
  const ticks: PlainTick[] = [];
  const subscription = client.subscribe(
    { symbols: ['*'], mode: 'every', snapshot: false, ...options },
    (tick) => ticks.push(tick.toObject()),
  );
  await subscription.ready;
  const seqs = async () => {
    const heard = said(client, 'heartbeat');
    server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
    await heard;
    return ticks.map(({ seq }) => seq);
  };
  return { server, client, subscription, ticks, seqs };
}

function publish(server: StreamServer, n: number): void {
  for (let i = 0; i < n; i++) server.quote('EURUSD', 1 + i / 100_000, 1.1);
}

/** The seq in a cursor of one shard. */
const position = (cursor: unknown) => cursorFromText(String(cursor))?.seqs[0];

t.test('paused: no tick comes; resumed: it continues exactly there', async (t) => {
  const { server, subscription, seqs } = await scene(t);
  publish(server, 2);
  const { cursor } = await subscription.pause();
  t.equal(position(cursor), 2);
  t.equal(subscription.paused, true);
  publish(server, 3);
  t.same(await seqs(), [1, 2]);
  await subscription.resume();
  t.equal(subscription.paused, false);
  t.same(await seqs(), [1, 2, 3, 4, 5]);
  t.match(subscription, { gaps: 0, repeats: 0 });
});

t.test(
  'a reconnect while paused: nothing is asked for until it is resumed, then from its cursor',
  async (t) => {
    const { server, client, subscription, seqs } = await scene(t);
    publish(server, 2);
    await subscription.pause();
    server.peer.drop();
    await said(client, 'open');
    publish(server, 3);
    t.same(await seqs(), [1, 2]);
    t.same(server.peer.requests, []);
    await subscription.resume();
    t.equal(position((await server.peer.asked('subscribe')).from), 2);
    t.same(await seqs(), [1, 2, 3, 4, 5]);
    t.match(subscription, { gaps: 0, repeats: 0 });
  },
);

t.test('a connection lost before the answer to a pause: it is paused all the same', async (t) => {
  const { server, client, subscription, seqs } = await scene(t);
  publish(server, 2);
  server.peer.ignores = 'pause';
  const paused = subscription.pause();
  await server.peer.asked('pause');
  server.peer.drop();
  t.equal(position((await paused).cursor), 2);
  await said(client, 'open');
  publish(server, 1);
  t.same(await seqs(), [1, 2]);
  await subscription.resume();
  t.same(await seqs(), [1, 2, 3]);
});

t.test('a connection lost before the answer to a resume: it continues over the next one', async (t) => {
  const { server, subscription, seqs } = await scene(t);
  publish(server, 2);
  await subscription.pause();
  publish(server, 2);
  server.peer.ignores = 'resume';
  const resumed = subscription.resume();
  await server.peer.asked('resume');
  server.peer.drop();
  await resumed;
  t.same(await seqs(), [1, 2, 3, 4]);
  t.equal(server.peers.length, 2);
});

t.test('pause before the connection: it begins when it is resumed', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url);
  const seqs: number[] = [];
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every' }, ({ seq }) => seqs.push(seq));
  t.same(await subscription.pause(), { cursor: undefined });
  await client.connect();
  publish(server, 1);
  t.same(server.peer.requests, []);
  await subscription.resume();
  await subscription.ready;
  server.peer.send({ op: 'heartbeat', time: 0, feeds: [] });
  await said(client, 'heartbeat');
  t.same(seqs, [1]);
  client.close();
  await server.close();
});

t.test('pause and resume in quick succession end as the last one says', async (t) => {
  const { server, subscription, seqs } = await scene(t);
  const all = [subscription.pause(), subscription.resume(), subscription.pause(), subscription.resume()];
  await Promise.all(all);
  publish(server, 2);
  t.same(await seqs(), [1, 2]);
  await Promise.all([subscription.pause(), subscription.resume(), subscription.pause()]);
  publish(server, 1);
  t.same(await seqs(), [1, 2]);
});

t.test(
  'a server that no longer knows what it should pause: it is left, and taken up when resumed',
  async (t) => {
    const { server, subscription, seqs } = await scene(t);
    publish(server, 2);
    const error = { code: 'unknown_subscription', message: 'what?', temporary: false } as const;
    server.peer.refusals.push({ op: 'pause', error });
    t.equal(position((await subscription.pause()).cursor), 2);
    publish(server, 2);
    t.same(await seqs(), [1, 2]);
    await subscription.resume();
    t.same(await seqs(), [1, 2, 3, 4]);
  },
);

t.test('latest: resumed over a new connection, the state is fresh', async (t) => {
  const { server, client, subscription, ticks, seqs } = await scene(t, { mode: 'latest' });
  publish(server, 2);
  await seqs();
  await subscription.pause();
  server.peer.drop();
  await said(client, 'open');
  publish(server, 3);
  await subscription.resume();
  await seqs();
  t.match(ticks.at(-1), { inSnapshot: true, seq: 5 });
});

t.test('seek: what follows comes from there, and is neither gap nor repeat', async (t) => {
  const { server, subscription, ticks, seqs } = await scene(t);
  publish(server, 4);
  await seqs();
  const start = { from: server.cursorAt(1), speed: 10 };
  t.match(await subscription.seek(start), { speed: 10, epoch: 1, cursor: start.from });
  t.same(await seqs(), [1, 2, 3, 4, 2, 3, 4]);
  t.match(subscription, { gaps: 0, repeats: 0 });
  t.equal(ticks[4].conflated, 0);
  await subscription.pause();
  publish(server, 5);
  await subscription.seek();
  await subscription.resume();
  publish(server, 1);
  t.same(await seqs(), [1, 2, 3, 4, 2, 3, 4, 10], 'without a place: to the newest');
  t.match(subscription, { gaps: 0, repeats: 0 });
});

t.test('seek while paused stays paused, at the new position', async (t) => {
  const { server, subscription, seqs } = await scene(t, {}, 5);
  await subscription.pause();
  await subscription.seek({ from: server.cursorAt(3) });
  t.same(await seqs(), []);
  await subscription.resume();
  t.same(await seqs(), [4, 5]);
});

t.test('seek drops what waits for a loop', async (t) => {
  const server = await StreamServer.start();
  const client = new TickClient(server.url, { queueTicks: 4 });
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false });
  await subscription.ready;
  publish(server, 20);
  await server.peer.asked('pause');
  await subscription.seek({ from: server.cursorAt(18) });
  const loop = subscription[Symbol.asyncIterator]();
  t.match(await loop.next(), { value: { seq: 19 } });
  t.match(await loop.next(), { value: { seq: 20 } });
  client.close();
  await server.close();
});

t.test('a seek that the connection took along is asked for on the next one', async (t) => {
  const { server, subscription, seqs } = await scene(t);
  publish(server, 4);
  await seqs();
  server.peer.ignores = 'seek';
  const sought = subscription.seek({ from: server.cursorAt(2), speed: 5 });
  await server.peer.asked('seek');
  server.peer.drop();
  t.match(await sought, { speed: 5, cursor: server.cursorAt(2) });
  t.match(server.peer.requests, [{ op: 'subscribe', from: server.cursorAt(2), speed: 5 }]);
  t.same(await seqs(), [1, 2, 3, 4, 3, 4]);
  t.match(subscription, { gaps: 0, repeats: 0 });
});

t.test('a seek between two connections is kept for the next', async (t) => {
  const { server, client, subscription, seqs } = await scene(t);
  publish(server, 4);
  await seqs();
  server.peer.drop();
  await said(client, 'close');
  const sought = subscription.seek({ from: server.cursorAt(1) });
  const later = subscription.seek({ from: server.cursorAt(3) });
  t.same(await sought, await later, 'the later one counts, and answers both');
  t.same(await seqs(), [1, 2, 3, 4, 4]);
});

t.test('a seek while paused without a connection is kept until it is resumed', async (t) => {
  const { server, client, subscription, seqs } = await scene(t);
  publish(server, 4);
  await seqs();
  await subscription.pause();
  server.peer.drop();
  await said(client, 'close');
  t.same(await subscription.seek({ from: server.cursorAt(2), speed: 3 }), {
    speed: 3,
    epoch: undefined,
    cursor: undefined,
  });
  await said(client, 'open');
  t.same(server.peer.requests, []);
  await subscription.resume();
  t.match(server.peer.requests, [{ from: server.cursorAt(2), speed: 3 }]);
  t.same(await seqs(), [1, 2, 3, 4, 3, 4]);
});

t.test(
  'a sought subscription continues from its cursor, with its speed until it has caught up',
  async (t) => {
    const { server, client, subscription, seqs } = await scene(t, {}, 3);
    await subscription.seek({ from: server.cursorAt(0), speed: 2 });
    t.same(await seqs(), [1, 2, 3]);
    server.peer.drop();
    await said(client, 'open');
    t.match(await server.peer.asked('subscribe'), { from: server.cursorAt(3), speed: 2 });
    await said(subscription, 'subscribed');
    const caughtUp = said(subscription, 'caught_up');
    server.peer.send({ op: 'caught_up', sub: 1 });
    await caughtUp;
    server.peer.drop();
    await said(client, 'open');
    const { from, speed } = await server.peer.asked('subscribe');
    t.same({ from, speed }, { from: server.cursorAt(3), speed: undefined }, 'what was missed comes at once');
  },
);

t.test('a time counts for the first connection; afterwards the cursor does', async (t) => {
  const from = new Date(0);
  const { server, client, seqs } = await scene(t, { from, speed: 4 }, 3);
  t.match(server.peer.requests, [{ from: '1970-01-01T00:00:00.000Z', speed: 4 }]);
  t.same(await seqs(), [1, 2, 3]);
  server.peer.drop();
  await said(client, 'open');
  t.match(await server.peer.asked('subscribe'), { from: server.cursorAt(3), speed: 4 });
  publish(server, 1);
  t.same(await seqs(), [1, 2, 3, 4]);
});

for (const from of [0, 0n, '0']) {
  t.test(`nanoseconds as ${typeof from} travel as text`, async (t) => {
    const { server, seqs } = await scene(t, { from }, 2);
    t.match(server.peer.requests, [{ from: '0' }]);
    t.same(await seqs(), [1, 2]);
  });
}

t.test('a date that is none is refused at once', async (t) => {
  const client = new TickClient('ws://127.0.0.1:1/v1/stream');
  t.throws(() => client.subscribe({ symbols: ['*'], from: new Date('soon') }), RangeError);
});

t.test('latest with a from continues from its cursor too: a trade missed meanwhile comes', async (t) => {
  const { server, client, ticks, seqs } = await scene(t, { mode: 'latest', from: 0n }, 2);
  await seqs();
  server.peer.drop();
  await said(client, 'close');
  server.trade('EURUSD', 1.5, 1);
  publish(server, 1);
  await said(client, 'open');
  t.match(await server.peer.asked('subscribe'), { from: server.cursorAt(2) });
  await seqs();
  t.match(ticks.at(-2), { kind: 'trade', price: 1.5 });
});

t.test('a position that does not exist: the seek rejects, and it continues where it was', async (t) => {
  const { server, subscription, seqs } = await scene(t);
  publish(server, 2);
  const error = { code: 'cursor_expired', message: 'gone', temporary: false, oldest: 'abc' } as const;
  server.peer.refusals.push({ op: 'seek', error });
  const refused = await subscription.seek({ from: 'x' }).catch((e: unknown) => e);
  t.ok(refused instanceof ServerError);
  t.match(refused, { code: 'cursor_expired', oldest: 'abc' });
  publish(server, 1);
  t.same(await seqs(), [1, 2, 3]);
});

t.test('the same over a new connection: it continues from its cursor', async (t) => {
  const { server, client, subscription, seqs } = await scene(t);
  publish(server, 2);
  await seqs();
  server.peer.drop();
  await said(client, 'close');
  const sought = subscription.seek({ from: 'x' });
  await said(client, 'open');
  server.peer.refusals.push({
    op: 'subscribe',
    error: { code: 'cursor_invalid', message: 'no cursor', temporary: false },
  });
  await t.rejects(sought, { code: 'cursor_invalid' });
  publish(server, 1);
  await said(subscription, 'subscribed');
  t.same(await seqs(), [1, 2, 3]);
});

t.test('a busy server is asked again after the time that it says', async (t) => {
  const { server, subscription, seqs } = await scene(t, {}, 3);
  const error = { code: 'busy', message: 'later', temporary: true, retryMs: 60 } as const;
  server.peer.refusals.push({ op: 'seek', error });
  const askedAt = performance.now();
  await subscription.seek({ from: server.cursorAt(1) });
  t.ok(performance.now() - askedAt >= 55, 'not earlier');
  t.same(await seqs(), [2, 3]);
});

t.test('a call that waits for an answer when the subscription ends rejects', async (t) => {
  const { server, subscription } = await scene(t);
  server.peer.ignores = 'seek';
  const sought = subscription.seek({ from: 0n });
  const paused = subscription.pause();
  const ended = subscription.unsubscribe();
  const late = [subscription.resume(), subscription.seek(), subscription.pause()];
  const outcomes = await Promise.allSettled([sought, paused, ...late]);
  for (const outcome of outcomes) t.match(outcome, { status: 'rejected', reason: { message: /ended/ } });
  await ended;
});

t.test('a log that fails ends the running subscription: it is asked for again from its cursor', async (t) => {
  const { server, subscription, seqs } = await scene(t);
  publish(server, 2);
  await seqs();
  const again = said(subscription, 'subscribed');
  const told = said(subscription, 'error');
  server.peer.giveUp({ code: 'log_failed', message: 'disk', temporary: true, retryMs: 1, sub: 1 });
  t.match(await told, { code: 'log_failed', retryMs: 1 });
  publish(server, 2);
  await again;
  t.equal(position((await server.peer.asked('subscribe', 2)).from), 2);
  t.same(await seqs(), [1, 2, 3, 4]);
});
