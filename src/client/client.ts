import { BadFrame } from '../wire/packed.js';
import type { Hello, ServerMessage } from '../wire/ticks.js';
import { ClientSubscription, type ClientSubscriptionHost } from './client-subscription.js';
import { type Codec, createCodec } from './codec.js';
import { Emitter } from './emitter.js';
import { ServerError } from './errors.js';
import { FeedAges } from './feeds.js';
import { type HistoryQuery, type HistoryResult, readHistory } from './history.js';
import { Delays, type LatencyFigures, LatencyHistogram } from './latency.js';
import type { ClientEvents, ClientState, FeedAge, TickClientOptions } from './options.js';
import { Session } from './session.js';
import type { OnTick, SubscribeOptions, Subscription } from './subscription.js';
import { SymbolBook } from './symbols.js';
import { type PlainTick, TickView } from './view.js';

const QUEUE_TICKS = 16_384;

/** A client of `/v1/stream`, for browsers and Node. Subscriptions may be made before `connect`. */
export class TickClient extends Emitter<ClientEvents> {
  readonly #queueTicks: number;
  readonly #book = new SymbolBook();
  readonly #codec: Codec;
  readonly #view: TickView;
  readonly #session: Session;
  readonly #histogram: LatencyHistogram | undefined;
  readonly #delays: Delays | undefined;
  readonly #subscriptions = new Set<ClientSubscription>();
  readonly #bySub = new Map<number, ClientSubscription>();
  readonly #feeds = new FeedAges();
  readonly #host: ClientSubscriptionHost;

  /** @param url of the stream: `ws://host:8080/v1/stream` */
  constructor(url: string, options: TickClientOptions = {}) {
    super();
    const { latency } = options;
    this.#queueTicks = options.queueTicks ?? QUEUE_TICKS;
    this.#codec = createCodec(options.encoding ?? 'packed', this.#book.digits);
    this.#view = new TickView(this.#codec.reader.tick);
    if (latency === true) this.#histogram = new LatencyHistogram();
    if (latency) {
      this.#delays = new Delays(this.#histogram, latency === true ? undefined : (ns) => latency.record(ns));
    }
    this.#session = new Session(url, options, this.#codec, {
      onState: (state) => this.emit('state', state),
      onOpen: (hello) => {
        this.emit('open', hello);
        for (const subscription of [...this.#subscriptions]) subscription.sync();
      },
      onControl: (message) => this.#onControl(message),
      onTicks: () => this.#onTicks(),
      onDrop: () => {
        this.#bySub.clear();
        this.#book.clear();
        for (const subscription of this.#subscriptions) subscription.detach();
      },
      onClose: (event) => this.emit('close', event),
      onFailed: (error) => {
        this.emit('error', error);
        for (const subscription of [...this.#subscriptions]) subscription.end(error);
      },
    });
    this.#host = this.#createHost();
  }

  get state(): ClientState {
    return this.#session.state;
  }

  /** What the server said at the start of this connection; undefined while there is none. */
  get hello(): Hello | undefined {
    return this.#session.hello;
  }

  /**
   * The engine's feeds as the last heartbeat reported them: in a quiet market they are live, with an age that is
   * the market's; a dead feed says so. Empty before the first heartbeat.
   */
  get feeds(): FeedAge[] {
    return this.#feeds.list();
  }

  /**
   * Opens the connection and keeps it open until `close()`. Resolves at the server's hello, or once it has
   * taken the token.
   * @throws ConnectionClosedError if the first attempt fails (unless `reconnect.first`), or the server refuses
   */
  connect(): Promise<Hello> {
    return this.#session.connect();
  }

  /** Follows symbols; with `onTick`, it is called for every tick, without one the subscription is iterated. */
  subscribe(options: SubscribeOptions, onTick?: OnTick): Subscription {
    const subscription = new ClientSubscription(this.#host, options, onTick, this.#queueTicks);
    this.#subscriptions.add(subscription);
    subscription.sync();
    return subscription;
  }

  /**
   * The ticks of one symbol from one `symbolSeq` to another, both inclusive, all at once.
   * @throws ServerError if the server refuses, or is busy for too long
   * @throws ConnectionClosedError if the client is not connected, or is closed
   */
  history(query: HistoryQuery): Promise<HistoryResult> {
    return readHistory(this.#session, query);
  }

  /**
   * The ticks that a newer tick conflated: as many before `tick` as `tick.conflated` says.
   * @throws as `history` does; ServerError cursor_unknown where the tick is of another log than the server has now
   */
  async conflatedTicks(tick: TickView | PlainTick): Promise<PlainTick[]> {
    const { symbol, logId, epoch, symbolSeq, conflated, seq } = tick;
    if (conflated === 0) return [];
    await this.#session.whenOnline();
    if (logId !== this.hello!.logId) {
      const message = `Tick ${seq} of ${symbol} belongs to another log than this server has.`;
      throw new ServerError({ code: 'cursor_unknown', message, temporary: false });
    }
    const [fromSymbolSeq, toSymbolSeq] = [(symbolSeq - conflated) >>> 0, (symbolSeq - 1) >>> 0];
    return (await this.history({ symbol, epoch, fromSymbolSeq, toSymbolSeq, toSeq: seq })).ticks;
  }

  /**
   * Delays of ticks so far, in microseconds, with the option `latency: true`; else undefined.
   * @param reset begins again, so that the next call reports what came since this one
   */
  latency({ reset = false } = {}): LatencyFigures | undefined {
    const figures = this.#histogram?.figures();
    if (reset) this.#histogram?.clear();
    return figures;
  }

  /** Ends the connection and every subscription; loops over them end. */
  close(): void {
    this.#session.close();
    for (const subscription of [...this.#subscriptions]) subscription.end();
  }

  #createHost(): ClientSubscriptionHost {
    const session = this.#session;
    return {
      book: this.#book,
      get logId() {
        return session.hello?.logId ?? '';
      },
      controlHost: (subscription) => ({
        get online() {
          return session.hello !== undefined;
        },
        call: (request, handlers) => session.call(request, handlers),
        adopt: (sub) => void this.#bySub.set(sub, subscription),
        disown: (sub) => void this.#bySub.delete(sub),
      }),
      forget: (subscription) => void this.#subscriptions.delete(subscription),
    };
  }

  #onControl(message: ServerMessage): void {
    switch (message.op) {
      case 'symbols':
        this.#bySub.get(message.sub)?.announce(message.symbols);
        return;
      case 'catching_up':
        this.#bySub.get(message.sub)?.tell('catching_up', { behind: message.behind });
        return;
      case 'caught_up':
        this.#bySub.get(message.sub)?.caughtUp(message.cursor);
        return;
      case 'rewound':
        this.#bySub.get(message.sub)?.tell('rewound', message);
        return;
      case 'heartbeat':
        this.#session.worked();
        this.#feeds.told(message.feeds);
        this.emit('heartbeat', message);
        return;
      case 'error':
        if (message.sub !== undefined) {
          this.#bySub.get(message.sub)?.lost(message);
          return;
        }
        this.#session.warned(message);
        this.emit('error', new ServerError(message));
        return;
    }
  }

  #onTicks(): void {
    const { reader } = this.#codec;
    this.#session.worked();
    this.#delays?.stamp();
    try {
      while (reader.nextBatch()) this.#bySub.get(reader.sub)?.take(reader, this.#view, this.#delays);
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.#session.abandon(`unreadable frame: ${error.message}`);
    }
  }
}
