/** A client with many requests at once does not keep other clients from their pages and large answers. */
import t, { type Test } from 'tap';
import {
  REST_PAGES_AT_ONCE_OF_CLIENT,
  REST_WAIT_MS_MAX,
  REST_WAITING_OF_CLIENT_MAX,
  SYMBOL_NAME_BYTES_MAX,
} from '../../../src/core/limits.js';
import { REST_SHARES, Shares } from '../../../src/fanout/access/shares.js';
import { serve } from '../../helpers/fanout.js';
import { type Ask, asker } from '../../helpers/http.js';

const PARALLEL = 8;
const PAGES = 20;
/** Least milliseconds per page. */
const PAGE_MS = 10;
const PATH = '/v1/ticks/EURUSD?limit=100';
const KEYS = ['greedy', 'modest'].map((name) => ({ name, token: `the-token-of-${name}` }));

async function market(t: Test, options: Parameters<typeof serve>[0] = {}) {
  const served = await serve({ log: true, ...options });
  t.teardown(() => served.close());
  const id = served.shard.define('EURUSD');
  for (let i = 0; i < 1000; i++) served.shard.quote(id, 1.1, 1.2);
  served.shard.commit();
  const log = served.log!;
  const read = log.readRange.bind(log);
  log.readRange = async (request) => {
    await new Promise((resolve) => setTimeout(resolve, PAGE_MS));
    return read(request);
  };
  return served;
}

/** Counts the pages of two clients: one always has several requests open, the other requests one page after another. */
async function compete(greedy: Ask, modest: Ask, path: string) {
  const counts = { greedy: [0, 0], modest: [0, 0], longestMs: 0 };
  let isOver = false;
  const loop = async (): Promise<void> => {
    while (!isOver) {
      const { status } = await greedy(path);
      counts.greedy[status === 200 ? 0 : 1]++;
    }
  };
  const loops = Array.from({ length: PARALLEL }, loop);
  while (counts.greedy[0] < PARALLEL) await new Promise((resolve) => setTimeout(resolve, PAGE_MS));
  for (let i = 0; i < PAGES; i++) {
    const askedMs = performance.now();
    const { status } = await modest(path);
    counts.modest[status === 200 ? 0 : 1]++;
    counts.longestMs = Math.max(counts.longestMs, performance.now() - askedMs);
  }
  isOver = true;
  await Promise.all(loops);
  return counts;
}

for (const by of ['address', 'key'] as const) {
  t.test(`pages of two clients, distinguished by their ${by}`, async (t) => {
    const { port } = await market(t, by === 'key' ? { auth: { keys: KEYS } } : {});
    const of = (n: number): Ask => {
      if (by === 'address') return asker(port, `127.0.0.${n + 1}`);
      const ask = asker(port);
      return (path) => ask(path, { authorization: `Bearer ${KEYS[n].token}` });
    };
    const { greedy, modest, longestMs } = await compete(of(0), of(1), PATH);
    t.comment(
      `200 and 503 of the greedy one: ${greedy}; of the other: ${modest}, ${longestMs.toFixed(0)} ms at most`,
    );
    t.same(modest, [PAGES, 0], 'the other gets each page that it asks for');
    t.equal(greedy[1], 0, 'the greedy one waits for its turn');
  });
}

t.test('large answers of two clients', async (t) => {
  const symbols = 2_047;
  const { port, shard } = await market(t, { plan: { maxSymbols: symbols + 2 } });
  for (let i = 0; i < symbols; i++)
    shard.quote(shard.define(`${i}`.padStart(SYMBOL_NAME_BYTES_MAX, 'S')), 1, 2);
  shard.commit();
  const { greedy, modest } = await compete(asker(port), asker(port, '127.0.0.2'), '/v1/quotes');
  t.same(modest, [PAGES, 0]);
  t.equal(greedy[1], 0);
});

t.test('waiting is bounded, in number and time', async (t) => {
  const { port, log, errors } = await market(t);
  const read = log!.readRange.bind(log!);
  let letGo = () => {};
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isHeld = true;
  log!.readRange = async (request) => {
    if (isHeld) await held;
    return read(request);
  };
  const [ask, other] = [asker(port), asker(port, '127.0.0.2')];
  const startedMs = performance.now();
  const all = REST_PAGES_AT_ONCE_OF_CLIENT + REST_WAITING_OF_CLIENT_MAX + 1;
  let refused = 0;
  const answers = Array.from({ length: all }, async () => {
    const answer = await ask(PATH);
    if (answer.status === 503) refused++;
    return answer;
  });
  const first = await Promise.race(answers);
  t.match(first, { status: 503, headers: { 'retry-after': '1' } });
  t.match(JSON.parse(first.body), { code: 'busy' });
  t.ok(performance.now() - startedMs < REST_WAIT_MS_MAX, 'one too many is told so at once');
  isHeld = false;
  t.equal((await other(PATH)).status, 200, 'a place is left to others');
  while (refused <= REST_WAITING_OF_CLIENT_MAX) await new Promise((resolve) => setTimeout(resolve, PAGE_MS));
  t.ok(performance.now() - startedMs >= REST_WAIT_MS_MAX, 'those that wait are told so later');
  letGo();
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  t.equal(statuses.filter((status) => status === 200).length, REST_PAGES_AT_ONCE_OF_CLIENT);
  t.equal((await ask(PATH)).status, 200, 'places are free again');
  t.same(errors, []);
});

t.test('a client that leaves while it waits takes no slot', async (t) => {
  const shares = new Shares({ ...REST_SHARES, waitMs: 60_000 });
  const request = { isAborted: false };
  for (let i = 0; i < REST_PAGES_AT_ONCE_OF_CLIENT; i++) t.equal(shares.enter('a', request), true);
  const gone = { isAborted: false };
  const [left, next] = [shares.enter('a', gone), shares.enter('a', request)];
  t.equal(shares.waiting, 2);
  gone.isAborted = true;
  shares.leave('a');
  t.equal(await left, false);
  t.equal(await next, true);
  for (let i = 0; i < REST_PAGES_AT_ONCE_OF_CLIENT; i++) shares.leave('a');
  t.same([shares.running, shares.waiting], [0, 0]);
});

t.test(
  'a free slot goes to the client with the fewest, even if other requests have waited longer',
  async (t) => {
    const shares = new Shares({
      atOnce: 4,
      atOnceOfClient: 4,
      waiting: 64,
      waitingOfClient: 8,
      waitMs: 60_000,
    });
    const request = { isAborted: false };
    for (let i = 0; i < 4; i++) shares.enter('greedy', request);
    const order: string[] = [];
    const ask = async (client: string) => {
      await shares.enter(client, request);
      order.push(client);
    };
    const all = [...Array.from({ length: 5 }, () => 'greedy'), 'a', 'b', 'a', 'greedy'].map(ask);
    for (let i = 0; i < 4; i++) shares.leave('greedy');
    while (order.length < all.length) {
      await new Promise((resolve) => setImmediate(resolve));
      const client = order.at(-1)!;
      if (shares.waiting > 0) shares.leave(client);
    }
    await Promise.all(all);
    t.same(order.slice(0, 2), ['a', 'b']);
    t.same(shares.running, 4);
  },
);
