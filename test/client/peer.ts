import type { WebSocket } from 'ws';
import { cursorFromText } from '../../src/wire/cursor.js';
import { JsonEncoder, jsonControl } from '../../src/wire/json.js';
import { MsgpackEncoder, packControl, unpackMessage } from '../../src/wire/msgpack.js';
import { FRAME_HEADER_BYTES } from '../../src/wire/packed.js';
import { PackedEncoder, writeFrameHeader } from '../../src/wire/packed-encoder.js';
import { EncodeBuffer, Payload, type TickEncoder } from '../../src/wire/payload.js';
import type {
  ClientMessage,
  History,
  HistoryRequest,
  JsonTick,
  PackTick,
  ServerMessage,
  SubscribeRequest,
  TicksMessage,
  WireError,
} from '../../src/wire/ticks.js';
import type { ServerOptions, StreamServer } from './support.js';

interface PeerSubscription {
  id: number;
  request: SubscribeRequest;
  at: number;
  paused: boolean;
}

/** The server's end of one connection, which misbehaves on request. */
export class Peer {
  readonly requests: ClientMessage[] = [];
  readonly #server: StreamServer;
  readonly #socket: WebSocket;
  readonly #encoder: TickEncoder;
  readonly #scratch = new EncodeBuffer(1 << 20);
  readonly #out = new EncodeBuffer(1 << 20);
  readonly #subs = new Map<number, PeerSubscription>();
  #beat: NodeJS.Timeout | undefined;
  /** The next requests of this kind are answered with these errors instead. */
  readonly refusals: { op: ClientMessage['op']; error: Omit<WireError, 'op' | 'id'> }[] = [];
  /** Requests of this kind get no answer. */
  ignores: ClientMessage['op'] | undefined;
  #authorised: boolean;
  #asked: (() => void)[] = [];
  closed = false;

  constructor(server: StreamServer, socket: WebSocket, options: ServerOptions) {
    this.#server = server;
    this.#socket = socket;
    this.#authorised = options.token === undefined;
    const names = {
      digits: server.digits,
      symbols: [{ name: '$engine' }, ...server.names.map((name) => ({ name }))],
    };
    this.#encoder =
      socket.protocol === 'ticks.packed.v1'
        ? new PackedEncoder(this.#scratch, names)
        : socket.protocol === 'ticks.msgpack.v1'
          ? new MsgpackEncoder(this.#scratch)
          : new JsonEncoder(this.#scratch, names);
    socket.on('close', () => {
      this.closed = true;
      clearInterval(this.#beat);
    });
    socket.on('error', () => {});
    socket.on('message', (data: Buffer) => this.#request(data));
    this.send(server.hello());
    if (options.beats !== false) {
      const beat = () =>
        this.send({ op: 'heartbeat', time: 0, feeds: [{ feed: 'test', state: 'live', ageMs: 1 }] });
      this.#beat = setInterval(beat, options.heartbeatMs ?? 1000);
    }
  }

  send(message: ServerMessage): void {
    this.#socket.send(this.#encoder.text ? jsonControl(message) : packControl(message));
  }

  raw(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  close(code: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  /** Ends a subscription as a log that fails does. */
  giveUp(error: Omit<WireError, 'op' | 'id'>): void {
    this.#subs.delete(error.sub!);
    this.send({ op: 'error', id: null, ...error });
  }

  drop(): void {
    this.#socket.terminate();
  }

  /** Sends nothing more, and keeps the connection open. */
  silence(): void {
    clearInterval(this.#beat);
    this.#subs.clear();
  }

  /** Resolves with the `nth` request of this kind, at once if it has come already. */
  async asked<Op extends ClientMessage['op']>(op: Op, nth = 1): Promise<Extract<ClientMessage, { op: Op }>> {
    for (;;) {
      const found = this.requests.filter((request) => request.op === op);
      if (found.length >= nth) return found[nth - 1] as Extract<ClientMessage, { op: Op }>;
      await new Promise<void>((resolve) => this.#asked.push(resolve));
    }
  }

  flush(): void {
    for (const subscription of this.#subs.values()) {
      if (subscription.paused) continue;
      if (subscription.at < this.#server.head)
        this.#batch(subscription, subscription.at, this.#server.head, false);
      subscription.at = this.#server.head;
    }
  }

  #request(data: Buffer): void {
    const message = (this.#encoder.text ? JSON.parse(String(data)) : unpackMessage(data)) as ClientMessage;
    this.requests.push(message);
    for (const wake of this.#asked.splice(0)) wake();
    const { id, op } = message;
    if (op === this.ignores) return;
    if (!this.#authorised && op !== 'auth') {
      this.send({ op: 'error', id, code: 'unauthorised', message: 'auth first', temporary: false });
      return;
    }
    const refusal = this.refusals.findIndex((each) => each.op === op);
    if (refusal >= 0) {
      const [{ error }] = this.refusals.splice(refusal, 1);
      this.send({ op: 'error', id, ...error });
      return;
    }
    if (message.op === 'subscribe') this.#subscribe(message);
    else if (message.op === 'history') this.send(this.#history(message));
    else if (message.op === 'auth') {
      this.#authorised = message.token === this.#server.options.token;
      if (this.#authorised) this.send({ op: 'authorised', id, name: 'tester' });
      else this.close(4501, 'no such token');
    } else if (message.op === 'ping') this.send({ op: 'pong', id, time: 0 });
    else this.#steer(message, this.#subs.get(message.sub));
  }

  #steer(message: Extract<ClientMessage, { sub: number }>, subscription: PeerSubscription | undefined): void {
    const { id, op, sub } = message;
    if (subscription === undefined) {
      this.send({ op: 'error', id, code: 'unknown_subscription', message: `no ${sub}`, temporary: false });
      return;
    }
    const cursorAt = () => this.#server.cursorAt(subscription.at);
    if (op === 'unsubscribe') {
      this.#subs.delete(sub);
      this.send({ op: 'unsubscribed', id, sub });
    } else if (op === 'pause') {
      subscription.paused = true;
      this.send({ op: 'paused', id, sub, cursor: cursorAt() });
    } else if (op === 'resume') {
      subscription.paused = false;
      this.send({ op: 'resumed', id, sub });
      this.flush();
    } else {
      subscription.at =
        message.from === undefined ? this.#server.head : this.#positionOf(String(message.from));
      const { epoch } = this.#server;
      this.send({ op: 'sought', id, sub, speed: message.speed ?? 'max', epoch, cursor: cursorAt() });
      this.flush();
    }
  }

  /** Of a cursor, or of a time: the first tick received at or after it. */
  #positionOf(from: string): number {
    const cursor = cursorFromText(from);
    if (cursor !== null) return cursor.seqs[0];
    const s = /^\d+$/.test(from) ? Number(from) / 1e9 : Date.parse(from) / 1000;
    const { records, head } = this.#server;
    let at = 0;
    while (at < head && records.u32[at * 16 + 6] + records.u32[at * 16 + 7] / 1e9 < s) at++;
    return at;
  }

  #subscribe(request: SubscribeRequest): void {
    const server = this.#server;
    const { from } = request;
    const at = from === undefined ? server.head : this.#positionOf(String(from));
    const subscription = { id: this.requests.length, request, at, paused: false };
    const all = request.symbols.includes('*');
    const symbols = server.names
      .map((symbol, i) => ({ symbol, symbolId: i + 1, digits: server.digits[i + 1], version: 1 }))
      .filter(({ symbol }) => all || request.symbols.includes(symbol));
    this.send({
      op: 'subscribed',
      id: request.id,
      sub: subscription.id,
      mode: request.mode ?? 'latest',
      intervalMs: 0,
      deliver: 'published',
      kinds: ['quote', 'trade', 'status', 'gap'],
      speed: request.speed ?? 'max',
      epoch: server.epoch,
      cursor: server.cursorAt(at),
      symbols,
      unknown: request.symbols.filter((name) => name !== '*' && !server.names.includes(name)),
    });
    this.#subs.set(subscription.id, subscription);
    if (from === undefined && request.snapshot !== false && server.head > 0) {
      this.#batch(subscription, 0, server.head, true);
    }
    this.flush();
  }

  /** Every third tick of the symbol is missing. */
  #history({ id, symbol, fromSymbolSeq, toSymbolSeq }: HistoryRequest): History {
    const server = this.#server;
    const symbolId = server.names.indexOf(symbol) + 1;
    const last = Math.min(toSymbolSeq, fromSymbolSeq + (server.options.historyTicks ?? 4096) - 1);
    const ticks: (JsonTick | PackTick)[] = [];
    for (let i = 0; i < server.head; i++) {
      const symbolSeq = server.records.u32[i * 16 + 3];
      if (server.records.u32[i * 16] !== symbolId || symbolSeq < fromSymbolSeq || symbolSeq > last) continue;
      if (symbolSeq % 3 !== 0) ticks.push(this.#plain(i));
    }
    const missing = last - fromSymbolSeq + 1 - ticks.length;
    const { epoch, digits } = server;
    return {
      op: 'history',
      id,
      symbol,
      symbolId,
      digits: digits[symbolId],
      epoch,
      shard: 0,
      fromSymbolSeq,
      toSymbolSeq: last,
      missing,
      ticks,
    };
  }

  /** A tick as it is in an answer to `history`: an object in JSON, else an array. */
  #plain(i: number): JsonTick | PackTick {
    const { records, epoch } = this.#server;
    const encoder = this.#encoder.framed ? new MsgpackEncoder(this.#scratch) : this.#encoder;
    const payload = new Payload();
    payload.begin(0, 0, epoch, false);
    encoder.put(payload, records, i, i + 1);
    const end = encoder.encodeBatch(payload, 0, this.#server.token(i + 1), this.#out, 0);
    const bytes = this.#out.u8.slice(0, end);
    const message = encoder.text ? JSON.parse(Buffer.from(bytes).toString()) : unpackMessage(bytes);
    return (message as TicksMessage<JsonTick | PackTick>).ticks[0];
  }

  /** Ticks of [from, to); of a snapshot, or in mode `latest`, only the newest of each symbol and kind. */
  #batch(subscription: PeerSubscription, from: number, to: number, snapshot: boolean): void {
    const { records } = this.#server;
    const newest = new Map<number, number>();
    for (let i = from; i < to; i++) newest.set(records.u32[i * 16] * 8 + (records.u16[i * 32 + 2] & 7), i);
    const conflates = snapshot || subscription.request.mode !== 'every';
    const wanted = conflates ? [...newest.values()].sort((a, b) => a - b) : undefined;
    const payload = new Payload();
    payload.begin(0, 0, this.#server.epoch, snapshot);
    for (let i = from; i < to; i++) {
      if (wanted === undefined || wanted.includes(i)) this.#encoder.put(payload, records, i, i + 1);
    }
    const at = this.#encoder.framed ? FRAME_HEADER_BYTES : 0;
    if (this.#encoder.framed) writeFrameHeader(this.#out, 1);
    const end = this.#encoder.encodeBatch(payload, subscription.id, this.#server.token(to), this.#out, at);
    const bytes = this.#out.u8.slice(0, end);
    this.#socket.send(this.#encoder.text ? Buffer.from(bytes).toString() : bytes);
  }
}
