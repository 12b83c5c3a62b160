/** A fan-out on loopback, fed by a tiny shard in the same thread that the test drives by hand. */
import { once } from 'node:events';
import WebSocket from 'ws';
import type {
  CatchUp,
  EpochInfo,
  PageAnswer,
  PageRequest,
  Place,
  RangeRequest,
  RangeResult,
  SymbolAnswer,
  SymbolRequest,
} from '../../src/fanout/deps.js';
import { type Authorise, createFanout, type FanoutOptions } from '../../src/fanout/index.js';
import { BroadcastWriter } from '../../src/pipeline/broadcast.js';
import { CommitCells } from '../../src/pipeline/cells.js';
import { SHARD_WORDS, ShardWord } from '../../src/pipeline/counters.js';
import { type EngineMemory, FANOUT_BELL, HOST_STAGE, type MemoryPlan } from '../../src/pipeline/memory.js';
import { Registry } from '../../src/pipeline/registry.js';
import { EntryF64, EntryU32, LastValueTable, Slot, TableEntry } from '../../src/pipeline/table.js';
import { Bell } from '../../src/pipeline/wait.js';
import {
  copyRecord,
  isCritical,
  KIND_NAMES,
  Kind,
  kindOf,
  NO_SIZE,
  NO_TRADE_ID,
  Records,
  U32_SYMBOL,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
  writeHeader,
  writeQuote,
  writeStatus,
  writeTimes,
  writeTrade,
} from '../../src/tick.js';
import { packControl, unpackMessage } from '../../src/wire/msgpack.js';
import { PackedReader } from '../../src/wire/packed.js';
import { type Encoding, subprotocolOf } from '../../src/wire/ticks.js';
import { smallMemory } from './memory.js';

export const LOG_ID = '0123456789abcdef';
/** When the test shard's clock begins, in UNIX seconds; each tick is a millisecond later. */
export const START_S = 1_790_000_000;

/** Writes ticks as a shard does: slots, then the commit, then the table; each step can be taken alone. */
export class TestShard {
  readonly registry: Registry;
  readonly table: LastValueTable;
  /** Every tick ever committed, by seq - 1: what a log would hold. */
  readonly history = Records.allocate(1 << 18);
  readonly #ring: BroadcastWriter;
  readonly #critical: BroadcastWriter;
  readonly #cells: CommitCells;
  readonly #bell: Bell;
  readonly #symbolSeq = new Map<number, number>();
  readonly #one = Records.allocate(1);
  head = 0;
  applied = 0;
  #criticalHead = 0;

  constructor(
    readonly memory: EngineMemory,
    readonly index = 0,
  ) {
    const { plan } = memory;
    this.registry = new Registry(memory.registry, plan.maxSymbols, HOST_STAGE);
    this.table = new LastValueTable(memory.table, plan.maxSymbols);
    this.#ring = new BroadcastWriter(memory.broadcast[index], plan.ringSlots);
    this.#critical = new BroadcastWriter(memory.critical[index], plan.criticalSlots);
    this.#cells = new CommitCells(memory.shardCells[index], SHARD_WORDS);
    this.#bell = new Bell(memory.bells, FANOUT_BELL);
  }

  define(name: string, digits = 5, ttlMs?: number): number {
    return this.registry.defineSymbol({ name, digits, ...(ttlMs === undefined ? {} : { ttlMs }) });
  }

  quote(id: number, bid: number, ask: number, bidSize = NO_SIZE, askSize = NO_SIZE): void {
    this.#begin(id, Kind.quote);
    writeQuote(this.#one, 0, bid, ask, bidSize, askSize);
    this.#append();
  }

  trade(id: number, price: number, tradeId = NO_TRADE_ID): void {
    this.#begin(id, Kind.trade);
    writeTrade(this.#one, 0, price, 1, tradeId);
    this.#append();
  }

  status(id: number, code: number, arg0 = 0): void {
    this.#begin(id, Kind.status);
    writeStatus(this.#one, 0, code, arg0, 0, 0, 0);
    this.#append();
  }

  #begin(id: number, kind: number): void {
    const symbolSeq = (this.#symbolSeq.get(id) ?? 0) + 1;
    this.#symbolSeq.set(id, symbolSeq);
    this.head++;
    writeHeader(this.#one, 0, id, kind, 0, this.head >>> 0, symbolSeq);
    const ms = this.head % 1000;
    const s = START_S + Math.floor(this.head / 1000);
    writeTimes(this.#one, 0, s, ms * 1e6, s, ms * 1e6 + 12_345);
  }

  #append(): void {
    this.#ring.intend(this.head);
    copyRecord(this.#one, 0, this.#ring.records, this.#ring.slot(this.head));
    copyRecord(this.#one, 0, this.history, this.head - 1);
    if (!isCritical(kindOf(this.#one, 0))) return;
    this.#critical.intend(++this.#criticalHead);
    copyRecord(this.#one, 0, this.#critical.records, this.#critical.slot(this.#criticalHead));
  }

  /** Publishes what was written, and brings the table up to it. */
  commit(): void {
    this.commitHead();
    this.project(this.head);
    this.setApplied();
    this.#bell.ring();
  }

  commitHead(): void {
    const next = this.#cells.prime();
    next[ShardWord.head] = this.head;
    next[ShardWord.criticalHead] = this.#criticalHead;
    this.#cells.commit();
  }

  /** Writes the entries up to `seq` without saying so. */
  project(seq: number): void {
    const entry = new TableEntry();
    while (this.applied < seq) {
      const i = this.applied++;
      const id = this.history.u32[i * 16 + U32_SYMBOL];
      if (id === 0) continue;
      this.table.read(id, entry);
      const kind = kindOf(this.history, i);
      entry.f64[EntryF64.seq] = i + 1;
      entry.u32[EntryU32.symbolSeq] = this.history.u32[i * 16 + 3];
      entry.u32[EntryU32.seen] = 1;
      const slot = kind === Kind.quote ? Slot.quote : kind === Kind.trade ? Slot.trade : Slot.status;
      entry.setRecord(slot, this.history, i);
      entry.f64[EntryF64.quoteSeq + slot] = i + 1;
      this.table.write(id, entry);
    }
  }

  setApplied(): void {
    this.table.setApplied(this.index, this.applied);
  }

  ring(): void {
    this.#bell.ring();
  }
}

function chain(first: () => void, then: () => void): () => void {
  return () => {
    first();
    then();
  };
}

/** A log over the history that a test shard keeps; answers come a turn of the event loop later. */
export class TestLog implements CatchUp {
  reads = 0;
  running = 0;
  runningMost = 0;
  readonly searches: SymbolRequest[] = [];
  /** Every reading fails. */
  broken = false;
  /** Readings wait until `goOn`. */
  stopped = false;
  goOn: () => void = () => {};
  /** Seqs below it are gone. */
  oldest = 1;
  durableSeq: number | undefined;
  /** Epochs that are over, with their ticks. */
  readonly past: { info: EpochInfo; records: Records }[] = [];

  constructor(
    readonly shard: TestShard,
    readonly epoch = 1,
  ) {}

  visible(): number {
    return this.shard.head;
  }

  durable(): number {
    return this.durableSeq ?? this.shard.head;
  }

  epochs(): EpochInfo[] {
    const present = { epoch: this.epoch, shards: 1, firstSeq: [this.oldest], lastSeq: [this.shard.head] };
    return [...this.past.map((p) => p.info), present];
  }

  async seekTime(seconds: number, nanos: number): Promise<Place> {
    const before = (records: Records, i: number) =>
      records.u32[i * 16 + U32_TS_RECV_S] < seconds ||
      (records.u32[i * 16 + U32_TS_RECV_S] === seconds && records.u32[i * 16 + U32_TS_RECV_NS] < nanos);
    for (const { info, records } of this.past) {
      for (let seq = 1; seq <= info.lastSeq[0]; seq++) {
        if (!before(records, seq - 1)) return { epoch: info.epoch, seqs: [seq - 1] };
      }
    }
    let seq = this.oldest;
    while (seq <= this.shard.head && before(this.shard.history, seq - 1)) seq++;
    return { epoch: this.epoch, seqs: [seq - 1] };
  }

  async readPage(request: PageRequest): Promise<PageAnswer> {
    const records = new Records(request.records);
    const seqs = new Float64Array(request.seqs);
    const toSeq = Math.min(request.toSeq, this.#end(request.epoch));
    const maxTicks = Math.max(1, toSeq - request.fromSeq + 1);
    const range = { ...request, toSeq, watch: null, kindsMask: 0xff, maxTicks };
    const { buffer, seqs: found, count, nextSeq, gaps } = await this.readRange(range);
    for (let i = 0; i < count; i++) copyRecord(new Records(buffer), i, records, request.at + i);
    seqs.set(found.subarray(0, count), request.at);
    return { count, nextSeq, gaps };
  }

  #end(epoch: number): number {
    if (epoch === this.epoch) return this.shard.head;
    return this.past.find((p) => p.info.epoch === epoch)!.info.lastSeq[0];
  }

  async findSymbol(request: SymbolRequest): Promise<SymbolAnswer> {
    this.searches.push(request);
    const { fromSeq, toSeq, symbolId, fromSymbolSeq, toSymbolSeq } = request;
    const end = Math.min(toSeq, this.#end(request.epoch));
    const watch = new Uint8Array(symbolId + 1);
    watch[symbolId] = 1;
    const range = { ...request, fromSeq, toSeq: end, watch, kindsMask: 0xff, maxTicks: 1 << 16 };
    const { buffer, seqs, count } = await this.readRange(range);
    const from = new Records(buffer);
    const out = Records.allocate(count);
    const found: number[] = [];
    for (let i = 0; i < count; i++) {
      const symbolSeq = from.u32[i * 16 + 3];
      if (symbolSeq < fromSymbolSeq || symbolSeq > toSymbolSeq) continue;
      copyRecord(from, i, out, found.length);
      found.push(seqs[i]);
    }
    return { buffer: out.u8.buffer as ArrayBuffer, seqs: Float64Array.from(found) };
  }

  async readRange(request: RangeRequest): Promise<RangeResult> {
    this.reads++;
    this.runningMost = Math.max(this.runningMost, ++this.running);
    await new Promise((resolve) => setImmediate(resolve));
    while (this.stopped) await new Promise<void>((resolve) => (this.goOn = chain(this.goOn, resolve)));
    this.running--;
    if (this.broken) throw new Error('broken for the test');
    const records =
      request.epoch === this.epoch
        ? this.shard.history
        : this.past.find((p) => p.info.epoch === request.epoch)!.records;
    const oldest = request.epoch === this.epoch ? this.oldest : 1;
    const out = Records.allocate(request.maxTicks);
    const seqs = new Float64Array(request.maxTicks);
    const gaps = request.fromSeq < oldest ? [{ first: request.fromSeq, last: oldest - 1 }] : [];
    let count = 0;
    let seq = Math.max(oldest, request.fromSeq);
    for (; seq <= request.toSeq && count < request.maxTicks; seq++) {
      const symbol = records.u32[(seq - 1) * 16];
      if (request.watch !== null && request.watch[symbol] !== 1) continue;
      if (((request.kindsMask >> kindOf(records, seq - 1)) & 1) === 0) continue;
      copyRecord(records, seq - 1, out, count);
      seqs[count++] = seq;
    }
    return { buffer: out.u8.buffer as ArrayBuffer, seqs, count, nextSeq: seq, gaps };
  }
}

export interface ConnectOptions {
  headers?: Record<string, string>;
  /** With its question mark. */
  query?: string;
}

export interface Served {
  port: number;
  memory: EngineMemory;
  shard: TestShard;
  log: TestLog | undefined;
  fanout: ReturnType<typeof createFanout>;
  errors: string[];
  /** Connects and waits for `hello`. */
  connect(encoding?: Encoding, more?: ConnectOptions): Promise<Client>;
  close(): Promise<void>;
}

export async function serve(
  options: FanoutOptions & {
    plan?: Partial<MemoryPlan>;
    log?: boolean;
    epoch?: number;
    authorise?: Authorise;
  } = {},
): Promise<Served> {
  const { plan, log: withLog, epoch = 1, authorise, ...settings } = options;
  const memory = smallMemory(plan);
  const shard = new TestShard(memory);
  const log = withLog === true ? new TestLog(shard, epoch) : undefined;
  const errors: string[] = [];
  const fanout = createFanout(
    {
      memory,
      registry: new Registry(memory.registry, memory.plan.maxSymbols, HOST_STAGE),
      identity: { logId: LOG_ID, epoch },
      catchUp: log,
      logger: { info: () => {}, warn: () => {}, error: (_details, message) => errors.push(message) },
      feeds: () => [{ name: 'test', state: 'live', detail: 'is live', ageMs: 7 }],
      readiness: () => ({ ready: false, reasons: ['for the test'] }),
      authorise,
    },
    { port: 0, ...settings },
  );
  const { port } = await fanout.listen();
  const clients: Client[] = [];
  return {
    port,
    memory,
    shard,
    log,
    fanout,
    errors,
    connect: async (encoding = 'packed', more = {}) => {
      const client = await Client.open(port, encoding, more);
      client.flushes = () => fanout.stats().flushes;
      clients.push(client);
      return client;
    },
    close: async () => {
      for (const client of clients) client.socket.terminate();
      await fanout.close();
    },
  };
}

export interface GotTick {
  sub: number;
  epoch: number;
  snapshot: boolean;
  kind: string;
  symbolId: number;
  seq: number;
  symbolSeq: number;
  /** Bid or price. */
  value: number;
  ask: number;
  first: number;
  last: number;
}

// biome-ignore lint/suspicious/noExplicitAny: messages of any shape are what the tests look at
type Message = any;

export class Client {
  readonly controls: Message[] = [];
  readonly ticks: GotTick[] = [];
  readonly frames: Uint8Array[] = [];
  cursor = '';
  /** How often the server has flushed, where that is known. */
  flushes: () => number = () => this.#flushes++;
  #flushes = 0;
  /** Called for every tick, once it is in `ticks`. */
  onTick: (tick: GotTick) => void = () => {};
  bytes = 0;
  closeCode: number | undefined;
  closeReason = '';
  readonly #reader = new PackedReader();
  readonly #ids = new Map<string, number>();
  #waiting: (() => void)[] = [];
  #nextId = 1;

  private constructor(
    readonly socket: WebSocket,
    readonly encoding: Encoding,
  ) {
    socket.on('message', (data: Buffer, isBinary) => this.#take(data, isBinary));
    socket.on('close', (code, reason) => {
      this.closeCode = code;
      this.closeReason = reason.toString();
      this.#wake();
    });
    socket.on('error', () => {});
  }

  static async open(port: number, encoding: Encoding, more: ConnectOptions = {}): Promise<Client> {
    const { headers = {}, query = '' } = more;
    const url = `ws://127.0.0.1:${port}/v1/stream${query}`;
    const socket = new WebSocket(url, subprotocolOf(encoding), { headers });
    const client = new Client(socket, encoding);
    await client.until(() => client.controls.length > 0 || client.closeCode !== undefined);
    return client;
  }

  #take(data: Buffer, isBinary: boolean): void {
    this.bytes += data.length;
    if (this.encoding === 'packed' && PackedReader.isFrame(data)) this.#packed(data);
    else this.#message(isBinary ? unpackMessage(data) : JSON.parse(data.toString('utf8')));
    this.#wake();
  }

  #packed(data: Buffer): void {
    const reader = this.#reader;
    reader.reset(data);
    while (reader.nextBatch()) {
      while (reader.nextRecord()) {
        const k = reader.tick;
        const value = k.kind === Kind.quote ? k.bid : k.price;
        const { symbolId, seq, symbolSeq, ask, first, last } = k;
        const kind = KIND_NAMES[k.kind];
        const { sub, epoch, snapshot } = reader;
        this.#got({ sub, epoch, snapshot, kind, symbolId, seq, symbolSeq, value, ask, first, last });
      }
      this.cursor = reader.cursorText();
    }
  }

  #got(tick: GotTick): void {
    this.ticks.push(tick);
    this.onTick(tick);
  }

  #message(message: Message): void {
    if (message.op !== 'ticks') {
      this.controls.push(message);
      for (const { symbol, symbolId, digits } of message.symbols ?? []) {
        this.#ids.set(symbol, symbolId);
        this.#reader.digits[symbolId] = digits;
      }
      return;
    }
    const { sub, epoch } = message;
    const snapshot = message.snapshot === true;
    for (const t of message.ticks) {
      const tick = Array.isArray(t)
        ? { kind: KIND_NAMES[t[0]], symbolId: t[1], seq: t[2], symbolSeq: t[3], value: t[7], ask: t[8] }
        : { ...t, symbolId: this.#ids.get(t.symbol) ?? 0, value: t.bid ?? t.price };
      const { kind, symbolId, seq, symbolSeq, value, ask } = tick;
      const [first, last] = Array.isArray(t) ? [t[8], t[9]] : [t.first, t.last];
      this.#got({ sub, epoch, snapshot, kind, symbolId, seq, symbolSeq, value, ask, first, last });
    }
    this.cursor = message.cursor;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const look of waiting) look();
  }

  /** Resolves once the condition holds; it is looked at after every message. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  send(message: object): void {
    this.socket.send(this.encoding === 'json' ? JSON.stringify(message) : packControl(message));
  }

  /** Sends a request and waits for its answer. */
  async request(message: object): Promise<Message> {
    const id = this.#nextId++;
    this.send({ ...message, id });
    let answer: Message;
    await this.until(() => {
      answer = this.controls.find((m) => m.id === id);
      return answer !== undefined || this.closeCode !== undefined;
    });
    return answer;
  }

  /** Subscribes, and waits for the flush that the subscription begins with: what a test writes then comes after it. */
  async subscribe(symbols: string[], more: object = {}): Promise<Message> {
    const before = this.flushes();
    const answer = await this.request({ op: 'subscribe', symbols, ...more });
    while (answer?.op === 'subscribed' && this.flushes() === before)
      await new Promise((resolve) => setImmediate(resolve));
    return answer;
  }

  control(op: string): Message {
    return this.controls.find((m) => m.op === op);
  }

  async closed(): Promise<number> {
    if (this.closeCode === undefined) await once(this.socket, 'close');
    return this.closeCode!;
  }
}
