/** Scenario `normalise`: what one tick costs the feed that writes it, and the shard that numbers it. */
import { SharedClock } from '../../core/clock.js';
import { BROADCAST_RING_SLOTS, CRITICAL_RING_SLOTS, RAW_RING_SLOTS } from '../../core/limits.js';
import {
  KIND_MASK,
  Kind,
  RECORD_U32,
  U32_KIND_FLAGS_SOURCE,
  U32_SEQ_LOW,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
} from '../../core/tick.js';
import { FeedSink } from '../../feeds/connector/feed-sink.js';
import { Market, STANDARD_MARKET } from '../../feeds/synthetic/index.js';
import { BroadcastReader } from '../../pipeline/memory/broadcast-ring.js';
import { CommitCells } from '../../pipeline/memory/commit-cells.js';
import { CounterReader } from '../../pipeline/memory/counter-reader.js';
import { SHARD_WORDS, ShardWord } from '../../pipeline/memory/counters.js';
import { allocateMemory, type EngineMemory, feedStage } from '../../pipeline/memory/engine-memory.js';
import { LastValueTable, TableEntry } from '../../pipeline/memory/last-value-table.js';
import { Registry } from '../../pipeline/memory/registry.js';
import { Shard } from '../../pipeline/shard/shard.js';
import { wholeNumber } from '../harness/flags.js';
import { type Findings, figure, type Scenario } from '../harness/scenario.js';
import { imbalance } from '../harness/setup.js';

const DIAGRAM = `
  market ─▶ feed sink ─▶ [raw ring] ─▶ shard ─┬─▶ [broadcast ring] ─▶ every record is checked
            timed                      timed  └─▶ table            ─▶ and each symbol's last value
  One thread: fill the raw ring, let the shard empty it, and so on. Making the market is not timed.`;

interface NormaliseOptions {
  /** Ticks of each run. */
  ticks: number;
  runs: number;
  symbols: number;
  seed: number;
}

export const normalise: Scenario<NormaliseOptions> = {
  name: 'normalise',
  summary: 'one tick through the feed sink and through the shard, in one thread',
  diagram: DIAGRAM,
  example: '--ticks 2000000 --json',
  flags: (command) =>
    command
      .option('--ticks <n>', 'ticks of each run', wholeNumber, 2_000_000)
      .option('--runs <n>', 'runs, each in memory of its own', wholeNumber, 5)
      .option('--symbols <n>', 'symbols of the market', wholeNumber, 500)
      .option('--seed <n>', 'seed of the market', wholeNumber, 1),
  small: { ticks: 50_000, runs: 2, symbols: 50 },
  run: benchNormalise,
};

interface Run {
  feedNs: number;
  shardNs: number;
  faults: string[];
}

async function benchNormalise(options: NormaliseOptions): Promise<Findings> {
  // The first one only warms the compiler up.
  runOnce(options);
  const runs = Array.from({ length: options.runs }, () => runOnce(options));
  const feed = figure(
    'ns',
    'lower',
    runs.map((run) => run.feedNs),
  );
  const shard = figure(
    'ns',
    'lower',
    runs.map((run) => run.shardNs),
  );
  const told = ({ median, min, max }: typeof feed) =>
    `${median.toFixed(0)} ns a tick (${min.toFixed(0)} to ${max.toFixed(0)})`;
  return {
    figures: { feedNsPerTick: feed, shardNsPerTick: shard },
    why: runs.flatMap((run) => run.faults),
    lines: [`normalise: feed ${told(feed)}, shard ${told(shard)}`],
  };
}

function runOnce({ ticks, symbols, seed }: NormaliseOptions): Run {
  const memory = allocateMemory({
    shards: 1,
    feeds: [{ name: 'market', policy: 'block', stateWords: 0 }],
    log: false,
    maxSymbols: symbols + 1,
    rawSlots: RAW_RING_SLOTS,
    ringSlots: BROADCAST_RING_SLOTS,
    criticalSlots: CRITICAL_RING_SLOTS,
  });
  const market = new Market({ ...STANDARD_MARKET, symbols, seed });
  const registry = new Registry(memory.registry, symbols + 1, feedStage(0));
  const sink = new FeedSink(memory, 0, registry, new SharedClock(memory.clock), false);
  const source = sink.open('market', 'market');
  const ids = market.symbols.map(({ name, digits }) => registry.defineSymbol({ name, digits }));
  market.label(Uint32Array.from(ids), source.id);
  const shard = new Shard(memory, 0, new Registry(memory.registry, symbols + 1, 0));
  const checker = new Checker(memory);
  let feedNs = 0;
  let shardNs = 0;
  for (let generated = 0; generated < ticks; ) {
    const wanted = Math.min(market.left, ticks - generated);
    const started = process.hrtime.bigint();
    sink.stamp();
    const done = sink.offer(source, market.block, market.at, wanted, false);
    sink.commit();
    const offered = process.hrtime.bigint();
    feedNs += Number(offered - started);
    generated += done;
    if (done < wanted || generated === ticks) {
      const before = process.hrtime.bigint();
      while (shard.doWork() > 0);
      shardNs += Number(process.hrtime.bigint() - before);
      checker.read();
    }
    market.advance(done);
  }
  return { feedNs: feedNs / ticks, shardNs: shardNs / ticks, faults: checker.faults(ticks) };
}

/** Reads all that the shard numbers: seqs and symbolSeqs are dense, nothing is missing, last values are the last. */
class Checker {
  readonly #ring: BroadcastReader;
  readonly #table: LastValueTable;
  readonly #symbolSeqs: Uint32Array;
  readonly #lastSeqs: Float64Array;
  readonly #counters: CounterReader;
  #seq = 0;
  #generated = 0;
  #reordered = 0;

  constructor(memory: EngineMemory) {
    const { maxSymbols, ringSlots } = memory.plan;
    const cells = new CommitCells(memory.shardCells[0], SHARD_WORDS);
    this.#ring = new BroadcastReader(memory.broadcast[0], ringSlots, { cells, word: ShardWord.head });
    this.#table = new LastValueTable(memory.table, maxSymbols);
    this.#symbolSeqs = new Uint32Array(maxSymbols);
    this.#lastSeqs = new Float64Array(maxSymbols);
    this.#counters = new CounterReader(memory);
  }

  read(): void {
    const { u32 } = this.#ring.records;
    const head = this.#ring.head();
    while (this.#seq < head) {
      const w = this.#ring.slot(++this.#seq) * RECORD_U32;
      const symbol = u32[w + U32_SYMBOL];
      const isInOrder =
        u32[w + U32_SEQ_LOW] === this.#seq >>> 0 && u32[w + U32_SYMBOL_SEQ] === ++this.#symbolSeqs[symbol];
      if (!isInOrder) this.#reordered++;
      this.#lastSeqs[symbol] = this.#seq;
      if ((u32[w + U32_KIND_FLAGS_SOURCE] & KIND_MASK) > Kind.trade) this.#generated++;
    }
  }

  faults(ticks: number): string[] {
    const faults: string[] = [];
    if (this.#reordered > 0) faults.push(`${this.#reordered} ticks out of order`);
    if (this.#seq - this.#generated !== ticks)
      faults.push(`${this.#seq - this.#generated} of ${ticks} ticks sequenced`);
    const entry = new TableEntry();
    let wrong = 0;
    this.#lastSeqs.forEach((seq, id) => {
      if (seq > 0 && !(this.#table.read(id, entry) && entry.seq === seq)) wrong++;
    });
    if (wrong > 0) faults.push(`${wrong} wrong last values`);
    if (imbalance(this.#counters.totals()).sequencing !== 0)
      faults.push('the sums of the counters do not hold');
    return faults;
  }
}
