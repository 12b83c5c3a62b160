import { messageOf } from '../errors.js';
import { BadFrame } from '../wire/packed.js';
import {
  type Encoding,
  type Hello,
  type ServerMessage,
  type SubscribeRequest,
  subprotocolOf,
} from '../wire/ticks.js';
import { Backoff, isPermanentClose } from './backoff.js';
import { type Codec, createCodec } from './codec.js';
import { CODE_LOST, Connection } from './connection.js';
import { Deferred } from './deferred.js';
import { Emitter } from './emitter.js';
import { ConnectionClosed, ServerError } from './errors.js';
import { Follower, type FollowerHost } from './follower.js';
import type { ClientEvents, ClientState, TickClientOptions } from './options.js';
import { platformSocket } from './socket.js';
import type { OnTick, SubscribeOptions, Subscription } from './subscription.js';
import { SymbolBook } from './symbols.js';
import { TickView } from './view.js';

/** A client of `/v1/stream`, for browsers and Node. Subscriptions may be made before `connect`. */
export class TickClient extends Emitter<ClientEvents> {
  readonly #url: string;
  readonly #options: TickClientOptions;
  readonly #encoding: Encoding;
  readonly #book = new SymbolBook();
  readonly #codec: Codec;
  readonly #view: TickView;
  readonly #backoff: Backoff;
  readonly #onDelay: ((ns: number) => void) | undefined;
  readonly #followers = new Set<Follower>();
  readonly #asked = new Map<number, Follower>();
  readonly #bySub = new Map<number, Follower>();
  readonly #releases = new Map<number, () => void>();
  readonly #host: FollowerHost;
  #connection: Connection | undefined;
  #hello: Hello | undefined;
  #state: ClientState = 'idle';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #nextId = 1;
  #everOpen = false;
  #opening: Deferred<Hello> | undefined;

  /** @param url of the stream: `ws://host:8080/v1/stream` */
  constructor(url: string, options: TickClientOptions = {}) {
    super();
    this.#url = url;
    this.#options = options;
    this.#encoding = options.encoding ?? 'packed';
    this.#codec = createCodec(this.#encoding, this.#book.digits);
    this.#view = new TickView(this.#codec.reader.tick);
    this.#backoff = new Backoff(options.reconnect || {});
    const { latency } = options;
    this.#onDelay = latency && ((ns) => latency.record(ns));
    const client = this;
    this.#host = {
      book: this.#book,
      get online() {
        return client.#hello !== undefined;
      },
      request: (follower, request) => this.#request(follower, request),
      release: (sub) => this.#release(sub),
      forget: (follower) => void this.#followers.delete(follower),
    };
  }

  get state(): ClientState {
    return this.#state;
  }

  /** What the server said at the start of this connection; undefined while there is none. */
  get hello(): Hello | undefined {
    return this.#hello;
  }

  /**
   * Opens the connection and keeps it open until `close()`. Resolves at the server's hello.
   * @throws ConnectionClosed if the first attempt fails (unless `reconnect.first`), or the server refuses
   */
  connect(): Promise<Hello> {
    if (this.#opening === undefined) {
      this.#opening = new Deferred();
      this.#backoff.succeeded();
      void this.#attempt('connecting');
    }
    return this.#opening.promise;
  }

  /** Follows symbols; with `onTick`, it is called for every tick, without one the subscription is iterated. */
  subscribe(options: SubscribeOptions, onTick?: OnTick): Subscription {
    const follower = new Follower(this.#host, options, onTick, this.#options.queueTicks ?? 16_384);
    this.#followers.add(follower);
    follower.sync();
    return follower;
  }

  /** Ends the connection and every subscription; loops over them end. */
  close(): void {
    this.#connection?.close();
    this.#drop();
    this.#finish(undefined, 'closed');
    for (const follower of [...this.#followers]) follower.end();
  }

  async #attempt(state: 'connecting' | 'reconnecting'): Promise<void> {
    this.#setState(state);
    const Socket = this.#options.WebSocket ?? (await platformSocket());
    if (this.#state !== state) return;
    try {
      this.#connection = new Connection(
        Socket,
        this.#url,
        subprotocolOf(this.#encoding),
        this.#options.connectTimeoutMs ?? 10_000,
        {
          onHello: (hello) => this.#onHello(hello),
          onControl: (message) => this.#onControl(message),
          onTicks: () => this.#onTicks(),
          onMute: (mute) => this.#setState(mute ? 'mute' : 'connected'),
          onDown: (code, reason) => this.#onDown(code, reason),
          decode: (data) => this.#codec.decode(data),
        },
      );
    } catch (error) {
      // An address that is none: trying again would not help.
      this.#fail(CODE_LOST, messageOf(error));
    }
  }

  #onHello(hello: Hello): void {
    this.#hello = hello;
    this.#everOpen = true;
    this.#setState('connected');
    this.emit('open', hello);
    this.#opening?.resolve(hello);
    for (const follower of [...this.#followers]) follower.sync();
  }

  #onControl(message: ServerMessage): void {
    // Only a connection that does its work ends the backoff: one that is closed right after its hello does not.
    if (message.op !== 'error') this.#backoff.succeeded();
    switch (message.op) {
      case 'subscribed': {
        const follower = this.#answered(message.id);
        if (follower === undefined) return;
        this.#bySub.set(message.sub, follower);
        follower.attach(message);
        return;
      }
      case 'unsubscribed':
        this.#releases.get(message.id as number)?.();
        this.#releases.delete(message.id as number);
        return;
      case 'symbols':
        this.#bySub.get(message.sub)?.announce(message.symbols);
        return;
      case 'catching_up':
        this.#bySub.get(message.sub)?.tell('catching_up', { behind: message.behind });
        return;
      case 'caught_up':
        this.#bySub.get(message.sub)?.tell('caught_up', undefined);
        return;
      case 'rewound':
        this.#bySub.get(message.sub)?.tell('rewound', message);
        return;
      case 'heartbeat':
        this.emit('heartbeat', message);
        return;
      case 'error': {
        const follower =
          message.sub !== undefined ? this.#bySub.get(message.sub) : this.#answered(message.id ?? -1);
        if (message.sub !== undefined) this.#bySub.delete(message.sub);
        if (follower !== undefined) follower.refuse(message);
        else this.emit('error', new ServerError(message));
        return;
      }
    }
  }

  #onTicks(): void {
    const { reader } = this.#codec;
    const onDelay = this.#onDelay;
    let nowS = 0;
    let nowNs = 0;
    if (onDelay !== undefined) {
      const nowMs = performance.timeOrigin + performance.now();
      nowS = Math.floor(nowMs / 1000);
      nowNs = (nowMs - nowS * 1000) * 1e6;
    }
    try {
      while (reader.nextBatch()) {
        this.#bySub.get(reader.sub)?.take(reader, this.#view, onDelay, nowS, nowNs);
      }
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.#connection?.abandon(`unreadable frame: ${error.message}`);
    }
  }

  #onDown(code: number, reason: string): void {
    this.#drop();
    const { reconnect } = this.#options;
    const mayRetry =
      reconnect !== false && !isPermanentClose(code) && (this.#everOpen || reconnect?.first === true);
    const retryMs = mayRetry ? this.#backoff.next() : undefined;
    if (retryMs === undefined) {
      this.#fail(code, reason);
      return;
    }
    this.#setState('reconnecting');
    this.#timer = setTimeout(() => void this.#attempt('reconnecting'), retryMs);
    this.emit('close', { code, reason, retryMs });
  }

  /** Ends everything because of the server or the network. */
  #fail(code: number, reason: string): void {
    const what = this.#everOpen ? 'the connection ended' : `no connection to ${this.#url}`;
    const error = new ConnectionClosed(code, `${what} (${code}${reason === '' ? '' : `: ${reason}`})`);
    this.#finish(error, 'closed');
    this.emit('close', { code, reason, retryMs: undefined });
    this.emit('error', error);
    for (const follower of [...this.#followers]) follower.end(error);
  }

  #finish(error: Error | undefined, state: ClientState): void {
    this.#opening?.reject(error ?? new ConnectionClosed(1000, 'the client was closed'));
    this.#opening = undefined;
    this.#everOpen = false;
    this.#setState(state);
  }

  /** Forgets what belonged to one connection. */
  #drop(): void {
    clearTimeout(this.#timer);
    this.#connection = undefined;
    this.#hello = undefined;
    this.#asked.clear();
    this.#bySub.clear();
    for (const released of this.#releases.values()) released();
    this.#releases.clear();
    this.#book.clear();
    for (const follower of this.#followers) follower.detach();
  }

  #answered(id: number | string): Follower | undefined {
    const follower = this.#asked.get(id as number);
    this.#asked.delete(id as number);
    return follower;
  }

  #request(follower: Follower, request: Omit<SubscribeRequest, 'id'>): number {
    const id = this.#nextId++;
    this.#asked.set(id, follower);
    this.#connection?.send(this.#codec.encode({ ...request, id }));
    return id;
  }

  #release(sub: number): Promise<void> {
    this.#bySub.delete(sub);
    const id = this.#nextId++;
    this.#connection?.send(this.#codec.encode({ op: 'unsubscribe', id, sub }));
    return new Promise((resolve) => this.#releases.set(id, resolve));
  }

  #setState(state: ClientState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.emit('state', state);
  }
}
