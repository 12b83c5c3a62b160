/** What a lossless subscriber was given, tick by tick, and whether the log of a data folder holds exactly that. */
import { ENGINE_NAME, type Subscription } from '../../../src/client/index.js';
import {
  F64_BID,
  F64_PRICE,
  KIND_NAMES,
  type KindName,
  kindOf,
  RECORD_F64,
  RECORD_U32,
  Records,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
} from '../../../src/core/tick.js';
import { LogReader } from '../../../src/log/read/log-reader.js';
import { nameOf, readLogRegistry } from '../../../src/replay/symbols.js';
import { cursorFromText } from '../../../src/wire/cursor.js';

const READ_TICKS = 8192;

/** Numbers for names, the same for all ledgers of a process. */
const numbers = new Map<string, number>();

function numberOf(name: string): number {
  let number = numbers.get(name);
  if (number === undefined) {
    number = numbers.size;
    numbers.set(name, number);
  }
  return number;
}

const ENGINE = numberOf(ENGINE_NAME);

/** Ticks in the order of their arrival, 22 bytes each. */
class Ticks {
  count = 0;
  epoch: Uint16Array;
  shard: Uint16Array;
  symbol: Uint16Array;
  seq: Uint32Array;
  symbolSeq: Uint32Array;
  price: Float64Array;

  constructor(capacity: number) {
    this.epoch = new Uint16Array(capacity);
    this.shard = new Uint16Array(capacity);
    this.symbol = new Uint16Array(capacity);
    this.seq = new Uint32Array(capacity);
    this.symbolSeq = new Uint32Array(capacity);
    this.price = new Float64Array(capacity);
  }

  add(epoch: number, shard: number, symbol: number, seq: number, symbolSeq: number, price: number): void {
    if (this.count === this.seq.length) this.#grow();
    const i = this.count++;
    this.epoch[i] = epoch;
    this.shard[i] = shard;
    this.symbol[i] = symbol;
    this.seq[i] = seq;
    this.symbolSeq[i] = symbolSeq;
    this.price[i] = price;
  }

  /** Keeps those that `keep` says of, by their index. */
  filter(keep: (i: number) => boolean): void {
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      if (!keep(i)) continue;
      for (const column of this.#columns) column[kept] = column[i];
      kept++;
    }
    this.count = kept;
  }

  tell(i: number): string {
    return `epoch ${this.epoch[i]}, shard ${this.shard[i]}, seq ${this.seq[i]}: ${[...numbers.keys()][this.symbol[i]]} ${this.symbolSeq[i]} at ${this.price[i]}`;
  }

  get #columns() {
    return [this.epoch, this.shard, this.symbol, this.seq, this.symbolSeq, this.price];
  }

  #grow(): void {
    const wider = new Ticks(this.seq.length * 2);
    const to = wider.#columns;
    this.#columns.forEach((column, c) => void to[c].set(column));
    const { epoch, shard, symbol, seq, symbolSeq, price } = wider;
    Object.assign(this, { epoch, shard, symbol, seq, symbolSeq, price });
  }
}

/** What the ledger reads of a tick. */
interface Tick {
  readonly epoch: number;
  readonly shard: number;
  readonly symbol: string;
  readonly seq: number;
  readonly symbolSeq: number;
  readonly kind: KindName;
  readonly bid: number;
  readonly price: number;
}

/** One subscriber's ticks: `add` every one that comes. What the server withdraws is taken out again. */
export class Ledger {
  readonly ticks = new Ticks(1024);
  withdrawn = 0;
  /** What `rewound` said, in order. */
  readonly rewinds: { epoch: number; lastSeq: number[] }[] = [];
  /** Where it begins; known once the server has answered for the first time. */
  start: { epoch: number; seqs: number[] } | undefined;

  /** Follows what a new subscription is told. */
  follow(subscription: Subscription): void {
    subscription.once('subscribed', () => {
      const { epoch, seqs } = cursorFromText(subscription.cursor!)!;
      this.start = { epoch, seqs: Array.from(seqs) };
    });
    subscription.on('rewound', ({ epoch, lastSeq }) => {
      this.rewinds.push({ epoch, lastSeq });
      const { ticks } = this;
      const before = ticks.count;
      ticks.filter((i) => ticks.epoch[i] !== epoch || ticks.seq[i] <= lastSeq[ticks.shard[i]]);
      this.withdrawn += before - ticks.count;
    });
  }

  add({ epoch, shard, symbol, seq, symbolSeq, kind, bid, price }: Tick): void {
    const value = kind === 'quote' ? bid : kind === 'trade' ? price : 0;
    this.ticks.add(epoch, shard, numberOf(symbol), seq, symbolSeq, value);
  }

  /** By shard: the last seq of the epoch that has come; 0 where none has. */
  lastSeqs(epoch: number, shards: number): number[] {
    const { ticks } = this;
    const last = new Array<number>(shards).fill(0);
    for (let i = ticks.count - 1; i >= 0 && ticks.epoch[i] === epoch && last.includes(0); i--) {
      last[ticks.shard[i]] ||= ticks.seq[i];
    }
    return last;
  }
}

/** The ticks of one shard in one epoch. */
interface ShardRange {
  epoch: number;
  shard: number;
  /** Last seq; the first is 1. */
  last: number;
  ticks: Ticks;
}

/** All that the log of a data folder holds. Nothing may be missing in it. */
export class WholeLog {
  private constructor(readonly shardRanges: readonly ShardRange[]) {}

  /** @throws Error if the log has a gap */
  static async read(dataFolder: string): Promise<WholeLog> {
    const registry = await readLogRegistry(dataFolder);
    const numberOfId = Array.from({ length: registry.symbolCount }, (_, id) =>
      numberOf(nameOf(registry, id)),
    );
    const reader = LogReader.open(dataFolder);
    const shardRanges: ShardRange[] = [];
    for (const { epoch, shards } of reader.epochs()) {
      for (let shard = 0; shard < shards; shard++)
        shardRanges.push(readShardRange(reader, epoch, shard, numberOfId));
    }
    await reader.close();
    return new WholeLog(shardRanges);
  }

  get length(): number {
    return this.shardRanges.reduce((sum, { last }) => sum + last, 0);
  }

  /** By shard, the last seq of an epoch. */
  ends(epoch: number): number[] {
    return this.shardRanges.filter((range) => range.epoch === epoch).map(({ last }) => last);
  }

  /**
   * Returns '' if the ledger holds every tick of the symbols from its start on, once and in order, and nothing
   * else; otherwise what is wrong first.
   * @param symbols besides the engine's own; absent: all
   * @param heads by shard: the seqs of the last epoch beyond which it may end early; absent: nowhere
   */
  differs(
    { ticks, start, rewinds }: Ledger,
    { symbols, heads }: { symbols?: readonly string[]; heads?: readonly number[] } = {},
  ): string {
    if (start === undefined) return 'it never began';
    for (const { epoch, lastSeq } of rewinds) {
      const ends = this.ends(epoch);
      if (lastSeq.join() !== ends.join()) return `epoch ${epoch} rewound to ${lastSeq}, it ends at ${ends}`;
    }
    const wanted = symbols && new Set([ENGINE, ...symbols.map(numberOf)]);
    const places = this.shardRanges
      .filter(({ epoch }) => epoch >= start.epoch)
      .map((range) => ({
        ...range,
        at: range.epoch === start.epoch ? start.seqs[range.shard] : 0,
      }));
    const next = (place: (typeof places)[number]): number => {
      while (place.at < place.last && wanted?.has(place.ticks.symbol[place.at]) === false) place.at++;
      return place.at;
    };
    let epoch = 0;
    for (let i = 0; i < ticks.count; i++) {
      if (ticks.epoch[i] < epoch) return `an epoch came again: ${ticks.tell(i)}`;
      epoch = ticks.epoch[i];
      const place = places.find((p) => p.epoch === epoch && p.shard === ticks.shard[i]);
      if (place === undefined) return `not in the log: ${ticks.tell(i)}`;
      const at = next(place);
      if (at === place.last) return `beyond the log's end: ${ticks.tell(i)}`;
      const isSame =
        ticks.seq[i] === at + 1 &&
        ticks.symbol[i] === place.ticks.symbol[at] &&
        ticks.symbolSeq[i] === place.ticks.symbolSeq[at] &&
        ticks.price[i] === place.ticks.price[at];
      if (!isSame) return `expected ${place.ticks.tell(at)}; got ${ticks.tell(i)}`;
      place.at++;
    }
    const last = this.shardRanges.at(-1)!.epoch;
    const open = places.find((place) => {
      const end = place.epoch === last ? heads?.[place.shard] : undefined;
      return next(place) < (end ?? place.last);
    });
    return open === undefined ? '' : `it ends before ${open.ticks.tell(open.at)}`;
  }
}

function readShardRange(reader: LogReader, epoch: number, shard: number, numberOfId: number[]): ShardRange {
  const ticks = new Ticks(READ_TICKS);
  const records = Records.allocate(READ_TICKS);
  const seqs = new Float64Array(READ_TICKS);
  for (let fromSeq = 1; ; ) {
    const read = reader.read({ epoch, shard, fromSeq, maxTicks: READ_TICKS }, records, seqs);
    if (read.gaps.length > 0) throw new Error(`the log has gaps: ${JSON.stringify(read.gaps)}`);
    if (read.count === 0) break;
    for (let i = 0; i < read.count; i++) {
      const w = i * RECORD_U32;
      const kind = KIND_NAMES[kindOf(records, i)];
      const f = i * RECORD_F64;
      const price =
        kind === 'quote' ? records.f64[f + F64_BID] : kind === 'trade' ? records.f64[f + F64_PRICE] : 0;
      const symbol = numberOfId[records.u32[w + U32_SYMBOL]];
      ticks.add(epoch, shard, symbol, seqs[i], records.u32[w + U32_SYMBOL_SEQ], price);
      if (seqs[i] !== ticks.count) throw new Error(`the log has ${seqs[i]} in the place of ${ticks.count}`);
    }
    fromSeq = read.nextSeq;
  }
  return { epoch, shard, last: ticks.count, ticks };
}
