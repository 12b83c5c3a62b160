/** `latest` from a cursor of an earlier epoch: quotes that are newer come once, as state; none that was sent before. */
import t, { type Test } from 'tap';
import {
  createEngine,
  type Engine,
  type Feed,
  type FeedContext,
  NO_SIZE,
  type Source,
} from '../../src/index.js';
import { ENCODINGS } from '../../src/wire/ticks.js';
import { Client } from '../helpers/stream-client.js';
import { temporaryFolder } from './support.js';

const NAMES = ['AAA', 'BBB', 'CCC', 'DDD'];

/** Gives what the test tells it to. */
class HandFeed implements Feed {
  #context!: FeedContext;
  #source!: Source;

  async start(context: FeedContext): Promise<void> {
    this.#context = context;
    this.#source = context.source('hand');
    for (const name of NAMES) context.symbol(this.#source, name, { digits: 2 });
  }
  async stop(): Promise<void> {}
  status() {
    return { state: 'live', detail: '', sources: 1 } as const;
  }
  quote(name: string, bid: number): void {
    const { sink } = this.#context;
    const id = this.#begin(name);
    sink.quote(this.#source, id, 0, 0, sink.recvS, sink.recvNs, bid, bid + 1, NO_SIZE, NO_SIZE);
    sink.commit();
  }
  trade(name: string, price: number): void {
    const { sink } = this.#context;
    const id = this.#begin(name);
    sink.trade(this.#source, id, 0, 0, sink.recvS, sink.recvNs, price, 1, Number.NaN);
    sink.commit();
  }
  #begin(name: string): number {
    const { sink } = this.#context;
    sink.stamp();
    const id = this.#context.symbol(this.#source, name, { digits: 2 });
    sink.take(this.#source, id, 0);
    return id;
  }
}

async function run(t: Test, folder: string, shards: number): Promise<{ engine: Engine; feed: HandFeed }> {
  const feed = new HandFeed();
  const engine = await createEngine({
    feeds: [{ name: 'hand', feed }],
    dataFolder: folder,
    shards,
    http: { port: 0 },
  });
  t.teardown(() => engine.stop());
  await engine.start();
  return { engine, feed };
}

/** Resumes at a cursor until it is live; returns what came, and the cursor that it stands at then. */
async function resume(t: Test, engine: Engine, from: string, encoding: (typeof ENCODINGS)[number]) {
  const client = await Client.open(engine.port!, encoding);
  t.teardown(() => client.socket.terminate());
  const { symbols } = await client.request({ op: 'subscribe', symbols: NAMES, mode: 'latest', from });
  await client.until(() => client.control('caught_up') !== undefined);
  const name = (id: number) => symbols.find((s: { symbolId: number }) => s.symbolId === id)?.symbol;
  const came = client.ticks
    .filter(({ kind }) => kind === 'quote' || kind === 'trade')
    .map(({ kind, symbolId, value, snapshot, seq }) => {
      const place = seq === 0 ? 'carried over' : 'of this epoch';
      return `${name(symbolId)} ${kind} ${value}${snapshot ? ', state' : ''}, ${place}`;
    });
  client.socket.terminate();
  return { came, cursor: client.control('caught_up').cursor as string };
}

for (const encoding of ENCODINGS) {
  t.test(encoding, { timeout: 60_000 }, async (t) => {
    const folder = temporaryFolder(t);
    const first = await run(t, folder, 1);
    for (const name of NAMES) first.feed.quote(name, 10);
    const reader = await Client.open(first.engine.port!, 'packed');
    await reader.request({ op: 'subscribe', symbols: NAMES, mode: 'every', from: '1970-01-01T00:00:00Z' });
    const quotes = () => reader.ticks.filter(({ kind }) => kind === 'quote').length;
    await reader.until(() => quotes() === NAMES.length);
    const early = reader.cursor;
    first.feed.quote('BBB', 20);
    first.feed.trade('BBB', 21);
    first.feed.quote('CCC', 30);
    await reader.until(() => quotes() === NAMES.length + 2);
    const end = reader.cursor;
    reader.socket.terminate();
    await first.engine.stop();

    const newer = [
      'BBB quote 20, state, carried over',
      'CCC quote 30, state, carried over',
      'BBB trade 21, of this epoch',
    ];
    for (const shards of [1, 3]) {
      const { engine } = await run(t, folder, shards);
      const late = await resume(t, engine, end, encoding);
      t.same(late.came, [], 'all was seen before');
      t.same((await resume(t, engine, late.cursor, encoding)).came, []);
      const missed = await resume(t, engine, early, encoding);
      t.same(missed.came.toSorted(), newer.toSorted(), 'what is newer');
      t.same((await resume(t, engine, missed.cursor, encoding)).came, [], 'once');
      t.equal((await resume(t, engine, early, encoding)).came.length, newer.length, 'from there again');
      await engine.stop();
    }

    const last = await run(t, folder, 1);
    last.feed.quote('AAA', 40);
    const watcher = await Client.open(last.engine.port!, 'packed');
    await watcher.request({ op: 'subscribe', symbols: ['AAA'], mode: 'every', from: end });
    await watcher.until(() => watcher.ticks.some(({ value }) => value === 40));
    watcher.socket.terminate();
    const again = await resume(t, last.engine, end, encoding);
    t.same(again.came, ['AAA quote 40, state, of this epoch']);
    t.same((await resume(t, last.engine, again.cursor, encoding)).came, []);
  });
}
