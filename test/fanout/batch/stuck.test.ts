/** Stream readers reach the newest tick in a quiet market, and beside equal subscribers. */
import t from 'tap';
import { cursorToText } from '../../../src/wire/cursor.js';
import { LOG_ID, serve } from '../../helpers/fanout.js';

/** Resolves to false when the condition does not become true in time. */
function within(ms: number, promise: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), ms)));
  return Promise.race([promise.then(() => true), late]).finally(() => clearTimeout(timer));
}

const start = cursorToText({ logId: LOG_ID, epoch: 1, seqs: [0] });

t.test('trades only, overtaken in the critical ring without a log: one gap record, then ticks', async (t) => {
  const server = await serve({ plan: { criticalSlots: 64 } });
  t.teardown(() => server.close());
  const { shard } = server;
  const id = shard.define('A');
  shard.trade(id, 1);
  shard.commit();
  const client = await server.connect();
  const { sub } = await client.subscribe(['A'], { mode: 'every', kinds: ['trade'], snapshot: false });
  await client.request({ op: 'pause', sub });
  for (let i = 0; i < 300; i++) {
    shard.quote(id, 1, 2);
    shard.trade(id, i + 2);
  }
  shard.commit();
  await client.request({ op: 'resume', sub });
  t.ok(
    await within(
      3000,
      client.until(() => client.ticks.some((k) => k.seq === shard.head)),
    ),
  );
  t.equal(client.ticks.filter((k) => k.kind === 'gap').length, 1);
});

t.test('a rare symbol after many encoded ticks of other symbols', async (t) => {
  const server = await serve({ plan: { ringSlots: 262_144 } });
  t.teardown(() => server.close());
  const { shard } = server;
  const rare = shard.define('RARE');
  const busy = shard.define('BUSY');
  for (let i = 0; i < 200_000; i++) shard.quote(busy, 1, 2);
  shard.quote(rare, 1, 2);
  shard.commit();
  const others = await server.connect();
  await others.subscribe(['*'], { mode: 'every', snapshot: false });
  const client = await server.connect();
  await client.subscribe(['RARE'], { mode: 'every', from: start });
  t.ok(
    await within(
      3000,
      client.until(() => client.ticks.length === 1),
    ),
  );
});

t.test('two equal subscribers resume in an epoch that had more shards', async (t) => {
  const server = await serve({ log: true, epoch: 2 });
  t.teardown(() => server.close());
  const { shard } = server;
  const log = server.log!;
  const id = shard.define('A');
  for (let i = 0; i < 10; i++) shard.quote(id, 1, 2);
  const records = shard.history;
  log.past.push({ info: { epoch: 1, shards: 2, firstSeq: [1, 1], lastSeq: [10, 10] }, records });
  shard.commit();
  const from = cursorToText({ logId: LOG_ID, epoch: 1, seqs: [0, 0] });
  const client = await server.connect();
  await client.subscribe(['A'], { mode: 'every', from });
  await client.subscribe(['A'], { mode: 'every', from });
  t.ok(
    await within(
      3000,
      client.until(() => client.ticks.length === 60),
    ),
  );
});

t.test('two different lists of names never share a filter', async (t) => {
  const server = await serve();
  t.teardown(() => server.close());
  const { shard } = server;
  shard.define('A');
  shard.define('B');
  const odd = await server.connect();
  await odd.subscribe(['A\nB']);
  const client = await server.connect();
  const { symbols, unknown } = await client.subscribe(['A', 'B']);
  t.same([symbols.length, unknown], [2, []]);
});

t.test('the log does not show yet what the ring no longer holds, in a quiet market', async (t) => {
  const server = await serve({ log: true, plan: { ringSlots: 64 } });
  t.teardown(() => server.close());
  const { shard } = server;
  const log = server.log!;
  const id = shard.define('A');
  for (let i = 0; i < 1000; i++) shard.quote(id, 1, 2);
  shard.commit();
  let visible = 960;
  log.visible = () => visible;
  const client = await server.connect();
  await client.subscribe(['A'], { mode: 'every', from: start });
  await client.until(() => client.ticks.length >= 960);
  visible = 1000;
  t.ok(
    await within(
      3000,
      client.until(() => client.ticks.length === 1000),
    ),
  );
});
