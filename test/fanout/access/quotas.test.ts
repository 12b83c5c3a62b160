/** The memory for subscriptions is bounded: per connection, per address, and in all. */
import t from 'tap';
import { LOOKUPS_MAX } from '../../../src/core/limits.js';
import { Quotas } from '../../../src/fanout/access/quota.js';
import { SymbolFilters } from '../../../src/fanout/batch/symbol-filter.js';
import { Registry } from '../../../src/pipeline/memory/registry.js';
import { type Served, serve } from '../../helpers/fanout.js';
import type { Client } from '../../helpers/stream-client.js';

const IN_ALL = 160;
/** A quarter and a sixteenth of the limit. */
const [PER_ADDRESS, PER_CONNECTION] = [40, 10];
const PROXY = ['127.0.0.1'];

let made = 0;
/** Names or patterns that no subscription has used before. */
const fresh = (count: number, more = '') => Array.from({ length: count }, () => `U${made++}${more}`);

function from(served: Served, address: string): Promise<Client> {
  return served.connect('json', { headers: { 'x-forwarded-for': address } });
}

for (const [what, limit, star] of [
  ['unknown names', 'unknownNames', ''],
  ['patterns', 'patterns', '*'],
] as const) {
  t.test(`${what}: of a connection, of an address, in all`, async (t) => {
    const served = await serve({ limits: { [limit]: IN_ALL }, trustedProxies: PROXY });
    t.teardown(() => served.close());
    const first = await from(served, '10.0.0.1');
    const held = fresh(PER_CONNECTION, star);
    const { sub } = await first.subscribe(held);
    const refused = { op: 'error', code: 'too_many_symbols' };
    t.match(await first.subscribe(fresh(1, star)), { ...refused, temporary: false });
    t.equal((await first.subscribe(held)).op, 'subscribed', 'the same again costs nothing');
    const others: Client[] = [];
    for (let i = 1; i < PER_ADDRESS / PER_CONNECTION; i++) {
      const other = await from(served, '10.0.0.1');
      t.equal((await other.subscribe(fresh(PER_CONNECTION, star))).op, 'subscribed');
      others.push(other);
    }
    const last = await from(served, '10.0.0.1');
    t.match(await last.subscribe(fresh(1, star)), { ...refused, temporary: true, retryMs: Number });
    t.equal((await last.subscribe(held)).op, 'subscribed', 'what is held is shared');
    for (const address of ['10.0.0.2', '10.0.0.3', '10.0.0.4']) {
      for (let i = 0; i < PER_ADDRESS / PER_CONNECTION; i++) {
        const other = await from(served, address);
        t.equal((await other.subscribe(fresh(PER_CONNECTION, star))).op, 'subscribed', address);
      }
    }
    const beyond = await from(served, '10.0.0.5');
    const { message } = await beyond.subscribe(fresh(1, star));
    t.match(message, /in all \(limit 160\)/);
    t.equal(served.fanout.stats().overBounds, 3);
    t.equal(served.fanout.stats().connections, 18, 'nobody is sent away for it');
    others[0].socket.close();
    await others[0].closed();
    let answer = await beyond.subscribe(fresh(1, star));
    while (answer.op === 'error') answer = await beyond.subscribe(fresh(1, star));
    t.equal(answer.op, 'subscribed', 'what a client leaves behind is free');
    t.equal((await first.request({ op: 'unsubscribe', sub })).op, 'unsubscribed');
  });
}

t.test('names that become known, and subscriptions that end, make room', async (t) => {
  const served = await serve({ limits: { unknownNames: IN_ALL } });
  t.teardown(() => served.close());
  const client = await served.connect('json');
  const names = fresh(PER_CONNECTION);
  const { sub } = await client.subscribe(names);
  t.equal((await client.subscribe(fresh(1))).code, 'too_many_symbols');
  for (const name of names.slice(0, 4)) served.shard.define(name);
  t.equal((await client.subscribe(fresh(4))).op, 'subscribed');
  t.equal((await client.subscribe(fresh(1))).code, 'too_many_symbols');
  await client.request({ op: 'unsubscribe', sub });
  t.equal((await client.subscribe(fresh(6))).op, 'subscribed');
  t.equal((await client.subscribe(names.slice(0, 4))).op, 'subscribed', 'known names are free');
});

t.test('the tables of symbol filters are bounded in bytes', async (t) => {
  // Each takes 1 KiB and its lists; an address may use a quarter.
  const served = await serve({ limits: { filterBytes: 16 * 1024 }, plan: { maxSymbols: 1024 } });
  t.teardown(() => served.close());
  for (const name of ['A', 'B', 'C', 'D', 'E']) served.shard.define(name);
  const client = await served.connect('json');
  for (const name of ['A', 'B', 'C']) t.equal((await client.subscribe([name])).op, 'subscribed');
  t.match(await client.subscribe(['D']), { code: 'too_many_symbols', temporary: true });
  t.equal((await client.subscribe(['A'])).op, 'subscribed');
  await client.request({ op: 'unsubscribe', sub: 2 });
  t.equal((await client.subscribe(['E'])).op, 'subscribed');
});

t.test('bytes counted for symbol filters are all given back', async (t) => {
  const quotas = new Quotas();
  const registry = new Registry(Registry.allocate(1 << 20), 8192);
  const filters = new SymbolFilters(registry, 2, quotas);
  const kept = [quotas.unknownNames, quotas.patterns, quotas.filterBytes];
  const held = [['*'], ['N1', 'N5000', 'UNKNOWN'], ['N*', 'M*', '*7'], ['N2']].map((symbols, i) =>
    filters.acquire(symbols, `${i}`),
  );
  // More symbols than the tables had room for.
  for (let i = 0; i < 6000; i++) registry.defineSymbol({ name: `N${i}`, digits: 2 });
  filters.refresh();
  t.equal(quotas.unknownNames.total, 1);
  t.equal(quotas.patterns.total, 4);
  t.ok(quotas.filterBytes.total > 4 * 6000);
  t.same(
    held.map(({ lists }) => lists.flat().length),
    [6000, 2, 6000, 1],
  );
  const of5000 = registry.symbolId('N5000')!;
  t.equal(held[1].bits[of5000], 1);
  t.ok(held[0].listIndex[of5000] > 0);
  for (const filter of held) filters.release(filter);
  for (const quota of kept) t.match(quota, { total: 0, addresses: 0 });
});

t.test('one address cannot use all lookups', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 512 }, trustedProxies: PROXY });
  t.teardown(() => served.close());
  const id = served.shard.define('A');
  for (let i = 0; i < 600; i++) served.shard.quote(id, 1, 2);
  served.shard.commit();
  const log = served.log!;
  const find = log.seekTime.bind(log);
  let go = () => {};
  const open = new Promise<void>((resolve) => (go = resolve));
  log.seekTime = async (seconds, nanos) => {
    await open;
    return find(seconds, nanos);
  };
  const [greedy, modest] = [await from(served, '10.0.0.1'), await from(served, '10.0.0.2')];
  const symbols = ['A'];
  for (let i = 0; i < LOOKUPS_MAX; i++)
    greedy.send({ op: 'subscribe', id: `g${i}`, symbols, mode: 'every', from: '2020-01-01T00:00:00Z' });
  const busy = () => greedy.controls.filter((m) => m.code === 'busy').length;
  await greedy.until(() => busy() === LOOKUPS_MAX / 2);
  const history = { op: 'history', symbol: 'A', fromSymbolSeq: 590, toSymbolSeq: 599 };
  t.equal((await greedy.request(history)).code, 'busy');
  t.equal((await modest.request(history)).op, 'history');
  t.equal(served.fanout.stats().overBounds, LOOKUPS_MAX / 2 + 1);
  go();
});
