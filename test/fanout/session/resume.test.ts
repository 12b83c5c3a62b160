/** `from: cursor`: resumes exactly after the cursor, across connections and epochs; or an error code says why not. */
import t from 'tap';
import { copyRecord, Records } from '../../../src/core/tick.js';
import { cursorToText } from '../../../src/wire/cursor.js';
import { LOG_ID, type Served, serve } from '../../helpers/fanout.js';

function quotes(served: Served, id: number, count: number): void {
  for (let i = 0; i < count; i++) served.shard.quote(id, 1.5, 1.6);
  served.shard.commit();
}

const cursor = (epoch: number, ...seqs: number[]) => cursorToText({ logId: LOG_ID, epoch, seqs });
const seqs = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

t.test('same epoch, still in the ring', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const eur = served.shard.define('EURUSD');
  quotes(served, eur, 10);
  const first = await served.connect();
  await first.subscribe(['*'], { mode: 'every' });
  quotes(served, eur, 10);
  await first.until(() => first.ticks.at(-1)?.seq === 20);
  first.socket.terminate();
  quotes(served, eur, 10);
  const second = await served.connect('json');
  const answer = await second.subscribe(['*'], { mode: 'every', from: first.cursor });
  t.equal(answer.cursor, first.cursor);
  await second.until(() => second.control('caught_up') !== undefined);
  t.same(
    second.ticks.map((tick) => tick.seq),
    seqs(21, 30),
  );
});

t.test('same epoch, no longer in the ring: from the log', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 512 } });
  t.teardown(() => served.close());
  quotes(served, served.shard.define('EURUSD'), 5000);
  const client = await served.connect();
  await client.subscribe(['*'], { mode: 'every', from: cursor(1, 7) });
  await client.until(() => client.control('caught_up') !== undefined);
  t.same(
    client.ticks.map((tick) => tick.seq),
    seqs(8, 5000),
  );
});

t.test('latest: newer quotes once, and every trade after the cursor', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const { shard } = served;
  const [a, b] = [shard.define('A'), shard.define('B')];
  shard.quote(a, 1, 2);
  shard.quote(b, 1, 2);
  shard.trade(a, 1, 1);
  shard.trade(a, 1, 2);
  shard.quote(b, 1, 3);
  shard.commit();
  const client = await served.connect();
  await client.subscribe(['*'], { from: cursor(1, 3) });
  await client.until(() => client.control('caught_up') !== undefined);
  t.same(
    client.ticks.map((tick) => [tick.kind, tick.seq]),
    [
      ['quote', 5],
      ['trade', 4],
    ],
  );
});

t.test('an earlier epoch is read to its end, then the present one', async (t) => {
  const served = await serve({ log: true, epoch: 3 });
  t.teardown(() => served.close());
  const eur = served.shard.define('EURUSD');
  quotes(served, eur, 40);
  const records = Records.allocate(30);
  for (let i = 0; i < 30; i++) copyRecord(served.shard.history, i, records, i);
  served.log!.past.push({ info: { epoch: 2, shards: 1, firstSeq: [1], lastSeq: [30] }, records });
  const client = await served.connect('msgpack');
  await client.subscribe(['*'], { mode: 'every', from: cursor(2, 25) });
  await client.until(() => client.control('caught_up') !== undefined);
  const named = client.ticks.map((tick) => `${tick.epoch}/${tick.seq}`);
  t.same(named, [...seqs(26, 30).map((s) => `2/${s}`), ...seqs(1, 40).map((s) => `3/${s}`)]);

  const rewound = await served.connect();
  await rewound.subscribe(['*'], { mode: 'every', from: cursor(2, 35) });
  await rewound.until(() => rewound.control('caught_up') !== undefined);
  t.match(rewound.control('rewound'), { epoch: 2, lastSeq: [30] });
  t.same(
    rewound.ticks.map((tick) => tick.seq),
    seqs(1, 40),
  );
  t.ok(rewound.ticks.every((tick) => tick.epoch === 3));
});

t.test('invalid, unknown and expired cursors', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 512 } });
  t.teardown(() => served.close());
  quotes(served, served.shard.define('EURUSD'), 3000);
  served.log!.oldest = 1001;
  const client = await served.connect();
  const code = async (from: string) => (await client.subscribe(['*'], { mode: 'every', from })).code;
  t.equal(await code('not a cursor'), 'cursor_invalid');
  t.equal(await code(cursor(1, 5, 6)), 'cursor_invalid');
  t.equal(await code(cursorToText({ logId: 'ffffffffffffffff', epoch: 1, seqs: [1] })), 'cursor_unknown');
  t.equal(await code(cursor(1, 3001)), 'cursor_unknown');
  t.equal(await code(cursor(2, 1)), 'cursor_unknown');
  const expired = await client.subscribe(['*'], { mode: 'every', from: cursor(1, 10) });
  t.match(expired, { op: 'error', code: 'cursor_expired', oldest: cursor(1, 1000) });
  const oldest = await client.subscribe(['*'], { mode: 'every', from: expired.oldest });
  t.equal(oldest.op, 'subscribed', 'the cursor that the refusal names is held');
  await client.until(() => client.ticks.length === 2000);
  t.equal(client.ticks[0].seq, 1001);
});
