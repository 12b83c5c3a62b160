/** Requests share the turns of the event loop. Waiting requests are bounded in bytes. */
import t from 'tap';
import { REQUESTS_MS } from '../../../src/core/limits.js';
import { Quota } from '../../../src/fanout/access/quota.js';
import { RequestQueue, RequestTurns } from '../../../src/fanout/websocket/request-queue.js';
import { CloseCode } from '../../../src/wire/ticks.js';
import { serve } from '../../helpers/fanout.js';

const LONG_MS = REQUESTS_MS / 2;

function work(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

t.test('one client with many long requests, another with a few', async (t) => {
  const turns = new RequestTurns(new Quota(1e9));
  const done: string[] = [];
  const queueOf = (name: string, ms: number) =>
    new RequestQueue(turns, name, (message) => {
      work(ms);
      done.push(`${name}${new Uint8Array(message)[0]}`);
    });
  const [greedy, modest] = [queueOf('g', LONG_MS), queueOf('m', 0)];
  for (let i = 0; i < 40; i++) greedy.take(Uint8Array.of(i).buffer, true);
  t.ok(done.length <= 3, `${done.length} at once`);
  modest.take(Uint8Array.of(0).buffer, true);
  for (let i = 0; i < 3; i++) await turn();
  t.ok(done.includes('m0'), 'no more than a turn or two later');
  let most = 0;
  for (let before = done.length; done.length < 41; before = done.length) {
    await turn();
    most = Math.max(most, done.length - before);
  }
  t.ok(most <= 3, `${most} in one turn`);
  const own = done.filter((name) => name.startsWith('g'));
  t.same(
    own,
    Array.from({ length: 40 }, (_, i) => `g${i}`),
    'in their order',
  );
});

t.test('requests after one that takes several turns wait for it', async (t) => {
  const turns = new RequestTurns(new Quota(1e9));
  const done: number[] = [];
  let finish = () => {};
  const queue = new RequestQueue(turns, '', (message) => {
    const [n] = new Uint8Array(message);
    done.push(n);
    if (n === 0) return new Promise((resolve) => (finish = resolve));
  });
  queue.take(Uint8Array.of(0).buffer, true);
  queue.take(Uint8Array.of(1).buffer, true);
  for (let i = 0; i < 5; i++) await turn();
  t.same(done, [0]);
  finish();
  while (done.length < 2) await turn();
  t.same(done, [0, 1]);
});

t.test('bytes of waiting requests are bounded, and freed', async (t) => {
  const quota = new Quota(16_000);
  const turns = new RequestTurns(quota);
  const never = () => new Promise<void>(() => {});
  const queues = ['a', 'a', 'a', 'a', 'a', 'b'].map((address) => new RequestQueue(turns, address, never));
  for (const queue of queues) t.equal(queue.take(new ArrayBuffer(10), true), null, 'is being done');
  for (const queue of queues.slice(0, 4)) t.equal(queue.take(new ArrayBuffer(700), true), null);
  t.match(queues[0].take(new ArrayBuffer(700), true), { code: CloseCode.rate, reason: /of this connection/ });
  t.match(queues[4].take(new ArrayBuffer(700), true), { code: CloseCode.rate, reason: /of this address/ });
  t.equal(queues[5].take(new ArrayBuffer(700), true), null, 'another address');
  for (const queue of queues) queue.clear();
  t.match(quota, { total: 0, addresses: 0 });
});

t.test('patterns against many symbols: others are answered meanwhile, and the order is kept', async (t) => {
  const served = await serve({ plan: { maxSymbols: 16_384 }, limits: { messagesPerSecond: 1e6 } });
  t.teardown(() => served.close());
  for (let i = 0; i < 16_000; i++) served.shard.define(`SYMBOL${i}`);
  const greedy = await served.connect('json');
  const modest = await served.connect('json');
  for (let n = 0; n < 4; n++) {
    const symbols = Array.from({ length: 63 }, (_, i) => `*${n}.${i}*${i}*X`);
    greedy.send({ op: 'subscribe', id: n, symbols: [...symbols, 'SYMBOL7', `SYMBOL${n}*`] });
  }
  greedy.send({ op: 'ping', id: 'after' });
  let pongs = 0;
  while (!greedy.controls.some((m) => m.id === 'after')) {
    t.equal((await modest.request({ op: 'ping' })).op, 'pong');
    pongs++;
  }
  t.ok(pongs > 4, `${pongs} answers meanwhile`);
  const ids = greedy.controls.map((m) => m.id).filter((id) => id !== undefined);
  t.same(ids, [0, 1, 2, 3, 'after']);
  const answers = greedy.controls.filter((m) => m.op === 'subscribed');
  // 7, and the numbers that begin with the digit: d, dx, dxx, dxxx, and for 1 also 10000 to 15999.
  t.same(
    answers.map((m) => m.symbols.length),
    [2, 1 + 1111 + 6000, 1112, 1112],
  );
});

t.test('answers that nobody reads are bounded for an address', async (t) => {
  const served = await serve({ plan: { maxSymbols: 16_384 }, limits: { messagesPerSecond: 1e6 } });
  t.teardown(() => served.close());
  for (let i = 0; i < 16_000; i++) served.shard.define(`SYMBOL${i}.${'x'.repeat(40)}`);
  const deaf = await Promise.all(Array.from({ length: 12 }, () => served.connect('json')));
  for (const client of deaf) client.socket.pause();
  for (let n = 0; n < 4; n++) {
    for (const client of deaf) client.send({ op: 'subscribe', id: n, symbols: ['*'], mode: 'every' });
  }
  while ((served.fanout.stats().closed[CloseCode.slow] ?? 0) === 0) await turn();
  const other = await served.connect('json');
  t.equal((await other.request({ op: 'ping' })).op, 'pong');
  for (const client of deaf) client.socket.terminate();
});
