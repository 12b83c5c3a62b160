/**
 * What is encoded for everybody, and what for one: readers of a part of the market at one place share the work; at
 * places far from each other none of them pays for more than what it wants.
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
/** More than there is memory for when encoded. */
const RING = 262_144;
const HELD = 250_000;
const BODY_BYTES = 4096;
const TRADES = 1 << 1;
const ALL = 0b1111;

/** An encoder that tells how many records it was given, and which have come into the bodies of groups. */
class CountingEncoder extends MsgpackEncoder {
  puts = 0;
  bodySeqs: number[] = [];

  constructor(readonly arena: EncodeArena) {
    super(arena.buffer);
  }

  override put(...args: Parameters<MsgpackEncoder['put']>): void {
    const [payload, , , seq] = args;
    this.puts++;
    if (payload.at < this.arena.chunks()[0].at) this.bodySeqs.push(seq);
    super.put(...args);
  }

  override copy(...args: Parameters<MsgpackEncoder['copy']>): number {
    const [, ticks, picks] = args;
    const taken = super.copy(...args);
    for (let k = 0; k < taken; k++) this.bodySeqs.push((ticks as RingChunk).seqs[picks[k]]);
    return taken;
  }
}

interface Place {
  group: SubscriptionGroup;
  at: number;
  got: number;
  /** Seq that comes next for a reader of one symbol; null for all. */
  next: number | null;
}

/** A full ring of one shard, in which the symbols take turns, and groups that read it. */
class Bench {
  readonly arena = new EncodeArena();
  readonly encoder = new CountingEncoder(this.arena);
  readonly shard: TestShard;
  readonly view: ShardView;
  readonly #watches: SymbolFilters;
  readonly #shared;
  readonly #body = new StreamPayload();

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
    this.#watches = new SymbolFilters(registry, 1);
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

  place(symbols: string[], at: number, mode: Mode = 'every', kinds = ALL): Place {
    const { encoder, arena } = this;
    const filter = this.#watches.acquire(symbols);
    const symbol = symbols[0] === '*' ? null : Number(symbols[0].slice(1));
    const next = symbol === null ? null : ofOne(at, symbol) * SYMBOLS + symbol + 1;
    return {
      group: new SubscriptionGroup('', encoder, filter, mode, kinds, arena, this.#shared),
      at,
      got: 0,
      next,
    };
  }

  /** Each reads some bodies in turn, up to a seq or as many positions as there are from its place on. */
  read(
    places: readonly Place[],
    turns: number,
    limit = this.view.head,
    payloads = 1,
    bytes = BODY_BYTES,
  ): void {
    for (let turn = 0; turn < turns; turn++) {
      this.arena.reset();
      for (const place of places) {
        for (let i = 0; i < payloads && place.at < limit; i++) this.#fill(place, limit, bytes);
      }
    }
  }

  /** A place gets its next body, which must go on where the one before it ended. */
  #fill(place: Place, limit: number, bytes: number): void {
    this.encoder.bodySeqs = [];
    place.group.fill(this.#body, this.view, 0, place.at, limit, 1, bytes);
    place.at = this.#body.next;
    place.got += this.#body.count;
    if (place.next === null) return;
    for (const seq of this.encoder.bodySeqs) {
      if (seq !== place.next) throw new Error(`seq ${seq} came where ${place.next} was due`);
      place.next += SYMBOLS;
    }
  }
}

const quotes = () => new Bench((shard, id) => shard.quote(id, 1.5, 1.6));
/** Records up to a position, of one symbol of all. */
const ofOne = (position: number, symbol: number) => Math.floor((position + SYMBOLS - 1 - symbol) / SYMBOLS);
const names = (i: number) => [`S${i % SYMBOLS}`];

t.test(
  'for readers of a part, far from each other, at most twice as much is encoded as they want',
  async (t) => {
    const bench = quotes();
    const starts = Array.from({ length: 50 }, (_, i) => i * 4999);
    const places = starts.map((at, i) => bench.place(names(i), at));
    bench.read(places, 20);
    let sum = 0;
    for (const [i, { at, got }] of places.entries()) {
      t.equal(got, ofOne(at, i % SYMBOLS) - ofOne(starts[i], i % SYMBOLS), `reader ${i} got what it wanted`);
      sum += got;
    }
    t.ok(sum > 10_000, `${sum} records were wanted`);
    t.ok(bench.encoder.puts <= 2 * sum, `${bench.encoder.puts} records encoded for ${sum}`);
  },
);

t.test('readers of a part at one place share what is encoded', async (t) => {
  const bench = quotes();
  const places = Array.from({ length: 500 }, (_, i) => bench.place(names(i), 0));
  const end = 20_000;
  bench.read(places, 200, end);
  for (const [i, { at, got }] of places.entries()) {
    t.equal(at, end);
    t.equal(got, ofOne(end, i % SYMBOLS), `reader ${i} got what it wanted`);
  }
  const sum = places.reduce((all, { got }) => all + got, 0);
  t.equal(sum, (500 / SYMBOLS) * end);
  t.ok(bench.encoder.puts < sum / 8, `${bench.encoder.puts} records encoded for ${sum}`);
});

/** Bodies as large as the server's frames, some in a turn: a reader passes a hundred chunks in one. */
const LARGE_BYTES = 65_536;
const LARGE_BODIES = 3;

t.test('readers of a part that lag far share what is encoded, however much they pass at once', async (t) => {
  const bench = quotes();
  const places = Array.from({ length: 100 }, (_, i) => bench.place(names(i), 0));
  const end = 200_000;
  bench.read(places, 150, end, LARGE_BODIES, LARGE_BYTES);
  for (const [i, { at, got }] of places.entries()) {
    t.equal(at, end);
    t.equal(got, ofOne(end, i % SYMBOLS), `reader ${i} got what it wanted`);
  }
  const sum = places.reduce((all, { got }) => all + got, 0);
  t.ok(bench.encoder.puts < sum / 3, `${bench.encoder.puts} records encoded for ${sum}`);
});

t.test('those that keep up go on sharing with laggers read in between', async (t) => {
  const bench = quotes();
  const start = 150_000;
  const end = 170_000;
  const keeping = Array.from({ length: 90 }, (_, i) => bench.place(names(i), start));
  let puts = 0;
  for (let head = start + 400; head <= end; head += 400) {
    for (let i = 0; i < 10; i++) {
      const before = bench.encoder.puts;
      bench.read(keeping.slice(i * 9, i * 9 + 9), 1, head, LARGE_BODIES, LARGE_BYTES);
      puts += bench.encoder.puts - before;
      bench.read([bench.place(names(i), i * 10_000)], 1, head, LARGE_BODIES, LARGE_BYTES);
    }
  }
  const sum = keeping.reduce((all, { got }) => all + got, 0);
  t.equal(sum, 9 * (end - start));
  t.ok(puts < sum / 3, `${puts} records encoded for ${sum}`);
});

t.test('what is scattered comes together again, and shares again', async (t) => {
  const bench = quotes();
  const places = Array.from({ length: 200 }, (_, i) => bench.place(names(i), (i * 997) % 60_000));
  bench.read(places, 2000, 61_000);
  t.ok(places.every(({ at }) => at === 61_000));
  const before = bench.encoder.puts;
  for (let limit = 61_000; limit <= 65_000; limit += 200) bench.read(places, 1, limit);
  t.ok(places.every(({ at }) => at === 65_000));
  t.ok(bench.encoder.puts - before <= 2 * 4200, `${bench.encoder.puts - before} encoded for 4,000 positions`);
});

t.test('whoever wants all of it has it encoded at once, and nobody after that', async (t) => {
  const bench = quotes();
  const places = Array.from({ length: 20 }, () => bench.place(['*'], 0));
  bench.read(places, 400, 10_000);
  t.ok(places.every(({ got }) => got === 10_000));
  t.ok(bench.encoder.puts < 10_000 + 512, `${bench.encoder.puts} records encoded`);
});

t.test('the critical ring is shared by the same rule', async (t) => {
  const bench = new Bench((shard, id) => shard.trade(id, 1.5));
  const scattered = Array.from({ length: 50 }, (_, i) => bench.place(names(i), i * 4999, 'every', TRADES));
  bench.read(scattered, 20);
  const wanted = scattered.reduce((all, { got }) => all + got, 0);
  t.ok(wanted > 10_000);
  t.ok(bench.encoder.puts <= 2 * wanted, `${bench.encoder.puts} records encoded for ${wanted}`);
  bench.encoder.puts = 0;
  const together = Array.from({ length: 500 }, (_, i) => bench.place(names(i), 0, 'latest', TRADES));
  bench.read(together, 200, 20_000);
  t.ok(together.every(({ got }, i) => got === ofOne(20_000, i % SYMBOLS)));
  t.ok(bench.encoder.puts < 20_000 * 3, `${bench.encoder.puts} records encoded for 20,000 positions`);
});
