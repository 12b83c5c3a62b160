/**
 * What a cursor says holds, under load: many subscriptions of several connections, in every encoding, which begin with
 * and without the state, resume, seek, pause and end, while symbols are defined and three shards number what a feed
 * gives. Everything after a cursor comes, once; the log says what there was.
 */
import t from 'tap';
import { type KindName, NO_SIZE, NO_TRADE_ID } from '../../src/core/tick.js';
import type { EngineRuntime } from '../../src/engine/engine.js';
import type { Feed, FeedContext, FeedStatus } from '../../src/feeds/connector/feed.js';
import { type Source, Take } from '../../src/feeds/connector/feed-sink.js';
import { ENCODINGS } from '../../src/wire/ticks.js';
import { readEpoch } from '../helpers/log/whole-epoch.js';
import { times } from '../helpers/long.js';
import { Random } from '../helpers/random.js';
import { type Asked, DeliveryRecorder } from '../helpers/resume-checker.js';
import { Client } from '../helpers/stream-client.js';
import { assertSums } from '../helpers/sums.js';
import { startEngine, temporaryFolder } from './support.js';

const SEED = Number(process.env.SEED ?? 1);
const SHARDS = 3;
const RUN_MS = times(6_000, 120_000);
const CONNECTIONS = 8;
/** Subscriptions of a connection. */
const SUBS = 24;
const TICKS_PER_S = 3_000;
/** Symbols there are at the start, and at the end. */
const SYMBOLS = 20;
const SYMBOLS_MAX = 60;
const LISTS = [['*'], ['*'], ['S*'], ['S1*', 'S3'], ['S2', 'S5', 'S10'], ['S31', 'S4', 'T*'], ['S52']];
const KINDS: (KindName[] | undefined)[] = [undefined, undefined, ['quote'], ['trade'], ['trade', 'status']];

/** What is done at least once. */
const DEEDS = ['subscribe', 'resume at', 'seek', 'pause', 'resume', 'unsubscribe', 'leave'];

/** Quotes, trades and crossed quotes at random; a new symbol now and then, some known only once they tick. */
class RandomFeed implements Feed {
  readonly #random = new Random(SEED + 1000);
  readonly #symbols: number[] = [];
  #context!: FeedContext;
  #source!: Source;
  #timer: NodeJS.Timeout | undefined;
  #lastMs = 0;

  async start(context: FeedContext): Promise<void> {
    this.#context = context;
    this.#source = context.source('random');
    for (let i = 0; i < SYMBOLS; i++) this.#define();
    this.#lastMs = performance.now();
    this.#timer = setInterval(() => this.#turn(), 1);
  }

  async stop(): Promise<void> {
    this.end();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  status(): FeedStatus {
    return { state: 'live', detail: 'is live', sources: 1 };
  }

  #define(): void {
    const name = `${this.#symbols.length % 9 === 8 ? 'T' : 'S'}${this.#symbols.length + 1}`;
    this.#symbols.push(this.#context.symbol(this.#source, name, { digits: 5 }));
  }

  #turn(): void {
    const nowMs = performance.now();
    let due = Math.floor(((nowMs - this.#lastMs) / 1000) * TICKS_PER_S);
    if (due === 0) return;
    this.#lastMs += (due / TICKS_PER_S) * 1000;
    const random = this.#random;
    if (random.chance(200)) due += 500;
    if (this.#symbols.length < SYMBOLS_MAX && random.chance(40)) this.#define();
    const { sink } = this.#context;
    sink.stamp();
    // After a long pause of this thread more is due than the raw rings take: what does not fit is never made.
    for (let i = 0; i < due && this.#tick(); i++);
    sink.commit();
  }

  /** False: a raw ring is full. */
  #tick(): boolean {
    const { sink } = this.#context;
    const [source, random] = [this.#source, this.#random];
    // A few symbols have most of the ticks.
    const few = random.chance(2) ? Math.min(4, this.#symbols.length) : this.#symbols.length;
    const symbol = this.#symbols[random.below(few)];
    const taken = sink.take(source, symbol, 0);
    if (taken === Take.full) return false;
    if (taken !== Take.accepted) throw new Error(`take: ${taken}`);
    const { recvS, recvNs } = sink;
    const price = 1 + random.below(100_000) / 100_000;
    const kind = random.below(10);
    if (kind < 3) sink.trade(source, symbol, 0, 0, recvS, recvNs, price, 1, NO_TRADE_ID);
    else {
      const ask = kind === 3 ? price - 0.00001 : price + 0.00002;
      sink.quote(source, symbol, 0, 0, recvS, recvNs, price, Number(ask.toFixed(5)), NO_SIZE, NO_SIZE);
    }
    return true;
  }
}

class Run {
  readonly keepers: DeliveryRecorder[] = [];
  readonly gone: DeliveryRecorder[] = [];
  readonly random = new Random(SEED);
  readonly did = new Map<string, number>();

  constructor(readonly engine: EngineRuntime) {}

  async connect(): Promise<DeliveryRecorder> {
    const encoding = ENCODINGS[(this.keepers.length + this.gone.length) % ENCODINGS.length];
    const keeper = new DeliveryRecorder(await Client.open(this.engine.port!, encoding));
    this.keepers.push(keeper);
    return keeper;
  }

  asked(): Asked {
    const { random } = this;
    const kinds = random.pick(KINDS);
    return {
      symbols: random.pick(LISTS),
      mode: random.chance(3) ? 'latest' : 'every',
      ...(kinds !== undefined && { kinds }),
      ...(random.chance(3) && { snapshot: false }),
    };
  }

  /** A place that some subscription was told, or a time. */
  #from(): { from?: string } {
    const { random } = this;
    const { cursors } = random.pick(this.keepers);
    if (random.chance(4)) return {};
    if (random.chance(4)) return { from: `${Date.now() - random.below(1500)}000000` };
    return cursors.length === 0 ? {} : { from: cursors[Math.max(0, cursors.length - 1 - random.below(400))] };
  }

  async act(): Promise<void> {
    const { random, keepers } = this;
    const keeper = random.pick(keepers);
    keeper.look();
    const subs = [...keeper.subs.keys()];
    const sub = subs.length === 0 ? 0 : random.pick(subs);
    const what = random.below(12);
    if (what < 3 && subs.length < SUBS) this.#do('subscribe', () => keeper.subscribe(this.asked()));
    else if (what < 5 && subs.length < SUBS)
      this.#do('resume at', () => keeper.subscribe({ ...this.asked(), ...this.#from() }));
    else if (sub === 0) return;
    else if (what < 7) this.#do('seek', () => keeper.ask({ op: 'seek', sub, ...this.#from() }));
    else if (what < 9) {
      const op = keeper.subs.get(sub)!.paused ? 'resume' : 'pause';
      this.#do(op, () => keeper.ask({ op, sub }));
    } else if (what < 10) {
      this.#do('unsubscribe', () => keeper.ask({ op: 'unsubscribe', sub }));
      // Its answer may come after further requests to it.
      await keeper.client.request({ op: 'ping' });
      keeper.look();
    } else if (what < 11) {
      keeper.client.socket.pause();
      setTimeout(() => keeper.client.socket.resume(), random.below(40));
    } else if (random.chance(10)) {
      this.#do('leave', () => keeper.client.socket.terminate());
      this.gone.push(...keepers.splice(keepers.indexOf(keeper), 1));
      await this.connect();
    }
  }

  #do(what: string, act: () => void): void {
    this.did.set(what, (this.did.get(what) ?? 0) + 1);
    act();
  }

  /** Waits until every subscription has reached the newest tick; returns where that is. */
  async reach(): Promise<number[]> {
    const { engine, keepers } = this;
    for (let before = -1; before !== engine.totals().sequenced || engine.totals().inFlight > 0; ) {
      before = engine.totals().sequenced;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const heads = engine.watermarks().map(({ head }) => head);
    for (const keeper of keepers) {
      await keeper.client.request({ op: 'ping' });
      keeper.look();
      for (const [sub, state] of keeper.subs) {
        if (state.paused) await keeper.client.request({ op: 'resume', sub });
        for (;;) {
          const { cursor } = await keeper.client.request({ op: 'pause', sub });
          const bytes = Buffer.from(cursor, 'base64url');
          if (heads.every((head, s) => bytes.readDoubleLE(16 + 8 * s) >= head)) break;
          await keeper.client.request({ op: 'resume', sub });
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
      keeper.end(heads);
    }
    return heads;
  }
}

t.test(`seed ${SEED}`, { timeout: RUN_MS + 90_000 }, async (t) => {
  const folder = temporaryFolder(t);
  const feed = new RandomFeed();
  const engine = await startEngine(t, {
    feeds: [{ name: 'random', feed }],
    dataFolder: folder,
    shards: SHARDS,
    rings: { broadcast: 8192 },
    http: { port: 0, limits: { messagesPerSecond: 1e6 } },
  });
  const run = new Run(engine);
  for (let i = 0; i < CONNECTIONS; i++) await run.connect();
  const endMs = performance.now() + RUN_MS;
  const isDone = () => DEEDS.every((what) => (run.did.get(what) ?? 0) > 0);
  while (performance.now() < endMs || !isDone()) {
    await run.act();
    if (run.random.chance(3)) await new Promise((resolve) => setTimeout(resolve, run.random.below(8)));
  }
  feed.end();
  await run.reach();
  const { epoch } = engine.identity;
  const names = engine.registry.symbols.map((symbol) => symbol?.name ?? '');
  for (const { client } of run.keepers) client.socket.terminate();
  await engine.stop();
  assertSums(t, engine.totals(), { logged: true });

  const truth = await readEpoch(folder, epoch, SHARDS);
  const keepers = [...run.keepers, ...run.gone];
  const sum = (count: (keeper: DeliveryRecorder) => number) => keepers.reduce((all, k) => all + count(k), 0);
  t.comment(
    `${truth.map(({ length }) => length)} ticks by shard; ${sum((k) => k.sections.length)} sections of ` +
      `${sum((k) => k.ticks)} ticks; ${[...run.did].map(([what, n]) => `${n} ${what}`).join(', ')}`,
  );
  const ticks = truth.reduce((all, { length }) => all + length, 0);
  t.ok(ticks > ((RUN_MS / 1000) * TICKS_PER_S) / 2, `${ticks} ticks: the feed was not held up for long`);
  const faults = keepers.flatMap((keeper) => keeper.check(truth, names));
  t.same(faults.slice(0, 5), [], `${faults.length} faults`);
});
