/**
 * `every` under fire: 50 lossless clients, half of them slower than the feed for a minute, while the server is
 * killed twice. Each ends with every durable tick once and in order; whatever else it received was withdrawn.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { type SocketConstructor, type Subscription, TickClient } from '../../src/client/index.js';
import { ENCODINGS, type Encoding } from '../../src/wire/ticks.js';
import { type Ended, lastingPort, type Running, serve, temporaryFolder } from '../cli/support.js';
import { asker } from '../helpers/http.js';
import { Ledger, WholeLog } from '../helpers/log/ledger.js';
import { Random } from '../helpers/random.js';
import { assertSums } from '../helpers/sums.js';

const CLIENTS = 50;
const SHARDS = 2;
const SYMBOLS = 20;
const RATE = 2_000;
const FIRE_MS = 60_000;
/** Within these parts of the fire the server is killed, at random. */
const KILLS_AT_MS = [
  [20_000, 28_000],
  [38_000, 46_000],
];
/** What the slow clients read in a second: about a quarter of what the feed takes in their encoding. */
const SLOW_BYTES_PER_S: Record<Encoding, number> = { packed: 16_000, msgpack: 40_000, json: 100_000 };
const SLOW_LOOK_MS = 100;
/** A tick may be published for so long before it is in the log: what a kill can take back. */
const COMMIT_DELAY_MS = 400;
/** The smallest ring there is, so that who is slow is soon fed from the log. */
const RING = 8_192;

/** One page of `/v1/pipeline`, as far as it is looked at. */
interface Pipeline {
  epoch: number;
  totals: { sequenced: number; inFlight: number };
  shards: { head: number; visible: number }[];
}

/** Whether the slow clients are held back. */
const fire = { on: false };

/** A socket that is not read faster than so many bytes a second while the fire is on. */
function slowSocket(bytesPerS: number): SocketConstructor {
  return class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, { perMessageDeflate: false });
      let budget = bytesPerS;
      this.on('message', (data: Buffer | ArrayBuffer) => {
        budget -= data.byteLength;
        if (fire.on && budget < 0) this.pause();
      });
      const timer = setInterval(() => {
        budget = Math.min(bytesPerS, budget + (bytesPerS * SLOW_LOOK_MS) / 1000);
        if (!fire.on || budget >= 0) this.resume();
      }, SLOW_LOOK_MS);
      this.on('close', () => clearInterval(timer));
    }
  } as unknown as SocketConstructor;
}

interface Follower {
  client: TickClient;
  subscription: Subscription;
  ledger: Ledger;
  slow: boolean;
  encoding: Encoding;
  opened: number;
  subscribed: number;
  /** Times that it was told to be fed from the log. */
  fellBehind: number;
  ended: Error | undefined;
}

function follow(t: Test, url: string, i: number): Follower {
  const slow = i % 2 === 1;
  // Mostly packed, as clients are; the others cost their process ten times as much.
  const encoding = ENCODINGS[i % 10 < 6 ? ENCODINGS.indexOf('packed') : i % 3];
  const client = new TickClient(url, {
    encoding,
    reconnect: { first: true, initialDelayMs: 50, maxDelayMs: 1_000 },
    ...(slow && { WebSocket: slowSocket(SLOW_BYTES_PER_S[encoding]) }),
  });
  t.teardown(() => client.close());
  const ledger = new Ledger();
  const subscription = client.subscribe({ symbols: ['*'], mode: 'every', snapshot: false }, (tick) =>
    ledger.add(tick),
  );
  ledger.follow(subscription);
  const follower: Follower = {
    client,
    subscription,
    ledger,
    slow,
    encoding,
    opened: 0,
    subscribed: 0,
    fellBehind: 0,
    ended: undefined,
  };
  client.on('open', () => follower.opened++);
  subscription.on('subscribed', () => follower.subscribed++);
  subscription.on('catching_up', () => follower.fellBehind++);
  subscription.ready.catch((error: Error) => {
    follower.ended = error;
  });
  void client.connect();
  return follower;
}

const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0);
const soon = (ms = 20) => new Promise((resolve) => setTimeout(resolve, ms));

t.test('every under fire: each durable tick once and in order', { timeout: 230_000 }, async (t) => {
  const random = new Random(7);
  const data = temporaryFolder(t);
  const port = await lastingPort();
  const config = join(temporaryFolder(t), 'tickwire.json');
  const url = `ws://127.0.0.1:${port}/v1/stream`;
  const ask = asker(port);
  const pipeline = async () => JSON.parse((await ask('/v1/pipeline')).body) as Pipeline;
  const start = async (count?: number): Promise<Running> => {
    const feed = { rate: RATE, symbols: SYMBOLS, ...(count !== undefined && { count }) };
    const settings = {
      shards: SHARDS,
      // A frame of the largest size takes a slow client longer than the usual heartbeats allow.
      http: { heartbeatMs: 20_000 },
      log: { commitDelayMs: COMMIT_DELAY_MS },
      rings: { broadcast: RING },
      feeds: [{ name: 'market', type: 'synthetic', options: feed }],
    };
    writeFileSync(config, JSON.stringify(settings));
    return (await serve(t, ['--data', data, '--port', String(port), '--config', config])).server;
  };

  let server = await start();
  const followers = Array.from({ length: CLIENTS }, (_, i) => follow(t, url, i));
  await Promise.all(followers.map(({ subscription }) => subscription.ready));
  const quick = followers.filter(({ slow }) => !slow);
  const slow = followers.filter((follower) => follower.slow);

  /** How many ticks a client has received beyond what the log shows. */
  const ahead = async (): Promise<number> => {
    const { epoch, shards } = await pipeline();
    const visible = sum(shards.map((shard) => shard.visible));
    return Math.max(...quick.map(({ ledger }) => sum(ledger.lastSeqs(epoch, SHARDS)))) - visible;
  };

  const startedAt = performance.now();
  const elapsedMs = () => performance.now() - startedAt;
  fire.on = true;
  let kills = 0;
  for (const [from, to] of KILLS_AT_MS) {
    const killAtMs = from + random.below(to - from);
    while (elapsedMs() < killAtMs) await soon();
    // Not just after a commit, when there would be nothing to withdraw.
    while ((await ahead()) < (RATE * COMMIT_DELAY_MS) / 4000) await soon(5);
    const ended: Ended = await server.stop('SIGKILL');
    t.equal(ended.code, null, `killed after ${Math.round(elapsedMs() / 1000)} s`);
    kills++;
    const leftS = Math.max(10, (FIRE_MS - elapsedMs()) / 1000 + 5);
    server = await start(kills === KILLS_AT_MS.length ? Math.ceil(RATE * leftS) : undefined);
  }
  while (elapsedMs() < FIRE_MS || !slow.some(({ fellBehind }) => fellBehind > 0)) await soon();
  const reached = ({ ledger: { ticks } }: Follower) => ticks.count;
  const slowest = Math.min(...quick.map(reached));
  const behind = slow.map((follower) => slowest - reached(follower));
  fire.on = false;

  for (;;) {
    const [feed] = (JSON.parse((await ask('/v1/feeds')).body) as { feeds: { state: string }[] }).feeds;
    if (feed.state === 'ended' && (await pipeline()).totals.inFlight === 0) break;
    await soon();
  }
  const { epoch, shards } = await pipeline();
  const heads = shards.map(({ head }) => head).join();
  const isDone = ({ ledger, ended }: Follower) =>
    ended !== undefined || ledger.lastSeqs(epoch, SHARDS).join() === heads;
  while (!followers.every(isDone)) await soon(100);
  for (const { client } of followers) client.close();
  const stopped = await server.stop('SIGTERM');
  t.equal(stopped.code, 0, 'the last server stopped cleanly');
  const totals = JSON.parse(stopped.stdout.trim().split('\n').at(-1)!);
  assertSums(t, totals, { logged: true });

  const log = await WholeLog.read(data);
  const withdrawn = sum(followers.map(({ ledger }) => ledger.withdrawn));
  const reconnects = sum(followers.map(({ opened }) => opened - 1));
  t.comment(
    `${log.length} durable ticks in ${kills + 1} lives; ${withdrawn} withdrawn from ${followers.filter(({ ledger }) => ledger.withdrawn > 0).length} clients; ${reconnects} reconnects; ${sum(slow.map(({ fellBehind }) => fellBehind))} times fed from the log; the slow ones were ${Math.min(...behind)} to ${Math.max(...behind)} ticks behind when they were released`,
  );
  t.equal(kills, 2);
  followers.forEach((follower, i) => {
    const { ledger, subscription, encoding, opened, subscribed, ended } = follower;
    const name = `client ${i}, ${encoding}${follower.slow ? ', slow' : ''}`;
    t.equal(ended, undefined, `${name}: its subscription lasted`);
    t.equal(log.differs(ledger), '', `${name}: ${ledger.ticks.count} ticks, exactly those of the log`);
    t.ok(opened > kills && subscribed > kills, `${name}: it came back after every kill`);
    t.equal(subscription.repeats, 0, `${name}: nothing came twice`);
  });
  t.ok(withdrawn > 0, 'the kills took back what some clients had');
  t.ok(Math.min(...behind) > RING, 'every slow client was far behind when it was released');
  t.ok(sum(slow.map(({ fellBehind }) => fellBehind)) > 0, 'some were told that they are fed from the log');

  // The comparison itself: a wrong price, or a tick too few, would have been seen.
  const { ledger } = followers[0];
  const at = random.below(ledger.ticks.count);
  ledger.ticks.price[at]++;
  t.match(log.differs(ledger), /^expected .*; got /);
  ledger.ticks.price[at]--;
  ledger.ticks.filter((i) => i !== at);
  t.match(log.differs(ledger), /^expected .*; got |^it ends before /);
});
