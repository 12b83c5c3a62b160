/**
 * When a ring chunk is encoded for all groups. Readers of some symbols at near cursors share the encoded chunks. Readers
 * at distant cursors encode at most twice what they need.
 */
import t from 'tap';
import { EncodeArena } from '../../../src/fanout/batch/encode-arena.js';
import { LastValueMirror } from '../../../src/fanout/batch/last-value-mirror.js';
import { QuoteCache } from '../../../src/fanout/batch/quote-cache.js';
import { type RingChunk, RingChunkPool, RingChunks } from '../../../src/fanout/batch/ring-chunk.js';
import { ShardView } from '../../../src/fanout/batch/shard-view.js';
import { StreamPayload, SubscriptionGroup } from '../../../src/fanout/batch/subscription-group.js';
import { SymbolFilters } from '../../../src/fanout/batch/symbol-filter.js';
import { LastValueTable } from '../../../src/pipeline/memory/last-value-table.js';
import { MsgpackEncoder } from '../../../src/wire/msgpack.js';
import type { Mode } from '../../../src/wire/ticks.js';
import { smallMemory } from '../../helpers/memory.js';
import { TestShard } from '../../helpers/test-shard.js';

const SYMBOLS = 10;
/** Slots of the ring: more than the memory for encoded chunks holds. */
const RING = 262_144;
const HELD = 250_000;
const PAYLOAD_BYTES = 4096;
const TRADES = 1 << 1;
const ALL = 0b1111;

/** An encoder that counts the encoded records, and notes the seqs that came into payloads of groups. */
class CountingEncoder extends MsgpackEncoder {
  puts = 0;
  payloadSeqs: number[] = [];

  constructor(readonly arena: EncodeArena) {
    super(arena.buffer);
  }

  override put(...args: Parameters<MsgpackEncoder['put']>): void {
    const [payload, , , seq] = args;
    this.puts++;
    if (payload.at < this.arena.chunks()[0].at) this.payloadSeqs.push(seq);
    super.put(...args);
  }

  override copy(...args: Parameters<MsgpackEncoder['copy']>): number {
    const [, ticks, picks] = args;
    const taken = super.copy(...args);
    for (let k = 0; k < taken; k++) this.payloadSeqs.push((ticks as RingChunk).seqs[picks[k]]);
    return taken;
  }
}

interface TestReader {
  group: SubscriptionGroup;
  at: number;
  got: number;
  /** The next seq that a reader of one symbol must get; null for a reader of all symbols. */
  next: number | null;
}

/** A full ring of one shard, with the symbols in rotation, and groups that read the ring. */
class Bench {
  readonly arena = new EncodeArena();
  readonly encoder = new CountingEncoder(this.arena);
  readonly shard: TestShard;
  readonly view: ShardView;
  readonly #filters: SymbolFilters;
  readonly #shared;
  readonly #payload = new StreamPayload();

  constructor(append: (shard: TestShard, id: number) => void) {
    const memory = smallMemory({ ringSlots: RING, criticalSlots: RING });
    const { maxSymbols } = memory.plan;
    this.shard = new TestShard(memory);
    const table = new LastValueTable(memory.table, maxSymbols);
    this.view = new ShardView(memory, 0, table);
    const { registry } = this.shard;
    const ids = Array.from({ length: SYMBOLS }, (_, i) => this.shard.define(`S${i}`));
    for (let i = 0; i < HELD; i++) append(this.shard, ids[i % SYMBOLS]);
    this.shard.commit();
    this.view.advance(1);
    this.#filters = new SymbolFilters(registry, 1);
    const pool = new RingChunkPool(this.arena, maxSymbols);
    const mirror = new LastValueMirror(table, registry, [this.view]);
    this.#shared = [
      {
        ring: new RingChunks(this.encoder, pool, this.view, false),
        critical: new RingChunks(this.encoder, pool, this.view, true),
        quotes: new QuoteCache(this.encoder, this.arena, this.view, mirror),
      },
    ];
  }

  reader(symbols: string[], at: number, mode: Mode = 'every', kinds = ALL): TestReader {
    const { encoder, arena } = this;
    const filter = this.#filters.acquire(symbols);
    const symbol = symbols[0] === '*' ? null : Number(symbols[0].slice(1));
    const next = symbol === null ? null : ofOne(at, symbol) * SYMBOLS + symbol + 1;
    return {
      group: new SubscriptionGroup('', encoder, filter, mode, kinds, arena, this.#shared),
      at,
      got: 0,
      next,
    };
  }

  /** In each of `turns` flushes every reader reads some payloads, up to `limit`. */
  read(
    readers: readonly TestReader[],
    turns: number,
    limit = this.view.head,
    payloads = 1,
    bytes = PAYLOAD_BYTES,
  ): void {
    for (let turn = 0; turn < turns; turn++) {
      this.arena.reset();
      for (const reader of readers) {
        for (let i = 0; i < payloads && reader.at < limit; i++) this.#fill(reader, limit, bytes);
      }
    }
  }

  /** Reads the next payload of a reader, and checks that it continues where the previous one ended. */
  #fill(reader: TestReader, limit: number, bytes: number): void {
    this.encoder.payloadSeqs = [];
    reader.group.fill(this.#payload, this.view, 0, reader.at, limit, 1, bytes);
    reader.at = this.#payload.next;
    reader.got += this.#payload.count;
    if (reader.next === null) return;
    for (const seq of this.encoder.payloadSeqs) {
      if (seq !== reader.next) throw new Error(`seq ${seq} came where ${reader.next} was due`);
      reader.next += SYMBOLS;
    }
  }
}

const quotes = () => new Bench((shard, id) => shard.quote(id, 1.5, 1.6));
/** Number of records of one symbol up to a position. */
const ofOne = (position: number, symbol: number) => Math.floor((position + SYMBOLS - 1 - symbol) / SYMBOLS);
const names = (i: number) => [`S${i % SYMBOLS}`];

t.test('readers of some symbols at distant cursors encode at most twice what they need', async (t) => {
  const bench = quotes();
  const starts = Array.from({ length: 50 }, (_, i) => i * 4999);
  const readers = starts.map((at, i) => bench.reader(names(i), at));
  bench.read(readers, 20);
  let sum = 0;
  for (const [i, { at, got }] of readers.entries()) {
    t.equal(got, ofOne(at, i % SYMBOLS) - ofOne(starts[i], i % SYMBOLS), `reader ${i} got what it wanted`);
    sum += got;
  }
  t.ok(sum > 10_000, `${sum} records were wanted`);
  t.ok(bench.encoder.puts <= 2 * sum, `${bench.encoder.puts} records encoded for ${sum}`);
});

t.test('readers of some symbols at one cursor share encoded chunks', async (t) => {
  const bench = quotes();
  const readers = Array.from({ length: 500 }, (_, i) => bench.reader(names(i), 0));
  const end = 20_000;
  bench.read(readers, 200, end);
  for (const [i, { at, got }] of readers.entries()) {
    t.equal(at, end);
    t.equal(got, ofOne(end, i % SYMBOLS), `reader ${i} got what it wanted`);
  }
  const sum = readers.reduce((all, { got }) => all + got, 0);
  t.equal(sum, (500 / SYMBOLS) * end);
  t.ok(bench.encoder.puts < sum / 8, `${bench.encoder.puts} records encoded for ${sum}`);
});

/** Payloads as large as the server's frames, several per flush: a reader passes a hundred chunks in one flush. */
const LARGE_BYTES = 65_536;
const LARGE_PAYLOADS = 3;

t.test(
  'readers of some symbols that lag far share encoded chunks, however much they read per flush',
  async (t) => {
    const bench = quotes();
    const readers = Array.from({ length: 100 }, (_, i) => bench.reader(names(i), 0));
    const end = 200_000;
    bench.read(readers, 150, end, LARGE_PAYLOADS, LARGE_BYTES);
    for (const [i, { at, got }] of readers.entries()) {
      t.equal(at, end);
      t.equal(got, ofOne(end, i % SYMBOLS), `reader ${i} got what it wanted`);
    }
    const sum = readers.reduce((all, { got }) => all + got, 0);
    t.ok(bench.encoder.puts < sum / 3, `${bench.encoder.puts} records encoded for ${sum}`);
  },
);

t.test('readers that keep up still share chunks while others lag', async (t) => {
  const bench = quotes();
  const start = 150_000;
  const end = 170_000;
  const keeping = Array.from({ length: 90 }, (_, i) => bench.reader(names(i), start));
  let puts = 0;
  for (let head = start + 400; head <= end; head += 400) {
    for (let i = 0; i < 10; i++) {
      const before = bench.encoder.puts;
      bench.read(keeping.slice(i * 9, i * 9 + 9), 1, head, LARGE_PAYLOADS, LARGE_BYTES);
      puts += bench.encoder.puts - before;
      bench.read([bench.reader(names(i), i * 10_000)], 1, head, LARGE_PAYLOADS, LARGE_BYTES);
    }
  }
  const sum = keeping.reduce((all, { got }) => all + got, 0);
  t.equal(sum, 9 * (end - start));
  t.ok(puts < sum / 3, `${puts} records encoded for ${sum}`);
});

t.test('readers at distant cursors share chunks again once their cursors meet', async (t) => {
  const bench = quotes();
  const readers = Array.from({ length: 200 }, (_, i) => bench.reader(names(i), (i * 997) % 60_000));
  bench.read(readers, 2000, 61_000);
  t.ok(readers.every(({ at }) => at === 61_000));
  const before = bench.encoder.puts;
  for (let limit = 61_000; limit <= 65_000; limit += 200) bench.read(readers, 1, limit);
  t.ok(readers.every(({ at }) => at === 65_000));
  t.ok(bench.encoder.puts - before <= 2 * 4200, `${bench.encoder.puts - before} encoded for 4,000 positions`);
});

t.test('a reader of all symbols has a chunk encoded at once, and later readers share it', async (t) => {
  const bench = quotes();
  const readers = Array.from({ length: 20 }, () => bench.reader(['*'], 0));
  bench.read(readers, 400, 10_000);
  t.ok(readers.every(({ got }) => got === 10_000));
  t.ok(bench.encoder.puts < 10_000 + 512, `${bench.encoder.puts} records encoded`);
});

t.test('chunks of the critical ring are shared by the same rule', async (t) => {
  const bench = new Bench((shard, id) => shard.trade(id, 1.5));
  const scattered = Array.from({ length: 50 }, (_, i) => bench.reader(names(i), i * 4999, 'every', TRADES));
  bench.read(scattered, 20);
  const wanted = scattered.reduce((all, { got }) => all + got, 0);
  t.ok(wanted > 10_000);
  t.ok(bench.encoder.puts <= 2 * wanted, `${bench.encoder.puts} records encoded for ${wanted}`);
  bench.encoder.puts = 0;
  const together = Array.from({ length: 500 }, (_, i) => bench.reader(names(i), 0, 'latest', TRADES));
  bench.read(together, 200, 20_000);
  t.ok(together.every(({ got }, i) => got === ofOne(20_000, i % SYMBOLS)));
  t.ok(bench.encoder.puts < 20_000 * 3, `${bench.encoder.puts} records encoded for 20,000 positions`);
});
