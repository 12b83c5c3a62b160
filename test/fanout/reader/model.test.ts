/**
 * Seeded runs of commits, and of subscribers that pause, seek, leave and resume from a cursor. The ring is so small that
 * subscribers fall behind all the time. Each still gets every tick that it subscribed to, once and in order, with the
 * values that were written.
 */
import t from 'tap';
import { KIND_NAMES, kindOf, U32_SYMBOL } from '../../../src/core/tick.js';
import type { Encoding } from '../../../src/wire/ticks.js';
import { type Served, serve } from '../../helpers/fanout.js';
import { Random } from '../../helpers/random.js';
import type { Client, GotTick } from '../../helpers/stream-client.js';

const SYMBOLS = ['AA', 'AB', 'BA', 'BB', 'CC'];
const LISTS = [['*'], ['A*'], ['AA'], ['BB', 'CC'], ['AB', 'NOPE']];
const KINDS = [undefined, ['quote'], ['trade', 'status'], ['trade']];
const ENCODINGS: Encoding[] = ['packed', 'msgpack', 'json'];
const SPEEDS = ['max', 'max', 1000];

interface Expected {
  kind: string;
  symbolId: number;
  seq: number;
  symbolSeq: number;
  value: number;
}

/** Every tick that was written, by seq - 1. */
class Model {
  readonly ticks: Expected[] = [];

  note({ shard }: Served, value: number): void {
    const i = shard.head - 1;
    const { u32 } = shard.history;
    const kind = KIND_NAMES[kindOf(shard.history, i)];
    const [symbolId, symbolSeq] = [u32[i * 16 + U32_SYMBOL], u32[i * 16 + 3]];
    this.ticks.push({ kind, symbolId, seq: shard.head, symbolSeq, value });
  }

  between(from: number, to: number, names: string[], kinds: string[] | undefined): Expected[] {
    const matches = (name: string) =>
      names.some((n) => n === '*' || n === name || (n === 'A*' && name.startsWith('A')));
    return this.ticks
      .slice(from, to)
      .filter((k) => matches(SYMBOLS[k.symbolId - 1]) && (kinds === undefined || kinds.includes(k.kind)));
  }
}

/** The seq in a cursor of one shard. Only a test may read the token, which is opaque to clients. */
function seqOf(cursor: string): number {
  return Buffer.from(cursor, 'base64url').readDoubleLE(16);
}

class Subscriber {
  readonly names: string[];
  readonly kinds: string[] | undefined;
  client: Client;
  sub = 0;
  /** The subscription gets ticks after this seq. */
  from = 0;
  /** Index in the client's ticks of the first tick since the last seek or resume. */
  at = 0;
  paused = false;

  constructor(
    readonly served: Served,
    readonly model: Model,
    readonly random: Random,
    client: Client,
    readonly shared: boolean,
  ) {
    this.client = client;
    this.names = random.pick(LISTS);
    this.kinds = random.pick(KINDS);
  }

  async begin(from?: string): Promise<void> {
    const { random, names, kinds } = this;
    const more = {
      mode: 'every',
      snapshot: random.chance(2),
      ...(from === undefined ? {} : { from, speed: random.pick(SPEEDS) }),
      ...(kinds === undefined ? {} : { kinds }),
    };
    const answer = await this.client.request({ op: 'subscribe', symbols: names, ...more });
    if (answer.op !== 'subscribed') throw new Error(JSON.stringify(answer));
    this.sub = answer.sub;
    this.from = seqOf(answer.cursor);
    this.paused = false;
    // Ticks may arrive together with the answer. No earlier subscription has this number.
    this.at = 0;
  }

  got(): GotTick[] {
    return this.client.ticks.slice(this.at).filter((k) => k.sub === this.sub && !k.snapshot);
  }

  /** The first fault in the ticks received so far, up to `to`; null when there is none. */
  fault(to: number): string | null {
    const wanted = this.model.between(this.from, to, this.names, this.kinds);
    const got = this.got();
    const count = Math.max(wanted.length, got.length);
    for (let i = 0; i < count; i++) {
      const [w, g] = [wanted[i], got[i]];
      const same =
        w !== undefined &&
        g !== undefined &&
        w.seq === g.seq &&
        w.kind === g.kind &&
        w.symbolId === g.symbolId &&
        w.symbolSeq === g.symbolSeq &&
        (w.kind === 'status' || w.value === g.value);
      if (!same)
        return `${this.client.encoding} sub ${this.sub} ${this.names} ${this.kinds} from ${this.from} to ${to}: tick ${i} of ${wanted.length}/${got.length}: ${JSON.stringify(g)} instead of ${JSON.stringify(w)}`;
    }
    return null;
  }

  /** Whether no tick is missing. */
  get isWhole(): boolean {
    const { head } = this.served.shard;
    return this.got().length >= this.model.between(this.from, head, this.names, this.kinds).length;
  }

  async act(): Promise<string | null> {
    const { random, client, sub } = this;
    switch (random.below(6)) {
      case 0: {
        const op = this.paused ? 'resume' : 'pause';
        const { cursor } = await client.request({ op, sub });
        this.paused = !this.paused;
        // Every tick up to the cursor has arrived, and none beyond it.
        return cursor === undefined ? null : this.fault(seqOf(cursor));
      }
      case 1: {
        const { cursor } = await client.request({ op: 'pause', sub });
        const fault = this.fault(seqOf(cursor));
        const to = this.model.ticks.length === 0 || random.chance(3) ? undefined : cursor;
        const speed = to === undefined ? 'max' : random.pick(SPEEDS);
        const sought = await client.request({
          op: 'seek',
          sub,
          speed,
          ...(to === undefined ? {} : { from: to }),
        });
        this.from = seqOf(sought.cursor);
        this.at = client.ticks.length;
        await client.request({ op: 'resume', sub });
        this.paused = false;
        return fault;
      }
      case 2: {
        const { cursor } = await client.request({ op: 'pause', sub });
        const fault = this.fault(seqOf(cursor));
        await client.request({ op: 'unsubscribe', sub });
        await this.begin(cursor);
        return fault;
      }
      case 3: {
        if (this.shared || this.cursorOfOwn === undefined) return null;
        const cursor = this.cursorOfOwn;
        const fault = this.fault(seqOf(cursor));
        client.socket.terminate();
        this.client = await this.served.connect(random.pick(ENCODINGS));
        await this.begin(cursor);
        return fault;
      }
      default:
        client.socket.pause();
        setTimeout(() => client.socket.resume(), random.below(20));
        return null;
    }
  }

  /** The cursor of the last batch, if the client has one and no other subscription is on its connection. */
  get cursorOfOwn(): string | undefined {
    return this.got().length > 0 ? this.client.cursor : undefined;
  }
}

function burst(served: Served, model: Model, random: Random, ids: number[]): void {
  const { shard } = served;
  const count = random.chance(8) ? 1000 + random.below(3000) : random.below(60);
  for (let i = 0; i < count; i++) {
    const value = 1 + random.below(100_000) / 100_000;
    const id = random.pick(ids);
    const kind = random.below(10);
    if (kind === 0) shard.status(id, 1);
    else if (kind < 3) shard.trade(id, value);
    else if (kind === 3) shard.quote(id, value / 3, value);
    else shard.quote(id, value, value + 0.0001, kind === 4 ? 100 : Number.NaN);
    model.note(served, kind === 3 ? value / 3 : value);
  }
  shard.commit();
}

for (let seed = 1; seed <= Number(process.env.SEEDS ?? 6); seed++) {
  t.test(`seed ${seed}`, async (t) => {
    const random = new Random(seed);
    const ringSlots = random.pick([64, 512, 4096]);
    const criticalSlots = random.pick([64, 512]);
    const served = await serve({ log: true, plan: { ringSlots, criticalSlots } });
    t.teardown(() => served.close());
    const ids = SYMBOLS.map((name) => served.shard.define(name));
    const model = new Model();
    const subscribers: Subscriber[] = [];
    const add = async (client: Client, shared: boolean) => {
      const subscriber = new Subscriber(served, model, random, client, shared);
      await subscriber.begin();
      subscribers.push(subscriber);
    };
    for (let n = 0; n < 4; n++) await add(await served.connect(random.pick(ENCODINGS)), false);
    const common = await served.connect(random.pick(ENCODINGS));
    for (let n = 0; n < 4; n++) await add(common, true);
    const latest = await served.connect(random.pick(ENCODINGS));
    await latest.subscribe(['*'], { mode: 'latest' });
    let digits = 5;
    for (let round = 0; round < 120; round++) {
      burst(served, model, random, ids);
      if (random.chance(40)) served.shard.define(random.pick(SYMBOLS), (digits += digits < 8 ? 1 : 0));
      if (random.chance(2)) await new Promise((resolve) => setImmediate(resolve));
      const fault = random.chance(2) ? await random.pick(subscribers).act() : null;
      if (fault !== null) return t.fail(`round ${round}: ${fault}`);
    }
    for (const s of subscribers) {
      if (s.paused) await s.client.request({ op: 'resume', sub: s.sub });
    }
    for (const s of subscribers) await s.client.until(() => s.isWhole);
    for (const s of subscribers) t.equal(s.fault(served.shard.head), null);
    t.same(served.errors, []);
  });
}
