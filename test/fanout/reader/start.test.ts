/**
 * The start of a subscription: snapshot and stream meet at the cursor in `subscribed`. The snapshot has the state up to
 * the cursor. Every later tick is sent once, however new the table is by then.
 */
import t, { type Test } from 'tap';
import { cursorFromText } from '../../../src/wire/cursor.js';
import { ENCODINGS } from '../../../src/wire/ticks.js';
import { type Served, serve } from '../../helpers/fanout.js';
import type { Client } from '../../helpers/stream-client.js';

const seqsOf = (cursor: string) => Array.from(cursorFromText(cursor)!.seqs);
const stateOf = ({ ticks }: Client) =>
  ticks.filter((k) => k.snapshot).map(({ symbolId, kind, seq }) => [symbolId, kind, seq]);
const streamOf = ({ ticks }: Client) => ticks.filter((k) => !k.snapshot).map(({ kind, seq }) => [kind, seq]);

/** Ten quotes of two symbols, then four committed ticks. The table holds three of the four, while T is ten. */
function ahead({ shard }: Served, eur: number, gbp: number): void {
  for (let i = 0; i < 10; i++) shard.quote(i % 2 === 0 ? eur : gbp, 1 + i / 100, 2);
  shard.commit();
  shard.quote(eur, 1.5, 2);
  shard.trade(eur, 1.54, 1);
  shard.trade(eur, 1.55, 2);
  shard.quote(gbp, 1.7, 2);
  shard.commitHead();
  shard.project(13);
}

async function twoSymbols(t: Test, options: Parameters<typeof serve>[0] = {}) {
  const served = await serve(options);
  t.teardown(() => served.close());
  const eur = served.shard.define('EURUSD');
  const gbp = served.shard.define('GBPUSD');
  return { served, eur, gbp };
}

for (const encoding of ENCODINGS) {
  t.test(`${encoding}, every: a table ahead of the cursor`, async (t) => {
    const { served, eur, gbp } = await twoSymbols(t);
    ahead(served, eur, gbp);
    const client = await served.connect(encoding);
    const { cursor } = await client.subscribe(['*'], { mode: 'every' });
    t.same(seqsOf(cursor), [10]);
    await client.until(() => client.ticks.some(({ seq }) => seq === 14));
    t.same(stateOf(client), [[gbp, 'quote', 10]], 'what has changed since then is not in the state');
    t.same(
      streamOf(client),
      [
        ['quote', 11],
        ['trade', 12],
        ['trade', 13],
        ['quote', 14],
      ],
      'it follows tick by tick',
    );
  });

  t.test(`${encoding}, latest: quotes are conflated, trades are not`, async (t) => {
    const { served, eur, gbp } = await twoSymbols(t);
    ahead(served, eur, gbp);
    const client = await served.connect(encoding);
    const { cursor } = await client.subscribe(['*'], { mode: 'latest' });
    t.same(seqsOf(cursor), [10]);
    await client.until(() => client.ticks.some(({ seq }) => seq === 13));
    t.same(stateOf(client), [
      [eur, 'quote', 11],
      [gbp, 'quote', 10],
    ]);
    t.same(streamOf(client), [
      ['trade', 12],
      ['trade', 13],
    ]);
    served.shard.commit();
    await client.until(() => client.ticks.some(({ seq }) => seq === 14));
    t.same(streamOf(client).slice(2), [['quote', 14]]);
  });

  t.test(`${encoding}, latest without a snapshot: ticks that the table lacks are sent`, async (t) => {
    const { served, eur, gbp } = await twoSymbols(t);
    ahead(served, eur, gbp);
    const client = await served.connect(encoding);
    const { cursor } = await client.subscribe(['*'], { mode: 'latest', snapshot: false });
    t.same(seqsOf(cursor), [10]);
    served.shard.commit();
    await client.until(() => client.ticks.some(({ seq }) => seq === 14));
    t.same(stateOf(client), []);
    const seqs = streamOf(client).map(([, seq]) => seq as number);
    t.same(
      seqs.sort((a, b) => a - b),
      [11, 12, 13, 14],
    );
  });
}

t.test(
  'ticks between a subscription and its first flush, which one commit brings into the table, are sent once',
  async (t) => {
    const { served, eur } = await twoSymbols(t);
    const { shard } = served;
    shard.quote(eur, 1.1, 1.2);
    shard.commit();
    const clients = await Promise.all(ENCODINGS.map((encoding) => served.connect(encoding)));
    const modes = ['every', 'latest'];
    for (const client of clients) {
      for (const mode of modes)
        client.send({ op: 'subscribe', id: mode, symbols: ['*'], mode, kinds: ['trade'] });
    }
    // A flush runs in a later turn of the event loop than the request.
    for (let i = 0; i < 400; i++) {
      shard.trade(eur, 1 + i / 1000, i);
      shard.trade(eur, 1 + i / 1000, i);
      shard.commit();
      await new Promise((resolve) => setImmediate(resolve));
    }
    for (const client of clients) {
      await client.until(() => client.ticks.filter(({ seq }) => seq === shard.head).length === modes.length);
      for (const mode of modes) {
        const { sub, cursor } = client.controls.find((m) => m.id === mode);
        const own = client.ticks.filter((k) => k.sub === sub && !k.snapshot).map(({ seq }) => seq);
        const from = seqsOf(cursor)[0];
        t.same(
          own,
          Array.from({ length: shard.head - from }, (_, i) => from + 1 + i),
          `${mode} from ${from}`,
        );
      }
    }
  },
);

t.test('durable: the snapshot has only ticks that survive a crash', async (t) => {
  const { served, eur, gbp } = await twoSymbols(t, { log: true });
  const { shard, log } = served;
  shard.quote(eur, 1.1, 1.2);
  shard.quote(gbp, 1.3, 1.4);
  shard.quote(eur, 1.2, 1.3);
  shard.commit();
  log!.durableSeq = 2;
  const client = await served.connect();
  const { cursor } = await client.subscribe(['*'], { mode: 'every', deliver: 'durable' });
  t.same(seqsOf(cursor), [2]);
  await client.until(() => client.ticks.length > 0);
  t.same(stateOf(client), [[gbp, 'quote', 2]]);
  t.same(streamOf(client), []);
  log!.durableSeq = 3;
  shard.ring();
  await client.until(() => client.ticks.length > 1);
  t.same(streamOf(client), [['quote', 3]]);
});

t.test('symbols that are defined around the first flush are announced once', async (t) => {
  const count = 120;
  const served = await serve({ plan: { maxSymbols: 2 * count } });
  t.teardown(() => served.close());
  const { shard } = served;
  // Without other subscribers the flush follows in the same turn.
  const other = await served.connect();
  await other.subscribe(['*'], { mode: 'every' });
  for (let i = 0; i < count; i++) {
    const client = await served.connect();
    client.send({ op: 'subscribe', id: 1, symbols: [`N${i}`], mode: 'every' });
    // Some are defined before the request is read, some between that and the flush, some after it.
    for (let turns = i % 12; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    const id = shard.define(`N${i}`);
    for (let k = 0; k < 3; k++) shard.quote(id, 1.1 + k, 9);
    shard.commit();
    await client.until(() => client.ticks.some(({ seq }) => seq === shard.head));
    await client.request({ op: 'ping' });
    const from = seqsOf(client.control('subscribed').cursor)[0];
    const due = [1, 2, 3].map((k) => 3 * i + k).filter((seq) => seq > from);
    const got = streamOf(client).map(([, seq]) => seq);
    if (got.join() !== due.join()) t.same(got, due, `after ${i % 12} turns`);
    client.socket.terminate();
  }
  t.equal(shard.head, 3 * count);
});

for (const mode of ['latest', 'every']) {
  t.test(`${mode} of trades alone gets no quote, wherever it begins`, async (t) => {
    const { served, eur } = await twoSymbols(t);
    const { shard } = served;
    const client = await served.connect();
    const { cursor } = await client.subscribe(['*'], { mode, kinds: ['trade'], snapshot: false });
    shard.quote(eur, 1.1, 1.2);
    shard.trade(eur, 1.15);
    shard.commit();
    await client.subscribe(['*'], { mode, kinds: ['trade'], from: cursor });
    await client.subscribe(['*'], { mode, kinds: ['trade'], snapshot: false });
    shard.quote(eur, 1.2, 1.3);
    shard.trade(eur, 1.25);
    shard.commit();
    await client.until(() => client.ticks.filter(({ seq }) => seq === shard.head).length === 3);
    t.ok(client.ticks.every(({ kind }) => kind === 'trade'));
    t.equal(client.ticks.length, 2 + 2 + 1);
  });
}
