/** A wrong definition is taken back by its source: readers get the right digits in-band, and older ticks as they were. */
import t from 'tap';
import {
  createEngine,
  type Engine,
  type Feed,
  type FeedContext,
  NO_SIZE,
  type Source,
} from '../../src/index.js';
import { LogReader } from '../../src/log/read/log-reader.js';
import { Registry } from '../../src/pipeline/memory/registry.js';
import { LogSource } from '../../src/replay/log-source.js';
import { LogStream } from '../../src/replay/stream.js';
import { LogSymbols } from '../../src/replay/symbols.js';
import { VirtualEngine } from '../../src/replay/virtual-engine.js';
import { runVirtual } from '../../src/replay/virtual-run.js';
import { ENCODINGS } from '../../src/wire/ticks.js';
import { asker } from '../helpers/http.js';
import { Client } from '../helpers/stream-client.js';
import { temporaryFolder } from './support.js';

class HandFeed implements Feed {
  #context!: FeedContext;
  #source!: Source;

  async start(context: FeedContext): Promise<void> {
    this.#context = context;
    this.#source = context.source('hand');
  }
  async stop(): Promise<void> {}
  status() {
    return { state: 'live', detail: '', sources: 1 } as const;
  }
  quote(digits: number, bid: number, ask: number): void {
    const { sink } = this.#context;
    sink.stamp();
    const id = this.#context.symbol(this.#source, 'EURUSD', { digits });
    sink.take(this.#source, id, 0);
    sink.quote(this.#source, id, 0, 0, sink.recvS, sink.recvNs, bid, ask, NO_SIZE, NO_SIZE);
    sink.commit();
  }
}

/** Digits declared, what the source says, what is kept. */
const QUOTES = [
  [5, 1.14525, 1.14527],
  [8, 1.14525123, 1.14527123],
  [5, 1.14526, 1.14528],
  [5, 1.1452612, 1.14528],
] as const;
const KEPT = [
  [1.14525, 1.14527],
  [1.14525123, 1.14527123],
  [1.14526, 1.14528],
  [1.14526, 1.14528],
];
const DEFINED = [5, 8, 5];

async function start(t: Tap, dataFolder: string): Promise<{ engine: Engine; feed: HandFeed }> {
  const feed = new HandFeed();
  const engine = await createEngine({ feeds: [{ name: 'hand', feed }], dataFolder, http: { port: 0 } });
  t.teardown(() => engine.stop());
  await engine.start();
  return { engine, feed };
}
type Tap = typeof t;

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
}

/** What a client has got: prices, and digits by their definitions. */
function got({ ticks }: Client) {
  const quotes = ticks.filter(({ kind }) => kind === 'quote').map(({ value, ask }) => [value, ask]);
  return { quotes, statuses: ticks.filter(({ kind }) => kind === 'status').length };
}

/** Prices of a virtual engine that numbers the log's ticks anew. */
async function replayed(folder: string): Promise<number[][]> {
  const symbols = await LogSymbols.open(folder, ['*']);
  const reader = LogReader.open(folder);
  const bytes = symbols.registry.bytesFrom(0);
  const engine = new VirtualEngine(
    {
      shards: 1,
      feeds: [{ name: 'replay', policy: 'block', stateWords: 0 }],
      maxSymbols: 64,
      epoch: 1,
    },
    { info() {}, warn() {}, error() {} },
    (memory) => new Registry(memory.registry, 64).load(bytes),
    () => ({}),
  );
  const quotes: number[][] = [];
  engine
    .subscriber('json', (message) => {
      const { op, ticks } = JSON.parse(Buffer.from(message).toString('utf8'));
      if (op === 'ticks') for (const { bid, ask } of ticks) quotes.push([bid, ask]);
    })
    .subscribe({ symbols: ['*'], mode: 'every', kinds: ['quote'], snapshot: false, intervalMs: 0 });
  const source = new LogSource(new LogStream(reader, { filter: null }), symbols, engine.feed(0));
  const { signal } = new AbortController();
  await runVirtual(engine, source, { flushMs: 10, signal, drain: async () => {} });
  await reader.close();
  return quotes;
}

t.test('5 digits, 8 by mistake, 5 again', async (t) => {
  const folder = temporaryFolder(t);
  const { engine, feed } = await start(t as Tap, folder);
  const live: Client[] = [];
  for (const encoding of ENCODINGS) {
    const client = await Client.open(engine.port!, encoding);
    t.teardown(() => client.socket.terminate());
    live.push(client);
  }
  const from = [];
  for (const client of live) from.push((await client.subscribe(['EURUSD'], { mode: 'every' })).cursor);
  for (const [i, [digits, bid, ask]] of QUOTES.entries()) {
    feed.quote(digits, bid, ask);
    for (const client of live) await client.until(() => got(client).quotes.length > i);
  }
  for (const client of live) {
    t.same(got(client), { quotes: KEPT, statuses: DEFINED.length }, `${client.encoding}, live`);
    const told = client.controls.flatMap(({ op, symbols }) => (op === 'symbols' ? symbols : []));
    t.same(
      told.map(({ digits, version }) => [digits, version]),
      [
        [5, 1],
        [8, 2],
        [5, 3],
      ],
      `${client.encoding}: definitions are announced`,
    );
  }
  await until(() => engine.totals().logged === QUOTES.length + DEFINED.length);
  for (const { encoding } of live) {
    const client = await Client.open(engine.port!, encoding);
    await client.subscribe(['EURUSD'], { mode: 'every', from: from[0] });
    await client.until(() => got(client).quotes.length === KEPT.length);
    t.same(got(client), { quotes: KEPT, statuses: DEFINED.length }, `${encoding}, from the beginning`);
    client.socket.terminate();
  }
  await engine.stop();
  const again = await start(t as Tap, folder);
  const { body } = await asker(again.engine.port!)('/v1/ticks/EURUSD');
  const { digits, ticks } = JSON.parse(body);
  t.equal(digits, 5);
  t.same(
    ticks
      .filter((tick: { kind: string }) => tick.kind === 'quote')
      .map((q: { bid: number; ask: number }) => [q.bid, q.ask]),
    KEPT,
    'from the log, after a restart',
  );
  const csv = await asker(again.engine.port!)('/v1/ticks/EURUSD', { accept: 'text/csv' });
  t.match(csv.body, /,1\.14525123,1\.14527123,/);
  await again.engine.stop();
  t.same(await replayed(folder), KEPT, 'numbered anew by a replay');
});
