/**
 * A stream server in miniature that can misbehave: it speaks the real encodings, keeps a log of what it
 * published, and closes, drops or silences its connections on request.
 */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import {
  Flag,
  Kind,
  NO_SIZE,
  NO_TRADE_ID,
  Records,
  writeHeader,
  writeQuote,
  writeTimes,
  writeTrade,
} from '../../src/core/tick.js';
import { cursorToText, encodeCursor } from '../../src/wire/cursor.js';
import type { ServerMessage } from '../../src/wire/ticks.js';
import { Peer } from './peer.js';

const LOG_ID = '00112233445566ff';
const CAPACITY = 65_536;
const DIGITS = 5;

export interface ServerOptions {
  symbols?: string[];
  heartbeatMs?: number;
  epoch?: number;
  /** Whether heartbeats are sent. */
  beats?: boolean;
  port?: number;
  /** Wanted of every connection before anything else. */
  token?: string;
  /** Ticks of an answer to `history`. Default 4,096. */
  historyTicks?: number;
  /** Serves everything but the stream. */
  http?: RequestListener;
}

export class StreamServer {
  readonly options: ServerOptions;
  readonly #http: Server;
  readonly #wss: WebSocketServer;
  readonly records = Records.allocate(CAPACITY);
  readonly #symbolSeqs: number[] = [];
  readonly names: string[];
  readonly digits: Uint8Array;
  /** Connections, the closed ones too. */
  readonly peers: Peer[] = [];
  /** Sees a new connection before any request of it. */
  onPeer: (peer: Peer) => void = () => {};
  /** Connections that are opened from then on get another one. */
  logId = LOG_ID;
  epoch: number;
  head = 0;
  port = 0;

  private constructor(options: ServerOptions) {
    this.options = options;
    this.names = options.symbols ?? ['EURUSD', 'XAUUSD'];
    this.digits = new Uint8Array(this.names.length + 1).fill(DIGITS);
    this.epoch = options.epoch ?? 1;
    this.#http = createServer(options.http);
    this.#wss = new WebSocketServer({
      server: this.#http,
      handleProtocols: (offered) => [...offered][0],
      perMessageDeflate: false,
    });
    this.#wss.on('connection', (socket) => {
      const peer = new Peer(this, socket, options);
      this.peers.push(peer);
      this.onPeer(peer);
    });
  }

  static async start(options: ServerOptions = {}): Promise<StreamServer> {
    const server = new StreamServer(options);
    server.#http.listen(options.port ?? 0, '127.0.0.1');
    await once(server.#http, 'listening');
    server.port = (server.#http.address() as AddressInfo).port;
    return server;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/v1/stream`;
  }

  /** The connection opened last. */
  get peer(): Peer {
    return this.peers[this.peers.length - 1];
  }

  quote(symbol: string, bid: number, ask: number): void {
    const i = this.#number(symbol, Kind.quote);
    writeQuote(this.records, i, bid, ask, NO_SIZE, NO_SIZE);
    this.#publish();
  }

  trade(symbol: string, price: number, size: number): void {
    const i = this.#number(symbol, Kind.trade | Flag.buy);
    writeTrade(this.records, i, price, size, NO_TRADE_ID);
    this.#publish();
  }

  /** Numbers a tick that no subscriber in mode `latest` gets: it is conflated. */
  conflate(symbol: string): void {
    const i = this.#number(symbol, Kind.quote);
    writeQuote(this.records, i, 1, 2, NO_SIZE, NO_SIZE);
  }

  /** The cursor for "everything up to `seq`". */
  cursorAt(seq: number): string {
    return cursorToText({ logId: this.logId, epoch: this.epoch, seqs: [seq] });
  }

  /** Token bytes for "everything up to `seq`". */
  token(seq: number): Uint8Array {
    return encodeCursor({ logId: this.logId, epoch: this.epoch, seqs: [seq] });
  }

  hello(): ServerMessage {
    const heartbeatMs = this.options.heartbeatMs ?? 1000;
    return {
      op: 'hello',
      protocol: 1,
      server: 'test/1',
      logId: this.logId,
      epoch: this.epoch,
      shards: 1,
      heartbeatMs,
      auth: this.options.token !== undefined,
    };
  }

  async close(): Promise<void> {
    for (const peer of this.peers) peer.drop();
    this.#wss.close();
    this.#http.closeAllConnections();
    if (!this.#http.listening) return;
    this.#http.close();
    await once(this.#http, 'close');
  }

  #number(symbol: string, kindAndFlags: number): number {
    const id = this.names.indexOf(symbol) + 1;
    const i = this.head++;
    const ms = Date.now();
    this.#symbolSeqs[id] = (this.#symbolSeqs[id] ?? 0) + 1;
    writeHeader(this.records, i, id, kindAndFlags, 1, this.head, this.#symbolSeqs[id]);
    const s = Math.floor(ms / 1000);
    const ns = (ms % 1000) * 1e6;
    writeTimes(this.records, i, s, ns, s, ns);
    return i;
  }

  #publish(): void {
    for (const peer of this.peers) peer.flush();
  }
}

/** Resolves when `emitter` says `name`. */
export function said<E>(
  emitter: { once(name: never, listener: (event: E) => void): unknown },
  name: string,
): Promise<E> {
  return new Promise((resolve) => emitter.once(name as never, resolve));
}
