/** Connections at the same cursor form a cohort. Whatever a member does, each one gets every tick once, in order. */
import t, { type Test } from 'tap';
import { EVERY_COHORT_WINDOW_BYTES, PING_EVERY_BYTES, WINDOW_BYTES } from '../../../src/core/limits.js';
import type { Encoding } from '../../../src/wire/ticks.js';
import { type Served, serve } from '../../helpers/fanout.js';
import { Random } from '../../helpers/random.js';
import type { Client } from '../../helpers/stream-client.js';
import { START_S } from '../../helpers/test-shard.js';

const SYMBOLS = 8;
const CLIENTS = 10;
/** Number of ticks with more bytes than a ping interval: every member has then been pinged, and has answered. */
const FIRST_TICKS = 2 * (PING_EVERY_BYTES / 24);

function quotes({ shard }: Served, ids: readonly number[], count: number): void {
  for (let i = 0; i < count; i++)
    shard.quote(ids[(shard.head + 1) % ids.length], 1.5, 1.6, 1 / 3, shard.head);
  shard.commit();
}

function lastSeq({ ticks }: Client): number {
  return ticks.length === 0 ? 0 : ticks[ticks.length - 1].seq;
}

async function reached(clients: readonly Client[], seq: number): Promise<void> {
  for (const client of clients) await client.until(() => lastSeq(client) >= seq);
}

/** Sends ticks until `count` connections are in cohorts. */
async function together(served: Served, ids: readonly number[], clients: readonly Client[], count: number) {
  quotes(served, ids, FIRST_TICKS);
  await reached(clients, served.shard.head);
  while (served.fanout.stats().inCohorts < count) {
    quotes(served, ids, 10);
    await reached(clients, served.shard.head);
  }
}

/** Clients that subscribe to all symbols in mode `every`, in one cohort. */
async function cohortOf(t: Test, options: Parameters<typeof serve>[0], encoding: Encoding = 'packed') {
  const served = await serve(options);
  t.teardown(() => served.close());
  const ids = Array.from({ length: SYMBOLS }, (_, i) => served.shard.define(`S${i}`));
  const clients: Client[] = [];
  for (let i = 0; i < CLIENTS; i++) clients.push(await served.connect(encoding));
  for (const client of clients) await client.subscribe(['*'], { mode: 'every', snapshot: false });
  await together(served, ids, clients, CLIENTS);
  return { served, ids, clients };
}

/** Counts from now on the bytes sent to other clients than these, which read everything before each count. */
function bytesBeside({ fanout }: Served, quick: readonly Client[]) {
  const read = () => quick.reduce((sum, client) => sum + client.bytes, 0);
  const before = { sent: fanout.stats().bytesSent, read: read() };
  return () => ({
    read: read() - before.read,
    beside: fanout.stats().bytesSent - before.sent - (read() - before.read),
  });
}

function isWhole(t: Test, { ticks }: Client, from: number, head: number, name: string): void {
  const seqs = ticks.map((tick) => tick.seq);
  t.equal(seqs.length, head - from, `${name}: all ticks`);
  t.ok(
    seqs.every((seq, i) => seq === from + 1 + i),
    `${name}: in order`,
  );
}

for (const encoding of ['packed', 'msgpack', 'json'] as const) {
  t.test(`${encoding}: members leave and join, and lose no tick`, async (t) => {
    const { served, ids, clients } = await cohortOf(t, { plan: { ringSlots: 1 << 17 } }, encoding);
    t.equal(served.fanout.stats().inCohorts, CLIENTS);
    const random = new Random(encoding.length);
    const stopped = new Set<number>();
    const paused = new Set<number>();
    for (let step = 0; step < 80; step++) {
      quotes(served, ids, 1 + random.below(200));
      const i = random.below(CLIENTS - 2);
      const client = clients[i];
      const what = random.below(5);
      if (what === 0 && !stopped.has(i)) await client.request({ op: 'ping' });
      else if (what === 1 && !stopped.has(i)) {
        await client.request({ op: paused.has(i) ? 'resume' : 'pause', sub: 1 });
        if (!paused.delete(i)) paused.add(i);
      } else if (what === 2) {
        if (stopped.delete(i)) client.socket.resume();
        else if (stopped.size < 3 && stopped.add(i)) client.socket.pause();
      } else if (what === 3) {
        const passing = await served.connect(encoding);
        await passing.subscribe(['*'], { mode: 'every' });
        await passing.until(() => passing.ticks.length > 0);
        passing.socket.terminate();
      }
      await reached(clients.slice(CLIENTS - 2), served.shard.head);
    }
    for (const i of stopped) clients[i].socket.resume();
    for (const i of paused) await clients[i].request({ op: 'resume', sub: 1 });
    await reached(clients, served.shard.head);
    for (const [i, client] of clients.entries()) isWhole(t, client, 0, served.shard.head, `client ${i}`);
  });
}

/** One member stops reading during a stream of ticks: it gets at most its window until it reads again. */
async function stopsOne(
  t: Test,
  served: Served,
  [slow, ...quick]: readonly Client[],
  windowBytes: number,
  step: () => void,
) {
  const bytes = bytesBeside(served, quick);
  slow.socket.pause();
  for (let i = 0; i < 40; i++) {
    step();
    await reached(quick, served.shard.head);
  }
  const { read, beside } = bytes();
  t.ok(beside <= windowBytes, `${beside} bytes went to the one that does not read`);
  t.ok(read > 2 * quick.length * windowBytes);
  slow.socket.resume();
  await reached([slow], served.shard.head);
}

/** Sends quotes of all symbols, and trades whose prices count up from `trades`; returns the next price. */
function market({ shard }: Served, ids: readonly number[], trades: number, count: number): number {
  for (const id of ids) shard.quote(id, 1 + trades / 1e7, 2, 1 / 3, 1);
  for (let k = 1; k <= count; k++) shard.trade(ids[k % SYMBOLS], trades + k);
  shard.commit();
  return trades + count;
}

/** Clients that subscribe to all symbols in mode `latest`, in one cohort, and the number of trades each has got. */
async function latestCohortOf(t: Test) {
  const served = await serve({ plan: { ringSlots: 1 << 16, criticalSlots: 1 << 16 } });
  t.teardown(() => served.close());
  const ids = Array.from({ length: SYMBOLS }, (_, i) => served.shard.define(`S${i}`));
  const clients: Client[] = [];
  for (let i = 0; i < CLIENTS; i++) clients.push(await served.connect());
  quotes(served, ids, SYMBOLS);
  for (const client of clients) await client.subscribe(['*'], { mode: 'latest' });
  let trades = 0;
  // Conflated quotes have few bytes: many flushes pass until every member has been pinged.
  for (let step = 0; step < 100_000 && served.fanout.stats().inCohorts < CLIENTS; step++) {
    trades = market(served, ids, trades, 40);
    await reached(clients, served.shard.head);
    if (step % 16 === 7) await clients[step % 3].request({ op: 'ping' });
  }
  t.equal(served.fanout.stats().inCohorts, CLIENTS);
  return { served, ids, clients, trades };
}

function hasTrades(t: Test, { ticks }: Client, trades: number, name: string): void {
  const values = ticks.filter((tick) => tick.kind === 'trade').map((tick) => tick.value);
  t.equal(values.length, trades, `${name}: all trades`);
  t.ok(
    values.every((value, i) => value === i + 1),
    `${name}: in order`,
  );
}

t.test('in mode latest all members reach the same state, and no trade is missing', async (t) => {
  const { ids, clients, trades } = await latestCohortOf(t);
  for (const [i, client] of clients.entries()) {
    hasTrades(t, client, trades, `client ${i}`);
    for (const id of ids) {
      const own = client.ticks.filter((tick) => tick.kind === 'quote' && tick.symbolId === id);
      const [state] = clients[0].ticks
        .filter((tick) => tick.kind === 'quote' && tick.symbolId === id)
        .slice(-1);
      t.equal(own[own.length - 1].value, state.value);
      t.ok(own.every((tick, i) => i === 0 || tick.seq > own[i - 1].seq));
    }
  }
});

t.test('in mode latest, too, a member that stops reading gets at most its window', async (t) => {
  const { served, ids, clients, trades } = await latestCohortOf(t);
  let count = trades;
  await stopsOne(t, served, clients, WINDOW_BYTES, () => {
    count = market(served, ids, count, 1000);
  });
  for (const [i, client] of clients.entries()) hasTrades(t, client, count, `client ${i}`);
});

t.test('a new symbol is announced to every member before its ticks', async (t) => {
  const { served, ids, clients } = await cohortOf(t, { plan: { ringSlots: 1 << 15 } });
  const id = served.shard.define('NEW', 3);
  for (const client of clients) {
    client.onTick = (tick) => {
      if (tick.symbolId !== id) return;
      const told = client.controls.filter((m) => m.op === 'symbols' && m.symbols[0].symbol === 'NEW');
      t.equal(told.length, 1);
    };
  }
  quotes(served, [id], 1);
  await reached(clients, served.shard.head);
  await together(served, [...ids, id], clients, CLIENTS);
  for (const client of clients) isWhole(t, client, 0, served.shard.head, 'client');
});

t.test('a cohort that the ring has overtaken continues from the log', async (t) => {
  const { served, ids, clients } = await cohortOf(t, { log: true, plan: { ringSlots: 8192 } });
  // More than the ring holds, before the fan-out can flush.
  for (let i = 0; i < 5; i++) quotes(served, ids, 4000);
  await reached(clients, served.shard.head);
  for (const client of clients) {
    isWhole(t, client, 0, served.shard.head, 'client');
    t.equal(client.controls.filter((m) => m.op === 'catching_up').length, 1);
    await client.until(() => client.controls.some((m) => m.op === 'caught_up'));
  }
  await together(served, ids, clients, CLIENTS);
  t.equal(served.fanout.stats().catchingUp, 0);
});

t.test('a member that stops reading gets at most its window, and delays nobody', async (t) => {
  const { served, ids, clients } = await cohortOf(t, { plan: { ringSlots: 1 << 16 } });
  await stopsOne(t, served, clients, EVERY_COHORT_WINDOW_BYTES, () => quotes(served, ids, 1000));
  for (const client of clients) isWhole(t, client, 0, served.shard.head, 'client');
});

for (const op of ['seek', 'subscribe'] as const) {
  t.test(`${op} by a member, with a lookup that takes long`, async (t) => {
    const { served, ids, clients } = await cohortOf(t, { log: true, plan: { ringSlots: 1 << 16 } });
    const log = served.log!;
    const find = log.seekTime.bind(log);
    let go = () => {};
    const found = new Promise<void>((resolve) => (go = resolve));
    log.seekTime = async (seconds, nanos) => {
      await found;
      return find(seconds, nanos);
    };
    const from = BigInt(START_S + 5) * 1_000_000_000n;
    const [member] = clients;
    const what = op === 'seek' ? { op, sub: 1, from } : { op, symbols: ['*'], mode: 'every', from };
    const answered = member.request(what);
    // The member stays in the cohort meanwhile.
    await together(served, ids, clients, CLIENTS);
    go();
    const { sub } = await answered;
    const before = member.ticks.length;
    quotes(served, ids, 10);
    await reached(clients, served.shard.head);
    const own = () => member.ticks.slice(before).filter((tick) => tick.sub === (sub ?? 1));
    await member.until(() => own().some((tick) => tick.seq === served.shard.head));
    t.equal(served.fanout.stats().catchingUp, 0);
    const seqs = own().map((tick) => tick.seq);
    t.ok(seqs[0] < 6000, 'from there on');
    t.ok(
      seqs.every((seq, i) => i === 0 || seq === seqs[i - 1] + 1),
      'whole',
    );
    for (const client of clients.slice(1)) isWhole(t, client, 0, served.shard.head, 'another one');
  });
}

t.test('a member that answers no pings does not keep others from being pinged', async (t) => {
  const { served, ids, clients } = await cohortOf(t, {
    plan: { ringSlots: 1 << 17 },
    limits: { messagesPerSecond: 1_000_000 },
  });
  const [mute, slow, ...quick] = clients;
  // Like a client whose pongs are lost.
  mute.socket.pong = (_data: unknown, _mask?: boolean, sent?: (error: Error) => void) =>
    (sent as () => void)();
  // Each request makes the member leave the cohort, with a ping.
  for (let i = 0; i < 300; i++) {
    await mute.request({ op: 'ping' });
    quotes(served, ids, 2);
    await reached(clients, served.shard.head);
  }
  for (let i = 0; i < 60; i++) {
    quotes(served, ids, 50);
    await reached([slow, ...quick], served.shard.head);
  }
  const bytes = bytesBeside(served, quick);
  slow.socket.pause();
  for (let i = 0; i < 200; i++) {
    quotes(served, ids, 200);
    await reached(quick, served.shard.head);
  }
  const { read, beside } = bytes();
  t.ok(beside <= 2 * EVERY_COHORT_WINDOW_BYTES, `${beside} bytes went to the two that do not answer`);
  t.ok(read > 2 * quick.length * EVERY_COHORT_WINDOW_BYTES);
  slow.socket.resume();
  await reached([slow, ...quick], served.shard.head);
  for (const client of [slow, ...quick]) isWhole(t, client, 0, served.shard.head, 'client');
});

t.test('heartbeats, too, count in the window of a member', async (t) => {
  const { served, ids, clients } = await cohortOf(t, { heartbeatMs: 10, plan: { ringSlots: 1 << 17 } });
  const [slow, ...quick] = clients;
  const bytes = bytesBeside(served, quick);
  const random = new Random(5);
  slow.socket.pause();
  for (let i = 0; i < 60; i++) {
    quotes(served, ids, random.chance(8) ? 3900 : 1 + random.below(60));
    await reached(quick, served.shard.head);
    await new Promise((resolve) => setTimeout(resolve, random.below(8)));
  }
  const { beside } = bytes();
  // A few heartbeats may be in flight to the others.
  t.ok(beside <= EVERY_COHORT_WINDOW_BYTES + 4096, `${beside} bytes went to the one that does not read`);
  slow.socket.resume();
  await reached(clients, served.shard.head);
  for (const client of clients) isWhole(t, client, 0, served.shard.head, 'client');
});
