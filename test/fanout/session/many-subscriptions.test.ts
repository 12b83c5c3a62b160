/** Ten thousand subscriptions from one client: the limit and the rate hold, and other clients are not affected. */
import t from 'tap';
import { SUBSCRIPTIONS_MAX } from '../../../src/core/limits.js';
import { CloseCode } from '../../../src/wire/ticks.js';
import { serve } from '../../helpers/fanout.js';

const ASKED = 10_000;

t.test('requested at an allowed rate, subscriptions beyond the limit are refused with a code', async (t) => {
  const served = await serve({ limits: { messagesPerSecond: 1_000_000 } });
  t.teardown(() => served.close());
  const id = served.shard.define('EURUSD');
  const greedy = await served.connect('json');
  const modest = await served.connect('json');
  await modest.subscribe(['EURUSD'], { mode: 'every' });
  for (let i = 0; i < ASKED; i++) greedy.send({ op: 'subscribe', id: i, symbols: ['EURUSD'], mode: 'every' });
  await greedy.until(() => greedy.controls.length > ASKED);
  const taken = greedy.controls.filter((m) => m.op === 'subscribed').length;
  const refused = greedy.controls.filter((m) => m.code === 'too_many_subscriptions').length;
  t.equal(taken, SUBSCRIPTIONS_MAX);
  t.equal(refused, ASKED - SUBSCRIPTIONS_MAX);
  served.shard.quote(id, 1.1, 1.2, 1, 1);
  served.shard.commit();
  const quotes = (client: typeof greedy) => client.ticks.filter((tick) => tick.kind === 'quote').length;
  await modest.until(() => quotes(modest) === 1);
  await greedy.until(() => quotes(greedy) === SUBSCRIPTIONS_MAX);
  t.pass('each subscription got the tick once');
});

t.test('requested in a flood, the connection is closed', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const greedy = await served.connect('json');
  const modest = await served.connect('json');
  for (let i = 0; i < ASKED; i++) greedy.send({ op: 'subscribe', id: i, symbols: ['EURUSD'] });
  t.equal(await greedy.closed(), CloseCode.rate);
  t.equal((await modest.request({ op: 'ping' })).op, 'pong', 'the others are served');
});
