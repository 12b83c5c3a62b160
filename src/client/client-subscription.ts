import { Flag, Kind } from '../core/tick.js';
import type { Subscribed, WireError, WireSymbol } from '../wire/ticks.js';
import type { TickReader } from './codec.js';
import { Deferred } from './deferred.js';
import { Emitter } from './emitter.js';
import type { ServerError } from './errors.js';
import type { Delays } from './latency.js';
import { TickQueue } from './queue.js';
import { ResumePosition } from './resume-position.js';
import { SequenceTracker } from './sequence-tracker.js';
import type {
  OnTick,
  PausedAt,
  SeekOptions,
  SoughtAt,
  SubscribeOptions,
  Subscription,
  SubscriptionEvents,
} from './subscription.js';
import { type Steered, SubscriptionControl, type SubscriptionControlHost } from './subscription-control.js';
import { ENGINE_INDEX, type SymbolBook, type SymbolInfo } from './symbols.js';
import type { PlainTick, TickView } from './view.js';

const KINDS = 4;

/** What a subscription needs of its client. */
export interface ClientSubscriptionHost {
  readonly book: SymbolBook;
  /** Of the server that the client is connected to. */
  readonly logId: string;
  /** The same client, as the control of one subscription sees it. */
  controlHost(subscription: ClientSubscription): SubscriptionControlHost;
  forget(subscription: ClientSubscription): void;
}

/** The inside of a `Subscription`: what comes is counted and delivered here, and controlled by its `SubscriptionControl`. */
export class ClientSubscription extends Emitter<SubscriptionEvents> implements Subscription, Steered {
  readonly mode: 'latest' | 'every';
  unknown: readonly string[] = [];
  readonly #ready = new Deferred<void>();
  readonly #host: ClientSubscriptionHost;
  readonly #onTick: OnTick | undefined;
  readonly #tracker: SequenceTracker;
  readonly #queueTicks: number;
  readonly #symbols = new Map<string, SymbolInfo>();
  readonly #position: ResumePosition;
  readonly #control: SubscriptionControl;
  #queue: TickQueue<PlainTick> | undefined;
  #released: Promise<void> | undefined;
  #ended = false;
  #failure: Error | undefined;
  /** Of the log that sequences the ticks. */
  #logId = '';

  constructor(
    host: ClientSubscriptionHost,
    options: SubscribeOptions,
    onTick: OnTick | undefined,
    queueTicks: number,
  ) {
    super();
    this.#host = host;
    this.#onTick = onTick;
    this.#queueTicks = queueTicks;
    this.mode = options.mode ?? 'latest';
    const kinds = new Set(options.kinds);
    this.#tracker = new SequenceTracker(this.mode === 'latest', kinds.size === 0 || kinds.size === KINDS);
    this.#position = new ResumePosition(options);
    this.#control = new SubscriptionControl(host.controlHost(this), this.#position, this);
    // Without a callback the ticks are meant for a loop that may begin a moment later.
    if (onTick === undefined) this.#openQueue();
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }
  get cursor(): string | undefined {
    return this.#position.cursor;
  }
  get paused(): boolean {
    return this.#control.isPaused;
  }
  get symbols(): readonly SymbolInfo[] {
    return [...this.#symbols.values()];
  }
  get received(): number {
    return this.#tracker.received;
  }
  get conflated(): number {
    return this.#tracker.conflated;
  }
  get gaps(): number {
    return this.#tracker.gaps;
  }
  get repeats(): number {
    return this.#tracker.repeats;
  }

  pause(): Promise<PausedAt> {
    return this.#control.pause();
  }

  resume(): Promise<void> {
    return this.#control.resume();
  }

  seek(options: SeekOptions = {}): Promise<SoughtAt> {
    return this.#control.seek(options);
  }

  unsubscribe(): Promise<void> {
    this.end();
    return this.#released!;
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<PlainTick> {
    return this.#openQueue();
  }

  /** The client is connected: takes the next step towards what it should be. */
  sync(): void {
    this.#control.sync();
  }

  /** The connection is gone. */
  detach(): void {
    this.#control.detach();
  }

  /** Ends it for good; the loop ends too, with `error` if there is one. */
  end(error?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = error;
    const reason = error ?? new Error('the subscription has ended');
    this.#released = this.#control.end(reason);
    this.#ready.reject(reason);
    this.#queue?.end(error);
    this.#host.forget(this);
    if (error !== undefined) this.emit('error', error);
  }

  onSubscribed(answer: Subscribed, sought: boolean): void {
    if (sought) this.onSought();
    const { logId } = this.#host;
    // Another log, or another run of a server without one, numbers again.
    if (logId !== this.#logId) this.#tracker.rebase();
    this.#logId = logId;
    this.unknown = answer.unknown;
    this.#symbols.clear();
    this.#define(answer.symbols);
    this.#ready.resolve();
    this.emit('subscribed', this);
  }

  onSought(): void {
    // What comes next has nothing to do with what came before: neither is missing from the other.
    this.#tracker.rebase();
    this.#queue?.clear();
  }

  onAfresh(cursor: string, error: ServerError): void {
    // Ticks that wait for a loop stay: they were true.
    this.#tracker.rebase();
    this.emit('afresh', { cursor, error });
  }

  onRetry(error: Error): void {
    this.emit('error', error);
  }

  onRefused(error: Error): void {
    this.end(error);
  }

  announce(symbols: WireSymbol[]): void {
    this.emit('symbols', this.#define(symbols));
  }

  /** The server gave the running subscription up. */
  lost(error: WireError): void {
    this.#control.lost(error);
  }

  caughtUp(cursor: string | undefined): void {
    if (cursor !== undefined) this.#position.moved(cursor);
    this.#position.caughtUp();
    this.emit('caught_up', undefined);
  }

  /** Passes an event of the server on. */
  tell<K extends keyof SubscriptionEvents>(name: K, event: SubscriptionEvents[K]): void {
    this.emit(name, event);
  }

  /** Delivers the batch that `reader` is on. */
  take(reader: TickReader, view: TickView, delays: Delays | undefined): void {
    const { tick } = reader;
    const { book } = this.#host;
    const tracker = this.#tracker;
    const inSnapshot = reader.snapshot;
    // State was received long ago, and so were ticks that are played from the past.
    const measured = inSnapshot || this.#position.past ? undefined : delays;
    this.#control.worked();
    tracker.enter(reader.epoch);
    view.logId = this.#logId;
    view.epoch = reader.epoch;
    view.shard = reader.shard;
    view.inSnapshot = inSnapshot;
    while (!this.#ended && reader.nextRecord()) {
      const info = reader.symbol === undefined ? book.byId(tick.symbolId) : book.byName(reader.symbol);
      view.info = info;
      // State of an earlier epoch is sequenced in that epoch, and the engine's own records in each shard:
      // neither says anything about what is missing.
      if ((inSnapshot && tick.seq === 0) || info.index === ENGINE_INDEX) {
        tracker.received++;
        view.conflated = 0;
      } else {
        const conflated = (tick.flags & Flag.conflated) !== 0;
        const critical = tick.kind !== Kind.quote;
        view.conflated = tracker.count(info.index, tick.symbolSeq, critical, conflated, inSnapshot);
      }
      measured?.note(tick.recvS, tick.recvNs);
      this.#onTick?.(view, this);
      this.#queue?.push(view.toObject());
    }
    this.#position.moved(reader.cursor());
    // Not earlier: a batch is taken whole, since its cursor is right at its end only.
    if (this.#queue?.full) this.sync();
  }

  #define(symbols: WireSymbol[]): SymbolInfo[] {
    return symbols.map((wire) => {
      const info = this.#host.book.define(wire);
      this.#symbols.set(info.symbol, info);
      return info;
    });
  }

  #openQueue(): TickQueue<PlainTick> {
    if (this.#queue !== undefined) return this.#queue;
    const queue = new TickQueue<PlainTick>(this.#queueTicks, {
      onFull: () => this.#control.setFull(true),
      onDrained: () => this.#goOn(),
      onReturn: () => {
        this.#queue = undefined;
        if (this.#onTick === undefined) this.end();
        else this.#goOn();
      },
    });
    this.#queue = queue;
    // A loop that begins after the end finds nothing, and does not wait for it.
    if (this.#ended) queue.end(this.#failure);
    return queue;
  }

  #goOn(): void {
    this.#control.setFull(false);
    this.sync();
  }
}
