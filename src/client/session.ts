import { messageOf } from '../core/errors.js';
import {
  type ClientMessage,
  CloseCode,
  type Hello,
  type ServerMessage,
  subprotocolOf,
  type WireError,
} from '../wire/ticks.js';
import { Backoff, hintOfReason, isPermanentClose } from './backoff.js';
import type { Codec } from './codec.js';
import { CODE_LOST, Connection } from './connection.js';
import { Deferred } from './deferred.js';
import { ConnectionClosedError } from './errors.js';
import type { ClientEvents, ClientState, TickClientOptions } from './options.js';
import {
  type AnswerOf,
  PendingRequests,
  type Request,
  type RequestHandlers,
  type RequestOf,
} from './pending-requests.js';
import { platformSocket } from './socket.js';

const CONNECT_TIMEOUT_MS = 10_000;

export interface SessionHandlers {
  onState(state: ClientState): void;
  /** Requests can be sent now. */
  onOpen(hello: Hello): void;
  /** A message that answers no request. */
  onControl(message: ServerMessage): void;
  /** The codec has met a message of ticks. */
  onTicks(): void;
  /** The connection is gone, and what belonged to it. */
  onDrop(): void;
  onClose(event: ClientEvents['close']): void;
  /** It is over for good. */
  onFailed(error: ConnectionClosedError): void;
}

/** Keeps a connection: makes it, shows the token, and makes it again after every loss. */
export class Session {
  readonly #url: string;
  readonly #options: TickClientOptions;
  readonly #codec: Codec;
  readonly #handlers: SessionHandlers;
  readonly #backoff: Backoff;
  readonly #requests = new PendingRequests();
  #connection: Connection | undefined;
  #hello: Hello | undefined;
  #state: ClientState = 'idle';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #everOpen = false;
  #opening: Deferred<Hello> | undefined;
  #waiting: Deferred<void>[] = [];
  /** Milliseconds that an error of this connection asked to wait. */
  #hintMs = 0;

  constructor(url: string, options: TickClientOptions, codec: Codec, handlers: SessionHandlers) {
    this.#url = url;
    this.#options = options;
    this.#codec = codec;
    this.#handlers = handlers;
    this.#backoff = new Backoff(options.reconnect || {});
  }

  get state(): ClientState {
    return this.#state;
  }

  /** Undefined while no requests can be sent. */
  get hello(): Hello | undefined {
    return this.#hello;
  }

  connect(): Promise<Hello> {
    if (this.#opening === undefined) {
      this.#opening = new Deferred();
      this.#backoff.succeeded();
      void this.#attempt('connecting');
    }
    return this.#opening.promise;
  }

  close(): void {
    this.#connection?.close();
    this.#drop();
    this.#finish(new ConnectionClosedError(1000, 'the client was closed'));
  }

  /** Drops a connection that is of no use any more; another one is opened. */
  abandon(reason: string): void {
    this.#connection?.abandon(reason);
  }

  /** The connection does its work, which ends the backoff. A hello alone does not: a close may follow it. */
  worked(): void {
    this.#backoff.succeeded();
  }

  /** The server said that something is wrong with this connection. */
  warned(error: WireError): void {
    this.#hintMs = error.retryMs ?? 0;
  }

  call<Op extends ClientMessage['op']>(
    request: RequestOf<Op>,
    handlers: RequestHandlers<AnswerOf<Op>>,
  ): void {
    const id = this.#requests.add((request as Request).op as Op, handlers);
    this.#connection?.send(this.#codec.encode({ ...request, id } as ClientMessage));
  }

  /** Resolves once requests can be sent; rejects when that will not be. */
  whenOnline(): Promise<void> {
    if (this.#hello !== undefined) return Promise.resolve();
    if (this.#opening === undefined) {
      return Promise.reject(
        new ConnectionClosedError(1000, 'the client is not connected; call connect() first'),
      );
    }
    const waiting = new Deferred<void>();
    this.#waiting.push(waiting);
    return waiting.promise;
  }

  async #attempt(state: 'connecting' | 'reconnecting'): Promise<void> {
    this.#setState(state);
    const Socket = this.#options.WebSocket ?? (await platformSocket());
    if (this.#state !== state) return;
    try {
      const connection: Connection = new Connection(
        Socket,
        this.#url,
        subprotocolOf(this.#options.encoding ?? 'packed'),
        this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
        {
          onHello: (hello) => void this.#greet(connection, hello),
          onControl: (message) => {
            if (!this.#requests.settle(message)) this.#handlers.onControl(message);
          },
          onTicks: () => this.#handlers.onTicks(),
          onMute: (mute) => this.#setState(mute ? 'mute' : 'connected'),
          onDown: (code, reason) => this.#down(code, reason),
          decode: (data) => this.#codec.decode(data),
        },
      );
      this.#connection = connection;
    } catch (error) {
      // An address that is none: trying again would not help.
      this.#fail(CODE_LOST, messageOf(error));
    }
  }

  async #greet(connection: Connection, hello: Hello): Promise<void> {
    if (!hello.auth) {
      this.#open(connection, hello);
      return;
    }
    const { token } = this.#options;
    if (token === undefined) {
      this.#refused('the server wants a token, and the option `token` is not set');
      return;
    }
    let given: string;
    try {
      given = typeof token === 'string' ? token : await token();
    } catch (error) {
      connection.abandon(`no token: ${messageOf(error)}`);
      return;
    }
    if (connection !== this.#connection) return;
    this.call(
      { op: 'auth', token: given },
      {
        onAnswer: () => this.#open(connection, hello),
        onError: (error) => {
          if (!error.temporary) {
            this.#refused(error.message);
            return;
          }
          this.warned(error);
          connection.abandon(`not authorised: ${error.message}`);
        },
      },
    );
  }

  #open(connection: Connection, hello: Hello): void {
    connection.begin(hello.heartbeatMs);
    this.#hello = hello;
    this.#everOpen = true;
    this.#setState('connected');
    this.#opening?.resolve(hello);
    for (const waiting of this.#waiting.splice(0)) waiting.resolve();
    this.#handlers.onOpen(hello);
  }

  #down(code: number, reason: string): void {
    const hintMs = Math.max(this.#hintMs, hintOfReason(reason));
    this.#drop();
    const { reconnect } = this.#options;
    const mayRetry =
      reconnect !== false && !isPermanentClose(code) && (this.#everOpen || reconnect?.first === true);
    const retryMs = mayRetry ? this.#backoff.next(hintMs) : undefined;
    if (retryMs === undefined) {
      this.#fail(code, reason);
      return;
    }
    this.#setState('reconnecting');
    this.#timer = setTimeout(() => void this.#attempt('reconnecting'), retryMs);
    this.#handlers.onClose({ code, reason, retryMs });
  }

  /** The server will not have this client. */
  #refused(reason: string): void {
    this.#connection?.close();
    this.#drop();
    this.#fail(CloseCode.unauthorised, reason);
  }

  /** Ends everything because of the server or the network. */
  #fail(code: number, reason: string): void {
    let what = this.#everOpen ? 'the connection ended' : `no connection to ${this.#url}`;
    if (code === CloseCode.unauthorised) what = `not authorised at ${this.#url}`;
    const error = new ConnectionClosedError(code, `${what} (${code}${reason === '' ? '' : `: ${reason}`})`);
    this.#finish(error);
    this.#handlers.onClose({ code, reason, retryMs: undefined });
    this.#handlers.onFailed(error);
  }

  #finish(error: ConnectionClosedError): void {
    this.#opening?.reject(error);
    this.#opening = undefined;
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
    this.#everOpen = false;
    this.#setState('closed');
  }

  /** Forgets what belonged to one connection. */
  #drop(): void {
    clearTimeout(this.#timer);
    this.#connection = undefined;
    this.#hello = undefined;
    this.#hintMs = 0;
    this.#requests.lose();
    this.#handlers.onDrop();
  }

  #setState(state: ClientState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#handlers.onState(state);
  }
}
