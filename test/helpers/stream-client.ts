/** A client of `/v1/stream` that keeps whatever it gets, for tests to look at. */
import { once } from 'node:events';
import WebSocket from 'ws';
import { KIND_NAMES, Kind } from '../../src/core/tick.js';
import { packControl, unpackMessage } from '../../src/wire/msgpack.js';
import { PackedReader } from '../../src/wire/packed.js';
import { type Encoding, subprotocolOf } from '../../src/wire/ticks.js';

export interface ConnectOptions {
  headers?: Record<string, string>;
  /** With its question mark. */
  query?: string;
}

export interface GotTick {
  sub: number;
  epoch: number;
  shard: number;
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
  /** Called after the ticks of each batch. */
  onBatch: (sub: number, cursor: string) => void = () => {};
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
        const { sub, epoch, shard, snapshot } = reader;
        this.#got({ sub, epoch, shard, snapshot, kind, symbolId, seq, symbolSeq, value, ask, first, last });
      }
      this.cursor = reader.cursorText();
      this.onBatch(reader.sub, this.cursor);
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
    const { sub, epoch, shard } = message;
    const snapshot = message.snapshot === true;
    for (const t of message.ticks) {
      const tick = Array.isArray(t)
        ? { kind: KIND_NAMES[t[0]], symbolId: t[1], seq: t[2], symbolSeq: t[3], value: t[7], ask: t[8] }
        : { ...t, symbolId: this.#ids.get(t.symbol) ?? 0, value: t.bid ?? t.price };
      const { kind, symbolId, seq, symbolSeq, value, ask } = tick;
      const [first, last] = Array.isArray(t) ? [t[8], t[9]] : [t.first, t.last];
      this.#got({ sub, epoch, shard, snapshot, kind, symbolId, seq, symbolSeq, value, ask, first, last });
    }
    this.cursor = message.cursor;
    this.onBatch(sub, this.cursor);
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
