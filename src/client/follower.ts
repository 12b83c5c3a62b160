import { Flag, Kind } from '../tick.js';
import { bytesToText } from '../wire/cursor.js';
import type { Subscribed, SubscribeRequest, WireError, WireSymbol } from '../wire/ticks.js';
import { Account } from './account.js';
import { Backoff } from './backoff.js';
import type { TickReader } from './codec.js';
import { Deferred } from './deferred.js';
import { Emitter } from './emitter.js';
import { ServerError } from './errors.js';
import { TickQueue } from './queue.js';
import type { OnTick, SubscribeOptions, Subscription, SubscriptionEvents } from './subscription.js';
import { ENGINE_NAME, type SymbolBook, type SymbolInfo } from './symbols.js';
import type { PlainTick, TickView } from './view.js';

const KINDS = 4;

/** What a follower needs of its client. */
export interface FollowerHost {
  readonly book: SymbolBook;
  /** Whether requests can be sent now. */
  readonly online: boolean;
  /** Sends a request whose answer goes to `follower`; returns its id. */
  request(follower: Follower, request: Omit<SubscribeRequest, 'id'>): number;
  /** Ticks of `sub` are dropped from now on. Resolves when the server has confirmed or the connection is gone. */
  release(sub: number): Promise<void>;
  forget(follower: Follower): void;
}

/**
 * The inside of a `Subscription`. What it should be (followed or not) and what it is on this connection
 * (asked for, attached, neither) are kept apart, and `sync` takes the next step from one to the other.
 */
export class Follower extends Emitter<SubscriptionEvents> implements Subscription {
  readonly #ready = new Deferred<void>();
  readonly mode: 'latest' | 'every';
  unknown: readonly string[] = [];
  readonly #host: FollowerHost;
  readonly #options: SubscribeOptions;
  readonly #onTick: OnTick | undefined;
  readonly #account: Account;
  readonly #queueTicks: number;
  readonly #symbols = new Map<string, SymbolInfo>();
  readonly #retry = new Backoff({ initialDelayMs: 200, maxDelayMs: 10_000 });
  #queue: TickQueue<PlainTick> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #cursor: string | Uint8Array | undefined;
  #asked: number | undefined;
  #sub: number | undefined;
  #released: Promise<void> | undefined;
  #paused = false;
  #ended = false;
  #begun = false;

  constructor(host: FollowerHost, options: SubscribeOptions, onTick: OnTick | undefined, queueTicks: number) {
    super();
    this.#host = host;
    this.#options = options;
    this.#onTick = onTick;
    this.#queueTicks = queueTicks;
    this.mode = options.mode ?? 'latest';
    const kinds = new Set(options.kinds);
    this.#account = new Account(this.mode === 'latest', kinds.size === 0 || kinds.size === KINDS);
    // Without a callback the ticks are meant for a loop that may begin a moment later.
    if (onTick === undefined) this.#openQueue();
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }
  get cursor(): string | undefined {
    // Kept as bytes until somebody asks: batches are many, reconnects few.
    if (this.#cursor instanceof Uint8Array) this.#cursor = bytesToText(this.#cursor);
    return this.#cursor;
  }
  get symbols(): readonly SymbolInfo[] {
    return [...this.#symbols.values()];
  }
  get received(): number {
    return this.#account.received;
  }
  get folded(): number {
    return this.#account.folded;
  }
  get gaps(): number {
    return this.#account.gaps;
  }
  get repeats(): number {
    return this.#account.repeats;
  }

  unsubscribe(): Promise<void> {
    this.#released ??= this.#leave();
    this.end();
    return this.#released;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<PlainTick> {
    return this.#openQueue();
  }

  /** Takes the next step towards what it should be. */
  sync(): void {
    if (!this.#host.online || this.#ended || this.#timer !== undefined) return;
    if (this.#paused) void this.#leave();
    else if (this.#sub === undefined && this.#asked === undefined) this.#ask();
  }

  /** Ends it for good; the loop ends too, with `error` if there is one. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#ready.reject(error ?? new Error('unsubscribed before the server answered'));
    this.#queue?.end(error);
    this.#host.forget(this);
    if (error !== undefined) this.emit('error', error);
  }

  /** The connection is gone. */
  detach(): void {
    this.#asked = undefined;
    this.#sub = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  attach(answer: Subscribed): void {
    this.#asked = undefined;
    if (this.#ended) {
      void this.#host.release(answer.sub);
      return;
    }
    this.#sub = answer.sub;
    this.#cursor = answer.cursor;
    this.#begun = true;
    this.unknown = answer.unknown;
    this.#symbols.clear();
    this.#define(answer.symbols);
    this.#ready.resolve();
    this.emit('subscribed', this);
    this.sync();
  }

  announce(symbols: WireSymbol[]): void {
    this.emit('symbols', this.#define(symbols));
  }

  /** The server refused the request, or gave the running subscription up. */
  refuse(error: WireError): void {
    this.#asked = undefined;
    this.#sub = undefined;
    if (this.#ended) return;
    const cause = new ServerError(error);
    const delayMs = error.temporary ? this.#retry.next() : undefined;
    if (delayMs === undefined) {
      this.end(cause);
      return;
    }
    this.emit('error', cause);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.sync();
    }, delayMs);
  }

  /** Passes an event of the server on. */
  tell<K extends keyof SubscriptionEvents>(name: K, event: SubscriptionEvents[K]): void {
    this.emit(name, event);
  }

  /**
   * Delivers the batch that `reader` stands on.
   * @param onDelay called with each tick's delay in nanoseconds, counted up to `nowS`, `nowNs`
   */
  take(
    reader: TickReader,
    view: TickView,
    onDelay: ((ns: number) => void) | undefined,
    nowS: number,
    nowNs: number,
  ): void {
    const { tick } = reader;
    const { book } = this.#host;
    const account = this.#account;
    const inSnapshot = reader.snapshot;
    this.#retry.succeeded();
    account.enter(reader.epoch);
    view.epoch = reader.epoch;
    view.shard = reader.shard;
    view.inSnapshot = inSnapshot;
    while (!this.#ended && reader.nextRecord()) {
      const info = reader.symbol === undefined ? book.byId(tick.symbolId) : book.byName(reader.symbol);
      view.info = info;
      // State of an earlier epoch is numbered in that epoch, and the engine's own records in each shard:
      // neither says anything about what is missing.
      if ((inSnapshot && tick.seq === 0) || info.symbol === ENGINE_NAME) account.received++;
      else {
        const conflated = (tick.flags & Flag.conflated) !== 0;
        account.count(info.index, tick.symbolSeq, tick.kind !== Kind.quote, conflated, inSnapshot);
      }
      if (onDelay !== undefined && !inSnapshot) onDelay((nowS - tick.recvS) * 1e9 + nowNs - tick.recvNs);
      this.#onTick?.(view, this);
      this.#queue?.push(view.toObject());
    }
    const cursor = reader.cursor();
    this.#cursor = typeof cursor === 'string' ? cursor : cursor.slice();
    // Not earlier: a batch is taken whole, since its cursor is right at its end only.
    if (this.#paused) this.sync();
  }

  #ask(): void {
    const { symbols, kinds, intervalMs, snapshot, from, deliver } = this.#options;
    const resumes = this.#begun && this.mode === 'every';
    this.#asked = this.#host.request(this, {
      op: 'subscribe',
      symbols,
      mode: this.mode,
      ...(kinds !== undefined && { kinds }),
      ...(intervalMs !== undefined && { intervalMs }),
      ...(deliver !== undefined && { deliver }),
      // Beginning anew in `latest`, what was missed is in the state, whether that was asked for at first or not.
      ...(this.#begun ? !resumes && { snapshot: true } : snapshot !== undefined && { snapshot }),
      ...(resumes ? { from: this.cursor } : !this.#begun && from !== undefined && { from }),
    });
  }

  #leave(): Promise<void> {
    const sub = this.#sub;
    this.#sub = undefined;
    return sub === undefined ? Promise.resolve() : this.#host.release(sub);
  }

  #define(symbols: WireSymbol[]): SymbolInfo[] {
    return symbols.map((wire) => {
      const info = this.#host.book.define(wire);
      this.#symbols.set(info.symbol, info);
      return info;
    });
  }

  #openQueue(): TickQueue<PlainTick> {
    this.#queue ??= new TickQueue(
      this.#queueTicks,
      () => {
        this.#paused = true;
      },
      () => this.#resume(),
      () => {
        this.#queue = undefined;
        if (this.#onTick === undefined) void this.unsubscribe();
        else this.#resume();
      },
    );
    return this.#queue;
  }

  #resume(): void {
    this.#paused = false;
    this.sync();
  }
}
