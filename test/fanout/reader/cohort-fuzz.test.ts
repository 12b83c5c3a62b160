/**
 * Seeded runs with several shards, and with clients that share a few settings. The clients subscribe, pause, seek, stop
 * reading, disconnect and resume, during bursts of all sizes, some larger than the ring. Each client gets the ticks it
 * subscribed to, as they were written; and all of them soon after the feed stops.
 */
import t from 'tap';
import type { Encoding } from '../../../src/wire/ticks.js';
import { type Served, serve } from '../../helpers/fanout.js';
import { Follower } from '../../helpers/follower.js';
import { times } from '../../helpers/long.js';
import { Random } from '../../helpers/random.js';
import { START_S } from '../../helpers/test-shard.js';

const SEEDS = Number(process.env.SEEDS ?? times(2, 60));
const FIRST_SEED = Number(process.env.FIRST_SEED ?? 1);
const STEPS = 150;
const SYMBOLS = 12;
/** Ticks of a shard: as many as a test shard keeps in its history. */
const TICKS_MAX = 200_000;
/** Milliseconds without a tick after which no more is expected, even on a busy machine. */
const STILL_MS = 2_000;
const ENCODINGS: Encoding[] = ['packed', 'msgpack', 'json'];
const SETTINGS = [
  { symbols: ['*'], mode: 'every' },
  { symbols: ['*'], mode: 'every', snapshot: false },
  { symbols: ['S1*', 'S3'], mode: 'every' },
  { symbols: ['*'], mode: 'every', kinds: ['trade', 'status'], snapshot: false },
  { symbols: ['*'], mode: 'latest' },
  { symbols: ['*'], mode: 'latest', snapshot: false },
  { symbols: ['*'], mode: 'latest', intervalMs: 20 },
  { symbols: ['*'], mode: 'latest', kinds: ['trade', 'status'] },
  { symbols: ['S2', 'S5', 'S10'], mode: 'latest', kinds: ['quote'] },
];

class Fuzz {
  readonly followers: Follower[] = [];
  readonly done: Follower[] = [];
  readonly stopped = new Set<Follower>();
  readonly settings: object[];
  inConvoys = 0;
  digits = 5;
  #symbols = SYMBOLS;

  constructor(
    readonly served: Served,
    readonly random: Random,
    readonly encodings: readonly Encoding[],
    readonly ids: number[],
  ) {
    this.settings = Array.from({ length: 1 + random.below(3) }, () => random.pick(SETTINGS));
  }

  async add(): Promise<void> {
    const { random, served } = this;
    const follower = new Follower(served, await served.connect(random.pick(this.encodings)));
    this.followers.push(follower);
    follower.ask({ op: 'subscribe', ...random.pick(this.settings) });
  }

  burst(): void {
    const { random, served, ids } = this;
    const large = random.below(40);
    const count = large === 0 ? 9000 : large < 4 ? 1000 + random.below(3000) : 1 + random.below(200);
    const few = random.chance(3) ? [random.pick(ids)] : ids;
    for (let i = 0; i < count; i++) {
      const id = random.pick(few);
      const shard = served.shards[served.shardOf(id)];
      if (shard.head >= TICKS_MAX) continue;
      const value = 1 + random.below(100_000) / 100_000;
      const kind = random.below(20);
      if (kind === 0) shard.status(id, 5, i);
      else if (kind < 3) shard.trade(id, value);
      else if (kind < 6) shard.quote(id, value / 3, value);
      else shard.quote(id, value, value + 0.0001);
    }
    for (const shard of served.shards) shard.commit();
  }

  act(): Promise<void> | void {
    const { random, served, stopped, followers } = this;
    const follower = random.pick(followers);
    const { socket } = follower.client;
    follower.look();
    const subs = [...follower.subs.keys()];
    const sub = subs.length === 0 ? 1 : random.pick(subs);
    const what = random.below(12);
    if (what === 0) follower.ask({ op: 'ping' });
    else if (what === 1) follower.ask({ op: 'pause', sub });
    else if (what === 2) follower.ask({ op: 'resume', sub });
    else if (what === 3) follower.ask({ op: 'seek', sub, ...this.#from(follower) });
    else if (what === 4 && random.chance(3))
      follower.ask({ op: 'subscribe', ...random.pick(this.settings), ...this.#from(follower) });
    else if (what === 5 && subs.length > 1) follower.ask({ op: 'unsubscribe', sub });
    else if (what === 6 || what === 7) {
      if (stopped.delete(follower)) socket.resume();
      else if (stopped.size < followers.length / 2 && stopped.add(follower)) socket.pause();
    } else if (what === 8) socket.pong(random.pick(['', 'abcd', 'a longer one']));
    else if (what === 9 && random.chance(4)) {
      socket.terminate();
      stopped.delete(follower);
      followers.splice(followers.indexOf(follower), 1);
      this.done.push(follower);
      return this.add();
    } else if (what === 10 && random.chance(4) && this.#symbols < 40)
      this.ids.push(served.shard.define(`S${++this.#symbols}`));
    else if (what === 11 && random.chance(4) && this.digits < 8)
      served.shard.define(`S${1 + random.below(SYMBOLS)}`, ++this.digits);
  }

  #from({ cursors }: Follower): object {
    const { random } = this;
    const where = random.below(4);
    if (where === 0 && cursors.length > 0) return { from: random.pick(cursors) };
    if (where === 1) return { from: String(BigInt(START_S + random.below(20)) * 1_000_000_000n) };
    return {};
  }

  /** Waits until every client that reads has all ticks, or until no more ticks arrive. */
  async reached(): Promise<void> {
    const { followers, stopped } = this;
    const isBehind = (follower: Follower) => {
      if (stopped.has(follower) || follower.client.closeCode !== undefined) return false;
      const lacks = follower.lacks();
      return lacks.length > 0 && ![...follower.subs.values()].some(({ paused }) => paused);
    };
    let behind = [...followers];
    let ticks = -1;
    let stillSinceMs = performance.now();
    for (;;) {
      behind = behind.filter(isBehind);
      if (behind.length === 0) return;
      const now = behind.reduce((sum, follower) => sum + follower.ticks, 0);
      if (now !== ticks) stillSinceMs = performance.now();
      else if (performance.now() > stillSinceMs + STILL_MS) return;
      ticks = now;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
  t.test(`seed ${seed}`, async (t) => {
    const random = new Random(seed);
    const shards = random.pick([1, 2, 3]);
    const plan = { shards, ringSlots: random.pick([4096, 16_384]), criticalSlots: random.pick([256, 4096]) };
    const served = await serve({
      log: true,
      plan,
      heartbeatMs: random.pick([20, 5000]),
      limits: { messagesPerSecond: 1e6 },
    });
    t.teardown(() => served.close());
    const ids = Array.from({ length: SYMBOLS }, (_, i) => served.shard.define(`S${i + 1}`));
    const encodings = random.chance(2) ? ENCODINGS : [random.pick(ENCODINGS)];
    const fuzz = new Fuzz(served, random, encodings, ids);
    for (let i = 0; i < 10; i++) await fuzz.add();
    for (let step = 0; step < STEPS; step++) {
      fuzz.burst();
      const pause = random.below(4);
      if (pause === 0) await fuzz.reached();
      else if (pause === 1) await new Promise((resolve) => setTimeout(resolve, random.below(4)));
      else if (pause === 2) await new Promise((resolve) => setImmediate(resolve));
      fuzz.inConvoys = Math.max(fuzz.inConvoys, served.fanout.stats().inCohorts);
      if (random.chance(2)) await fuzz.act();
    }
    const { followers } = fuzz;
    for (const { client } of fuzz.stopped) client.socket.resume();
    fuzz.stopped.clear();
    for (const follower of followers) {
      await follower.client.request({ op: 'ping' });
      follower.look();
      for (const [sub, { paused }] of follower.subs) if (paused) follower.ask({ op: 'resume', sub });
      await follower.client.request({ op: 'ping' });
    }
    const endedAtMs = performance.now();
    await fuzz.reached();
    const tookMs = performance.now() - endedAtMs;
    const ticks = followers.reduce((sum, follower) => sum + follower.ticks, 0);
    t.comment(
      `${shards} shards, ${encodings}, ${JSON.stringify(fuzz.settings)}: ${ticks} ticks, ` +
        `${fuzz.inConvoys} in cohorts, ${tookMs.toFixed(0)} ms`,
    );
    for (const follower of [...followers, ...fuzz.done]) t.same(follower.faults.slice(0, 3), []);
    for (const follower of followers) {
      t.equal(follower.client.closeCode, undefined);
      t.same(follower.lacks().slice(0, 3), []);
    }
    t.same(served.errors, []);
    t.equal(served.fanout.stats().catchingUp, 0);
  });
}
