/** Lookups by the index agree with looking at every tick, whatever became of pages and blocks. */
import t, { type Test } from 'tap';
import { INDEX_BLOCKS } from '../../../src/core/limits.js';
import { Kind, NO_TIME_S, Records, writeHeader, writeQuote, writeTimes } from '../../../src/core/tick.js';
import { blockBytesMax, writeBlock, writeShed } from '../../../src/log/format/block.js';
import { BlockCodec } from '../../../src/log/format/block-codec.js';
import { BlockSummaryReader } from '../../../src/log/format/block-summary-reader.js';
import { blockKey, isPageKey } from '../../../src/log/format/keys.js';
import { ShardIndexWriter } from '../../../src/log/index/shard-index-writer.js';
import { commitPuts, type Put } from '../../../src/log/lmdb/transaction.js';
import { LogReader, type TimeOf } from '../../../src/log/read/log-reader.js';
import { findSymbolTicks } from '../../../src/log/read/symbol-search.js';
import { openStore } from '../../../src/log/storage/log-store.js';
import { openSegment, type Segment } from '../../../src/log/storage/segments.js';
import { openLog } from '../../../src/log/write/open-log.js';
import { makeFolder, removeFolder, seeded } from '../support.js';

const SHARDS = 2;
const SYMBOLS = 40;
const WRAP = 2 ** 32;
const codec = new BlockCodec();

interface Logged {
  seq: number;
  symbol: number;
  symbolSeq: number;
  recv: number;
  event: number;
  /** First seq of its block. */
  block: number;
}

/** What a shard of an epoch was given: its ticks, those that cannot be read, and the seqs that are not there. */
class Shard {
  readonly ticks: Logged[] = [];
  /** First seqs of blocks that were damaged. */
  readonly damaged = new Set<number>();
  newest = 0;

  constructor(
    readonly epoch: number,
    readonly shard: number,
  ) {}

  get readable(): Logged[] {
    return this.ticks.filter((tick) => !this.damaged.has(tick.block));
  }
}

/** Seconds from a number of tenths. */
function at(tenths: number): [number, number] {
  return [Math.floor(tenths / 10), (tenths % 10) * 1e8];
}

/** Writes blocks of few ticks, and pages of them, straight into a segment. */
async function fill(segment: Segment, shard: Shard, blocks: number, next: () => number): Promise<void> {
  const writer = new ShardIndexWriter(shard.epoch, shard.shard, new BlockSummaryReader(codec));
  const symbolSeqs = new Uint32Array(SYMBOLS + 1).fill(WRAP - 50);
  const digits = new Uint8Array(SYMBOLS + 1).fill(2);
  const records = Records.allocate(16);
  const puts: Put[] = [];
  const put = (key: Buffer, value: Uint8Array) => puts.push({ key, value, isNew: false });
  let time = 17_000_000_000;
  for (let n = 0; n < blocks; n++) {
    let first = shard.newest + 1;
    if (next() % 97 === 0) first += next() % 20;
    if (next() % 61 === 0) {
      shard.newest = first + (next() % 30);
      const value = writeShed(shard.epoch, shard.shard, first, shard.newest);
      puts.push({ key: blockKey(shard.epoch, shard.shard, first), value, isNew: true });
      writer.add(value, first, put);
      continue;
    }
    const count = 1 + (next() % 6);
    for (let i = 0; i < count; i++) {
      // The higher its id, the rarer a symbol is.
      const symbol = 1 + Math.floor(SYMBOLS * ((next() % 1000) / 1000) ** 4);
      symbolSeqs[symbol] += 1 + (next() % 7 === 0 ? next() % 3 : 0);
      time += next() % 50 === 0 ? -(next() % 3000) : next() % 4;
      const event = next() % 5 === 0 ? NO_TIME_S : time - (next() % 100);
      writeHeader(records, i, symbol, Kind.quote, 1, 0, symbolSeqs[symbol]);
      const [es, ens] = event === NO_TIME_S ? [NO_TIME_S, 0] : at(event);
      writeTimes(records, i, es, ens, ...at(time));
      writeQuote(records, i, 1, 2, 3, 4);
      const symbolSeq = symbolSeqs[symbol];
      shard.ticks.push({
        seq: first + i,
        symbol,
        symbolSeq,
        recv: time,
        event: event === NO_TIME_S ? -1 : event,
        block: first,
      });
    }
    const out = new Uint8Array(blockBytesMax(codec, count));
    const value = writeBlock(codec, shard.epoch, shard.shard, first, records, count, digits, [], out, 0);
    puts.push({ key: blockKey(shard.epoch, shard.shard, first), value, isNew: true });
    writer.add(value, first, put);
    shard.newest = first + count - 1;
  }
  if (next() % 2 === 0) writer.finish(put);
  await commitPuts(segment.blocks, puts);
}

/** Flips a bit in some blocks, and spoils or removes some pages. */
async function damage(segment: Segment, shards: Shard[], next: () => number): Promise<void> {
  const puts: Put[] = [];
  for (const { key, value } of Array.from(segment.blocks.getRange({ start: Buffer.of(0) }))) {
    if (!isPageKey(key) || next() % 3 !== 0) continue;
    const spoilt = Buffer.from(value);
    spoilt[next() % spoilt.length] ^= 1 << (next() % 8);
    puts.push({ key, value: next() % 2 === 0 ? undefined : spoilt, isNew: false });
  }
  for (const shard of shards) {
    const firsts = [...new Set(shard.ticks.map((tick) => tick.block))];
    for (const first of firsts) {
      if (next() % 80 !== 0) continue;
      const key = blockKey(shard.epoch, shard.shard, first);
      const spoilt = Buffer.from(segment.blocks.get(key)!);
      // Behind the header: a last seq that is wrong would only change which seqs the gap names.
      spoilt[64 + (next() % (spoilt.length - 64))] ^= 1 << (next() % 8);
      puts.push({ key, value: spoilt, isNew: false });
      shard.damaged.add(first);
    }
  }
  await commitPuts(segment.blocks, puts);
}

function read(reader: LogReader, { epoch, shard, newest }: Shard, ids: number[] | null, fromSeq = 1) {
  const into = Records.allocate(50);
  const seqs = new Float64Array(50);
  const filter = ids === null ? null : new Uint8Array(SYMBOLS + 1);
  for (const id of ids ?? []) filter![id] = 1;
  const got: number[] = [];
  const gaps: { first: number; last: number }[] = [];
  for (let from = fromSeq; from <= newest; ) {
    const result = reader.read({ epoch, shard, fromSeq: from, filter, maxTicks: 50 }, into, seqs);
    got.push(...seqs.subarray(0, result.count));
    gaps.push(...result.gaps);
    if (result.nextSeq === from) throw new Error(`no progress at ${from}`);
    from = result.nextSeq;
  }
  return { got, gaps };
}

function checkTimes(t: Test, reader: LogReader, shard: Shard, of: TimeOf, next: () => number): void {
  const { epoch, ticks, damaged, readable } = shard;
  for (let n = 0; n < 40; n++) {
    const time = n === 0 ? 0 : ticks[next() % ticks.length][of] + (next() % 5) - 2;
    const found = reader.seekTime(epoch, shard.shard, ...at(Math.max(0, time)), of);
    const expected = readable.find((tick) => tick[of] >= Math.max(0, time))?.seq ?? shard.newest + 1;
    if (found === expected) continue;
    const hasLater = ticks.some((tick) => tick.block === found && tick[of] >= time);
    t.ok(found < expected && damaged.has(found) && hasLater, `${of} ${time}: ${found}, not ${expected}`);
  }
}

function checkSymbols(t: Test, reader: LogReader, shard: Shard, next: () => number): void {
  const { epoch, ticks, readable } = shard;
  const into = Records.allocate(100);
  const seqs = new Float64Array(100);
  for (let n = 0; n < 40; n++) {
    const { symbol, symbolSeq } = ticks[next() % ticks.length];
    const from = (symbolSeq + (next() % 3) - 1) >>> 0;
    const to = (from + (next() % 60)) >>> 0;
    const search = { epoch, shard: shard.shard, symbolId: symbol, fromSymbolSeq: from, toSymbolSeq: to };
    const count = findSymbolTicks(reader, { ...search, fromSeq: 1, toSeq: shard.newest }, into, seqs);
    const wanted = readable.filter((tick) => {
      if (tick.symbol !== symbol) return false;
      return ((tick.symbolSeq - from) | 0) >= 0 && ((tick.symbolSeq - to) | 0) <= 0;
    });
    const expected = wanted.map((tick) => tick.seq).slice(0, 100);
    t.same([...seqs.subarray(0, count)], expected, `${symbol} from ${from} to ${to}`);
  }
}

function checkWatched(t: Test, reader: LogReader, shard: Shard, next: () => number): void {
  for (let n = 0; n < 12; n++) {
    const ids = Array.from({ length: 1 + (next() % 3) }, () => 1 + (next() % SYMBOLS));
    const fromSeq = 1 + (next() % shard.newest);
    const { got, gaps } = read(reader, shard, ids, fromSeq);
    const isWanted = (tick: Logged) => tick.seq >= fromSeq && ids.includes(tick.symbol);
    t.same(
      got,
      shard.readable.filter(isWanted).map((tick) => tick.seq),
      `symbols ${ids.join()} from ${fromSeq}`,
    );
    const lost = shard.ticks.filter((tick) => isWanted(tick) && shard.damaged.has(tick.block));
    const untold = lost.filter(({ seq }) => !gaps.some((gap) => gap.first <= seq && seq <= gap.last));
    t.same(untold, [], 'what is lost of them is told');
  }
}

/** How much a lookup reads of a log of thousands of blocks. */
function checkWork(t: Test, reader: LogReader, shard: Shard, next: () => number): void {
  const { epoch, ticks } = shard;
  const into = Records.allocate(1);
  const seqs = new Float64Array(1);
  const spent = (lookup: () => void): number => {
    const before = reader.blocksDecoded;
    lookup();
    return reader.blocksDecoded - before;
  };
  // The first lookups read the tail, of fewer blocks than a page.
  reader.seekTime(epoch, shard.shard, 4e9, 0);
  t.ok(reader.index.pages.blocksRead < INDEX_BLOCKS, `${reader.index.pages.blocksRead} blocks looked at`);
  const { blocksRead } = reader.index.pages;
  for (let n = 0; n < 20; n++) {
    const { recv, symbol, symbolSeq } = ticks[next() % ticks.length];
    t.ok(spent(() => reader.seekTime(epoch, shard.shard, ...at(recv))) <= 1, 'one block decoded for a time');
    const search = { epoch, shard: shard.shard, symbolId: symbol, fromSymbolSeq: symbolSeq };
    const range = { toSymbolSeq: symbolSeq, fromSeq: 1, toSeq: shard.newest };
    const decoded = spent(() => t.equal(findSymbolTicks(reader, { ...search, ...range }, into, seqs), 1));
    // Its block, and those with the symbol's next ticks: a reading ends at the tick that finds no room.
    t.ok(decoded <= 4, `${decoded} blocks decoded for a tick of a symbol`);
  }
  // Blocks behind missing seqs are looked into as well, to say what is missing.
  const isVisited = ({ symbol, seq, block }: Logged, i: number) =>
    symbol === SYMBOLS || (seq === block && i > 0 && ticks[i - 1].seq < seq - 1);
  const held = new Set(ticks.filter(isVisited).map((tick) => tick.block)).size;
  t.ok(spent(() => read(reader, shard, [SYMBOLS])) <= held, 'only blocks that hold the symbol are decoded');
  t.equal(reader.index.pages.blocksRead, blocksRead, 'no block was looked at again');
}

for (const seed of [1, 2, 3]) {
  t.test(`seed ${seed}`, async (t) => {
    const next = seeded(seed);
    const folder = makeFolder();
    t.teardown(() => removeFolder(folder));
    const all: Shard[] = [];
    for (let epoch = 1; epoch <= 2; epoch++) {
      const opened = await openLog(folder, { shards: SHARDS });
      const store = openStore(folder, { readOnly: true });
      const segment = openSegment(folder, store.segments()[0].folder, { readOnly: false });
      const shards = Array.from({ length: SHARDS }, (_, s) => new Shard(epoch, s));
      for (const shard of shards)
        await fill(segment, shard, shard.shard === 0 && epoch === 1 ? 9_000 : 700, next);
      if (seed > 1) await damage(segment, shards, next);
      all.push(...shards);
      await segment.blocks.close();
      await store.close();
      await opened.close();
    }
    const reader = LogReader.open(folder, 8);
    t.teardown(() => reader.close());
    if (seed === 1) checkWork(t, reader, all[0], next);
    for (const shard of all) {
      // The last block is dropped when the log is opened, should it be damaged.
      shard.newest = reader.bounds(shard.epoch, shard.shard).newest;
      const everything = read(reader, shard, null);
      t.same(
        everything.got,
        shard.readable.map((tick) => tick.seq),
        'all ticks',
      );
      checkTimes(t, reader, shard, 'recv', next);
      checkTimes(t, reader, shard, 'event', next);
      checkSymbols(t, reader, shard, next);
      checkWatched(t, reader, shard, next);
    }
  });
}
