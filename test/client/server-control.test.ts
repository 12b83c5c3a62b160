/** Pause, resume, seek, history and tokens against the project's own fan-out. */
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import {
  ConnectionClosedError,
  type PlainTick,
  type SocketConstructor,
  type Subscription,
  TickClient,
  type TickClientOptions,
} from '../../src/client/index.js';
import { ENCODINGS } from '../../src/wire/ticks.js';
import { type Served, serve } from '../helpers/fanout.js';
import { Random } from '../helpers/random.js';
import { said } from './support.js';

const NAMES = ['EURUSD', 'GBPUSD', 'XAUUSD'];
const QUICK = { initialDelayMs: 1, maxDelayMs: 5 };
const TOKEN = 'a-token-of-sixteen-letters';

const turn = () => new Promise((resolve) => setImmediate(resolve));

interface Scene {
  it: Served;
  url: string;
  client: TickClient;
  /** Publishes so many random ticks. */
  publish(n: number): void;
  /** Cuts the connection at hand. */
  cut(): void;
}

async function scene(t: Test, options: TickClientOptions = {}, settings: object = {}): Promise<Scene> {
  const it = await serve({ log: true, ...settings });
  t.teardown(() => it.close());
  const ids = NAMES.map((name) => it.shard.define(name));
  const random = new Random(3);
  const sockets: WebSocket[] = [];
  class Noted extends WebSocket {
    constructor(address: string, protocols: string[]) {
      super(address, protocols);
      sockets.push(this);
    }
  }
  const url = `ws://127.0.0.1:${it.port}/v1/stream`;
  const client = new TickClient(url, {
    reconnect: QUICK,
    WebSocket: Noted as unknown as SocketConstructor,
    ...options,
  });
  t.teardown(() => client.close());
  const publish = (n: number) => {
    for (let i = 0; i < n; i++) {
      const id = random.pick(ids);
      if (random.chance(6)) it.shard.trade(id, 1 + random.below(1000) / 1000, it.shard.head);
      else it.shard.quote(id, (100_000 + random.below(1000)) / 100_000, 2);
    }
    it.shard.commit();
  };
  return { it, url, client, publish, cut: () => sockets.at(-1)!.terminate() };
}

/** 1 … last. */
const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

for (const encoding of ENCODINGS) {
  t.test(
    `${encoding}: pauses, resumes and lost connections at random: each tick once, in order`,
    async (t) => {
      const { it, client, publish, cut } = await scene(t, { encoding });
      await client.connect();
      const seqs: number[] = [];
      let sealed = false;
      const options = { symbols: ['*'], mode: 'every', snapshot: false } as const;
      const subscription = client.subscribe(options, ({ seq }) => {
        if (sealed) t.fail(`${seq} came while it was paused`);
        seqs.push(seq);
      });
      await subscription.ready;
      const random = new Random(21);
      for (let round = 0; round < 60; round++) {
        publish(1 + random.below(40));
        if (random.chance(3)) cut();
        if (random.chance(2)) {
          await subscription.pause();
          sealed = true;
          publish(random.below(40));
          if (random.chance(3)) cut();
          for (let i = random.below(20); i > 0; i--) await turn();
          sealed = false;
          void subscription.resume();
        }
        if (random.chance(2)) await turn();
      }
      await subscription.resume();
      while (seqs.at(-1) !== it.shard.head) await turn();
      t.same(seqs, upTo(it.shard.head));
      t.match(subscription, { gaps: 0, repeats: 0 });
    },
  );
}

t.test('a slow loop, with lost connections: each tick once, in order', async (t) => {
  const { it, client, publish, cut } = await scene(t, { queueTicks: 64 });
  await client.connect();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false });
  await subscription.ready;
  const random = new Random(22);
  const seqs: number[] = [];
  for (let round = 0; round < 40; round++) {
    publish(1 + random.below(200));
    if (random.chance(4)) cut();
    await turn();
  }
  for await (const { seq } of subscription) {
    seqs.push(seq);
    if (seq === it.shard.head) break;
    if (random.chance(10)) await turn();
  }
  t.same(seqs, upTo(it.shard.head));
  t.match(subscription, { gaps: 0, repeats: 0 });
});

async function next(loop: AsyncIterator<PlainTick>, n: number): Promise<number[]> {
  const seqs: number[] = [];
  while (seqs.length < n) seqs.push((await loop.next()).value!.seq);
  return seqs;
}

t.test('seek: to cursors, to times, and back to the newest', async (t) => {
  const { it, client, publish, cut } = await scene(t);
  await client.connect();
  publish(100);
  const ticks: PlainTick[] = [];
  const noted = client.subscribe({ symbols: ['*'], mode: 'every', from: 0n }, (tick) =>
    ticks.push(tick.toObject()),
  );
  while (ticks.length < 100) await turn();
  t.same(
    ticks.map(({ seq }) => seq),
    upTo(100),
    'from a time: the first tick received at or after it',
  );
  const cursor = noted.cursor!;
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false });
  await subscription.ready;
  const loop = subscription[Symbol.asyncIterator]();
  await subscription.seek({ from: ticks[39].tsRecv });
  t.same(await next(loop, 3), [40, 41, 42]);
  await subscription.seek({ from: new Date(Number(ticks[60].tsRecv / 1_000_000n)) });
  t.same(await next(loop, 2), [61, 62], 'a Date has milliseconds: the tick lies 12 µs after it');
  publish(5);
  cut();
  t.match(await subscription.seek({ from: cursor }), { epoch: 1, cursor });
  t.same(await next(loop, 5), [101, 102, 103, 104, 105]);
  await t.rejects(subscription.seek({ from: 'no cursor' }), { code: 'cursor_invalid' });
  publish(1);
  t.same(await next(loop, 1), [106], 'it went on');
  await subscription.pause();
  publish(10);
  await subscription.seek();
  await subscription.resume();
  publish(1);
  t.same(await next(loop, 1), [it.shard.head]);
  t.match(subscription, { gaps: 0, repeats: 0 });
});

t.test('the past at a pace: it continues at that pace after a reconnect, then live', async (t) => {
  const { it, client, publish, cut } = await scene(t);
  await client.connect();
  // The test shard receives a thousand ticks in a recorded second.
  publish(400);
  const seqs: number[] = [];
  let caughtUp = 0;
  const subscription: Subscription = client.subscribe(
    { symbols: ['*'], mode: 'every', from: 0n, speed: 2 },
    ({ seq }) => seqs.push(seq),
  );
  subscription.on('caught_up', () => caughtUp++);
  const startedAt = performance.now();
  while (seqs.length < 100) await turn();
  t.equal(caughtUp, 0);
  cut();
  while (caughtUp === 0) await turn();
  t.ok(performance.now() - startedAt > 100, 'it was not sent at once');
  publish(3);
  while (seqs.at(-1) !== it.shard.head) await turn();
  t.same(seqs, upTo(403));
});

for (const encoding of ENCODINGS) {
  t.test(`${encoding}: history and conflatedTicks: what was conflated, tick by tick`, async (t) => {
    const { it, client, publish } = await scene(t, { encoding });
    const eur = it.shard.define('EURUSD');
    for (let i = 0; i < 9_000; i++) it.shard.quote(eur, (100_000 + i) / 100_000, 2);
    it.shard.commit();
    await client.connect();
    const { ticks, missing } = await client.history({
      symbol: 'EURUSD',
      fromSymbolSeq: 11,
      toSymbolSeq: 8_999,
    });
    t.equal(missing, 0);
    t.same(
      ticks.map(({ symbolSeq }) => symbolSeq - 10),
      upTo(8_989),
      'over three pages',
    );
    t.match(ticks[0], { kind: 'quote', symbol: 'EURUSD', seq: 11, bid: 1.0001, epoch: 1 });
    const updates: PlainTick[] = [];
    const subscription = client.subscribe({ symbols: ['EURUSD'] }, (tick) => updates.push(tick.toObject()));
    await subscription.ready;
    while (updates.length === 0) await turn();
    for (let i = 0; i < 7; i++) it.shard.quote(eur, 1.5 + i / 1000, 2);
    publish(1);
    while (subscription.conflated < 6) await turn();
    const update = updates.find(({ conflated }) => conflated > 0)!;
    const conflated = await client.conflatedTicks(update);
    t.same(
      conflated.map(({ symbolSeq }) => symbolSeq),
      Array.from({ length: update.conflated }, (_, i) => update.symbolSeq - update.conflated + i),
    );
    const query = { symbol: 'NOPE', fromSymbolSeq: 1, toSymbolSeq: 2 };
    await t.rejects(client.history(query), { code: 'unknown_symbol' });
  });
}

t.test('tokens: a good one is let in, a wrong one and none are refused', async (t) => {
  const auth = { keys: [{ name: 'desk', token: TOKEN }] };
  const { client, url, publish } = await scene(t, { token: () => TOKEN }, { auth });
  t.match(await client.connect(), { auth: true });
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false });
  await subscription.ready;
  publish(1);
  t.same(await next(subscription[Symbol.asyncIterator](), 1), [1]);
  for (const token of ['not-the-token-at-all', undefined]) {
    const other = new TickClient(url, { ...(token !== undefined && { token }), reconnect: { first: true } });
    const error = await other.connect().catch((e: unknown) => e);
    t.ok(error instanceof ConnectionClosedError);
    t.match(error, { closeCode: 4501, message: /not authorised at/ });
  }
});

t.test('a server that shuts down says when to come back, and every client heeds it', async (t) => {
  const { it, client } = await scene(t);
  await client.connect();
  const told = said<{ code: number; reason: string; retryMs: number | undefined }>(client, 'close');
  await it.close();
  const { code, reason, retryMs } = await told;
  t.equal(code, 4000);
  const hint = Number(/retry in (\d+) ms$/.exec(reason)?.[1]);
  t.ok(hint > 0 && retryMs! >= hint && retryMs! <= 2 * hint, `${reason}: in ${retryMs} ms`);
});
