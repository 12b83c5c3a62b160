/** A server that comes back with another log: subscriptions start again, and say so. */
import t, { type Test } from 'tap';
import {
  type OnTick,
  type PlainTick,
  type SubscribeOptions,
  type SubscriptionEvents,
  TickClient,
} from '../../src/client/index.js';
import type { EngineRuntime } from '../../src/engine/engine.js';
import { ENCODINGS } from '../../src/wire/ticks.js';
import { lastingPort } from '../cli/support.js';
import { startEngine, syntheticFeed } from '../engine/support.js';
import { said } from './support.js';

/** A server that keeps no log, and a client of it. */
async function connected(t: Test, encoding: (typeof ENCODINGS)[number] = 'packed') {
  const port = await lastingPort();
  const start = () => startEngine(t, { feeds: [syntheticFeed(2000)], dataFolder: false, http: { port } });
  let engine: EngineRuntime = await start();
  const client = new TickClient(`ws://127.0.0.1:${port}/v1/stream`, {
    encoding,
    reconnect: { initialDelayMs: 10, maxDelayMs: 20 },
  });
  t.teardown(() => client.close());
  await client.connect();
  return {
    client,
    get engine() {
      return engine;
    },
    async restart() {
      const open = said(client, 'open');
      await engine.stop();
      engine = await start();
      await open;
    },
  };
}

/** A subscription that notes what comes, and can be waited for. */
function noted(client: TickClient, options: Omit<SubscribeOptions, 'symbols'>) {
  const ticks: PlainTick[] = [];
  let look = () => {};
  const onTick: OnTick = (tick) => {
    ticks.push(tick.toObject());
    look();
  };
  const subscription = client.subscribe({ symbols: ['*'], ...options }, onTick);
  const told: SubscriptionEvents['afresh'][] = [];
  subscription.on('afresh', (event) => told.push(event));
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise<void>((resolve) => (look = resolve));
  };
  return { subscription, ticks, told, until };
}

for (const encoding of ENCODINGS) {
  t.test(`every, in ${encoding}`, async (t) => {
    const server = await connected(t, encoding);
    const { subscription, ticks, told, until } = noted(server.client, { mode: 'every', snapshot: false });
    await until(() => ticks.length > 100);
    const before = server.client.hello!.logId;
    const afresh = said(subscription, 'afresh');
    await server.restart();
    await afresh;
    const [{ cursor, error }] = told;
    t.equal(error.code, 'cursor_unknown');
    const { logId } = server.client.hello!;
    const since = () => ticks.filter((tick) => tick.logId === logId);
    await until(() => since().length > 100);
    t.equal(told.length, 1);
    t.not(cursor, subscription.cursor);
    t.ok(ticks.every((tick) => tick.logId === before || tick.logId === logId));
    const seqs = since().map(({ seq }) => seq);
    t.ok(
      seqs.every((seq, i) => i === 0 || seq === seqs[i - 1] + 1),
      'from there on every tick, in order',
    );
    t.match(subscription, { gaps: 0, repeats: 0 });
  });
}

t.test('latest, begun at a cursor', async (t) => {
  const server = await connected(t);
  const position = noted(server.client, { mode: 'every' });
  await position.subscription.ready;
  const { subscription, ticks, told, until } = noted(server.client, { from: position.subscription.cursor! });
  await until(() => ticks.length > 100);
  const afresh = said(subscription, 'afresh');
  await server.restart();
  await afresh;
  const { logId } = server.client.hello!;
  await until(() => ticks.some((tick) => tick.logId === logId && !tick.inSnapshot));
  t.equal(told.length, 1);
  t.equal(subscription.repeats, 0);
});

t.test('latest with fresh state: folds are counted from its first ticks on', async (t) => {
  const server = await connected(t);
  const { subscription, ticks, told, until } = noted(server.client, {});
  await until(() => ticks.filter((tick) => !tick.inSnapshot).length > 100);
  const conflated = () => ticks.reduce((sum, tick) => sum + tick.conflated, 0);
  await server.restart();
  const { logId } = server.client.hello!;
  await until(() => ticks.filter((tick) => tick.logId === logId && !tick.inSnapshot).length > 100);
  const { sequenced } = server.engine.totals();
  t.ok(conflated() < 2 * sequenced + ticks.length, `${conflated()} conflated of some ${2 * sequenced}`);
  t.same(told, []);
  t.equal(subscription.repeats, 0);
});

t.test('one that is paused meanwhile gets the event once it is resumed', async (t) => {
  const server = await connected(t);
  const { subscription, ticks, told, until } = noted(server.client, { mode: 'every' });
  await until(() => ticks.length > 100);
  const { cursor } = await subscription.pause();
  await server.restart();
  t.same(told, []);
  await subscription.resume();
  t.match(told, [{ cursor, error: { code: 'cursor_unknown' } }]);
  const { logId } = server.client.hello!;
  await until(() => ticks.some((tick) => tick.logId === logId));
});

t.test('a cursor that the options name is refused', async (t) => {
  const server = await connected(t);
  const { subscription } = noted(server.client, { mode: 'every' });
  await subscription.ready;
  const from = subscription.cursor!;
  await server.restart();
  const late = noted(server.client, { mode: 'every', from });
  await t.rejects(late.subscription.ready, { code: 'cursor_unknown' });
  t.same(late.told, []);
});

t.test('what an earlier run conflated is not looked for in this one', async (t) => {
  const server = await connected(t);
  const { ticks, until } = noted(server.client, { intervalMs: 200 });
  await until(() => ticks.some((tick) => tick.conflated > 0));
  const tick = ticks.find(({ conflated }) => conflated > 0)!;
  t.equal((await server.client.conflatedTicks(tick)).length, tick.conflated);
  await server.restart();
  await t.rejects(server.client.conflatedTicks(tick), { code: 'cursor_unknown' });
});
