/** `from` as a time, and `seek`: a subscription moves into the past and back to the present. */
import t from 'tap';
import { SEEKS_WAITING_MAX } from '../../../src/core/limits.js';
import { copyRecord, Records } from '../../../src/core/tick.js';
import { cursorFromText, cursorToText } from '../../../src/wire/cursor.js';
import { LOG_ID, type Served, serve } from '../../helpers/fanout.js';
import { START_S } from '../../helpers/test-shard.js';

const seqs = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
/** When tick `seq` was received, by the test shard's own clock. */
const recvNs = (seq: number) =>
  BigInt(START_S + Math.floor(seq / 1000)) * 1_000_000_000n + BigInt((seq % 1000) * 1e6 + 12_345);

function quotes(served: Served, id: number, count: number): void {
  for (let i = 0; i < count; i++) served.shard.quote(id, 1.5, 1.6);
  served.shard.commit();
}

for (const encoding of ['packed', 'msgpack', 'json'] as const) {
  for (const log of [true, false]) {
    t.test(`from a time, inclusive (${encoding}, ${log ? 'from the log' : 'from the ring'})`, async (t) => {
      const served = await serve({ log, plan: { ringSlots: log ? 512 : 8192 } });
      t.teardown(() => served.close());
      const eur = served.shard.define('EURUSD');
      quotes(served, eur, 5000);
      const client = await served.connect(encoding);
      const from = encoding === 'json' ? String(recvNs(1234)) : recvNs(1234);
      await client.subscribe(['*'], { mode: 'every', from });
      await client.until(() => client.control('caught_up') !== undefined);
      const iso = await served.connect(encoding);
      // A nanosecond after the tick: the next tick is the first.
      const text = `${new Date(Number(recvNs(1234) / 1_000_000n)).toISOString().slice(0, -1)}012346Z`;
      await iso.subscribe(['*'], { mode: 'every', from: text });
      await iso.until(() => iso.control('caught_up') !== undefined);
      t.same(
        client.ticks.map((tick) => tick.seq),
        seqs(1234, 5000),
      );
      t.same(
        iso.ticks.map((tick) => tick.seq),
        seqs(1235, 5000),
      );
      quotes(served, eur, 10);
      await client.until(() => client.ticks.at(-1)?.seq === 5010);
      t.equal(client.ticks.length, 5010 - 1233, 'live in the same subscription');
    });
  }
}

t.test('from a time in an earlier epoch, and from a time in the future', async (t) => {
  const served = await serve({ log: true, epoch: 2 });
  t.teardown(() => served.close());
  const { shard } = served;
  const eur = shard.define('EURUSD');
  quotes(served, eur, 40);
  const records = Records.allocate(30);
  for (let i = 0; i < 30; i++) {
    copyRecord(shard.history, i, records, i);
    records.u32[i * 16 + 6] -= 1000;
  }
  served.log!.past.push({ info: { epoch: 1, shards: 1, firstSeq: [1], lastSeq: [30] }, records });
  const client = await served.connect();
  await client.subscribe(['*'], { mode: 'every', from: recvNs(21) - 1_000_000_000_000n });
  await client.until(() => client.control('caught_up') !== undefined);
  t.same(
    client.ticks.map((tick) => `${tick.epoch}/${tick.seq}`),
    [...seqs(21, 30).map((s) => `1/${s}`), ...seqs(1, 40).map((s) => `2/${s}`)],
  );
  const early = await served.connect();
  await early.subscribe(['*'], { mode: 'every', from: '2100-01-01' });
  await early.until(() => early.control('caught_up') !== undefined);
  quotes(served, eur, 1);
  await early.until(() => early.ticks.length > 0);
  t.same(
    early.ticks.map((tick) => tick.seq),
    [41],
  );
});

t.test('seek: back into the log and to the newest tick, without the ticks in between', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 512 } });
  t.teardown(() => served.close());
  const eur = served.shard.define('EURUSD');
  quotes(served, eur, 20_000);
  const client = await served.connect();
  const { sub } = await client.subscribe(['*'], { mode: 'every', snapshot: false });
  const cursor = cursorToText({ logId: LOG_ID, epoch: 1, seqs: [100] });
  t.match(await client.request({ op: 'pause', sub }), { op: 'paused' });
  const back = await client.request({ op: 'seek', sub, from: cursor });
  t.match(back, { op: 'sought', sub, cursor, epoch: 1, speed: 'max' });
  await client.request({ op: 'ping' });
  t.equal(client.ticks.length, 0, 'it is still paused');
  await client.request({ op: 'resume', sub });
  await client.until(() => client.ticks.length >= 500);
  const live = await client.request({ op: 'seek', sub });
  t.equal(live.cursor, cursorToText({ logId: LOG_ID, epoch: 1, seqs: [20_000] }));
  const before = client.ticks.length;
  quotes(served, eur, 5);
  await client.until(() => client.ticks.at(-1)?.seq === 20_005);
  t.same(
    client.ticks.slice(0, before).map((tick) => tick.seq),
    seqs(101, 100 + before),
  );
  t.same(
    client.ticks.slice(before).map((tick) => tick.seq),
    seqs(20_001, 20_005),
  );
  t.match(await client.request({ op: 'seek', sub, from: 'nonsense' }), { code: 'cursor_invalid' });
  quotes(served, eur, 1);
  await client.until(() => client.ticks.at(-1)?.seq === 20_006);
  t.pass('a refused seek leaves it where it was');
});

t.test('seeks take effect in the order of the requests', async (t) => {
  const served = await serve({ log: true, plan: { ringSlots: 512 } });
  t.teardown(() => served.close());
  const eur = served.shard.define('EURUSD');
  quotes(served, eur, 2000);
  const client = await served.connect();
  const { sub } = await client.subscribe(['*'], { mode: 'every', snapshot: false });
  await client.request({ op: 'pause', sub });
  const log = served.log!;
  const found = log.seekTime.bind(log);
  let letGo = () => {};
  const held = new Promise<void>((resolve) => (letGo = resolve));
  log.seekTime = async (seconds, nanos) => {
    await held;
    return found(seconds, nanos);
  };
  const slow = client.request({ op: 'seek', sub, from: recvNs(1001) });
  const quick = client.request({ op: 'seek', sub });
  const more = Array.from({ length: SEEKS_WAITING_MAX }, () => client.request({ op: 'seek', sub }));
  t.equal((await more.at(-1)!).code, 'busy', 'no more of them wait than may');
  t.equal(client.controls.filter((m) => m.op === 'sought').length, 0, 'the first one has not been found');
  letGo();
  const place = async (answer: Promise<{ cursor: string }>) => cursorFromText((await answer).cursor)!.seqs;
  t.same(await place(slow), [1000]);
  t.same(await place(quick), [2000]);
  await Promise.all(more);
  await client.request({ op: 'resume', sub });
  quotes(served, eur, 1);
  await client.until(() => client.ticks.length > 0);
  t.equal(client.ticks[0].seq, 2001, 'the last one counts');
});

t.test('a seek in mode latest begins with a snapshot', async (t) => {
  const served = await serve();
  t.teardown(() => served.close());
  const eur = served.shard.define('EURUSD');
  quotes(served, eur, 3);
  const client = await served.connect();
  const { sub } = await client.subscribe(['*'], { snapshot: false });
  await client.request({ op: 'seek', sub });
  await client.until(() => client.ticks.length > 0);
  t.match(client.ticks, [{ snapshot: true, seq: 3 }]);
});

t.test('speed is refused without a past to replay', async (t) => {
  const served = await serve({ log: true });
  t.teardown(() => served.close());
  const client = await served.connect('json');
  const code = async (more: object) => (await client.subscribe(['*'], more)).code;
  t.equal(await code({ mode: 'every', speed: 2 }), 'bad_request');
  t.equal(await code({ mode: 'latest', speed: 2, from: '2024-01-01' }), 'bad_request');
  t.equal(await code({ mode: 'every', speed: 0, from: '2024-01-01' }), 'bad_request');
  t.equal(await code({ mode: 'every', speed: 'fast', from: '2024-01-01' }), 'bad_request');
});
