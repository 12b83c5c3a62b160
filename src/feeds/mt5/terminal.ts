/**
 * The terminal's side of the MT5 port, for simulation and tests: it streams ticks, keeps them until they are
 * acknowledged, and sends those again after a reconnect. Its source must wait while the backlog is full.
 */
import { randomBytes } from 'node:crypto';
import { TickwireError } from '../../core/errors.js';
import { MT5_BACKLOG_TICKS, MT5_BATCH_TICKS_MAX } from '../../core/limits.js';
import { MqlTick } from '../mql/mql-tick.js';
import { ServerClock } from '../mql/server-clock.js';
import { Backlog } from './backlog.js';
import { encodeBatchHeader, encodeHello, encodeSymbol, type SymbolFrame } from './framing.js';
import { type LinkOptions, TerminalLink } from './link.js';
import { Refusal } from './refusal.js';

export interface TerminalOptions extends LinkOptions {
  /** Login of the trading account. */
  account: number;
  /** Name of the trade server. */
  server: string;
  /** Name of the source: unique on the port. */
  name: string;
  /** Rule of the trade server's clock, such as "America/New_York+7h". */
  zone: string;
  secret?: string;
  /** 16 bytes in hex that name this session's stream. Default: random. */
  streamId?: string;
  /** Ticks kept until acknowledged. Default: MT5_BACKLOG_TICKS. */
  backlogTicks?: number;
  /** Told a sentence when the connection comes, goes or is refused something. */
  onEvent?: (sentence: string) => void;
}

export interface TerminalCounters {
  /** Ticks taken by `send`. */
  ticks: number;
  /** Ticks acknowledged as durable. */
  acked: number;
  /** Ticks written to a socket, those sent again included. */
  sent: number;
  resent: number;
  batches: number;
  connects: number;
  disconnects: number;
  /** Error frames received. */
  errors: number;
}

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

export class Mt5Terminal {
  readonly streamId: string;
  readonly clock: ServerClock;
  /** The last thing that the connection had to say, in a sentence. */
  lastEvent = '';
  readonly #link: TerminalLink;
  readonly #backlog: Backlog;
  readonly #symbols: SymbolFrame[] = [];
  readonly #tick = new MqlTick();
  readonly #counters = { sent: 0, resent: 0, batches: 0 };
  #failure: TickwireError | undefined;
  /** Count of the last tick ever sent. */
  #highest = 0;
  #isFlushPlanned = false;
  readonly #live: Waiter[] = [];
  readonly #room: Waiter[] = [];
  readonly #drained: Waiter[] = [];

  /** @throws TickwireError bad_input for a zone rule or stream id that is none */
  constructor(readonly options: TerminalOptions) {
    const { account, server, name, zone, secret = '' } = options;
    this.clock = new ServerClock(zone);
    this.streamId = options.streamId ?? randomBytes(16).toString('hex');
    if (!/^[0-9a-f]{32}$/.test(this.streamId)) {
      throw new TickwireError('bad_input', 'A stream id is 32 lower-case hex digits.');
    }
    this.#backlog = new Backlog(options.backlogTicks ?? MT5_BACKLOG_TICKS);
    const hello = encodeHello({ account, server, name, zone, secret, streamId: this.streamId });
    this.#link = new TerminalLink(options, hello, {
      onWelcome: (durable) => this.#welcome(durable),
      onAck: (durable) => this.#acknowledge(durable),
      onDrain: () => this.#flush(),
      onFailed: (sentence) => this.#fail(sentence),
      onNote: (sentence) => this.#note(sentence),
    });
  }

  /** Whether the port has welcomed the present connection. */
  get isLive(): boolean {
    return this.#link.live !== undefined;
  }

  get counters(): TerminalCounters {
    const { count, acked } = this.#backlog;
    return { ticks: count, acked, ...this.#counters, ...this.#link.counters };
  }

  /** Connects, and keeps trying. Resolves at the first welcome; rejects when the port refuses for good. */
  start(): Promise<void> {
    if (this.#failure === undefined) this.#link.connect();
    return this.#wait(this.#live, false);
  }

  /** Defines a symbol; the number it gives is what `send` takes. */
  define(raw: string, digits: number, details: { alias?: string; negative?: boolean } = {}): number {
    const { alias = '', negative = false } = details;
    const symbol = { local: this.#symbols.length, raw, digits, alias, negative };
    this.#symbols.push(symbol);
    this.#link.live?.write(encodeSymbol(symbol));
    return symbol.local;
  }

  /**
   * Keeps a tick and sends it as soon as it can. False: the backlog is full, the tick was not taken, and the
   * source is to wait for `room`.
   * @param symbol what `define` gave
   * @param utcMs UTC, in milliseconds: the tick carries the server's wall clock at that time
   * @param flags bits of MqlFlag
   * @param volume of the last deal; its whole part goes into the integer field too
   */
  send(
    symbol: number,
    utcMs: number,
    flags: number,
    bid: number,
    ask: number,
    last = 0,
    volume = 0,
  ): boolean {
    const tick = this.#tick;
    tick.timeMs = this.clock.toWall(utcMs);
    tick.time = Math.floor(tick.timeMs / 1000);
    tick.flags = flags;
    tick.bid = bid;
    tick.ask = ask;
    tick.last = last;
    tick.volume = volume > 0 && volume <= Number.MAX_SAFE_INTEGER ? Math.floor(volume) : 0;
    tick.volumeReal = volume;
    return this.sendRaw(symbol, tick);
  }

  /** As `send`, for a tick as the trade server gave it, in its wall clock. The object is not kept. */
  sendRaw(symbol: number, tick: MqlTick): boolean {
    if (this.#backlog.free === 0) return false;
    this.#backlog.add(symbol, tick);
    this.#planFlush();
    return true;
  }

  /** Resolves when an eighth of the backlog is free. Rejects when the terminal is refused for good or closed. */
  room(): Promise<void> {
    return this.#wait(this.#room, this.#hasRoom());
  }

  /** Resolves when every tick is acknowledged. Rejects as `room` does. */
  drain(): Promise<void> {
    return this.#wait(this.#drained, this.#backlog.isDrained);
  }

  /** Says bye and closes. What is not acknowledged by then is lost with the terminal: `drain` first. */
  async close(): Promise<void> {
    this.#failure ??= new TickwireError('connection_refused', 'The terminal was closed.');
    this.#rejectAll(this.#failure);
    await this.#link.close();
  }

  /** Cuts the connection as a broken network would; the terminal comes back. For tests and fault drills. */
  cut(): void {
    this.#link.cut();
  }

  #welcome(durable: number): void {
    const backlog = this.#backlog;
    if (durable > backlog.count) {
      this.#link.abandon();
      this.#link.cut();
      this.#fail(
        `The port knows ${durable} ticks of stream ${this.streamId}, which has only ${backlog.count}: take a new stream id.`,
      );
      return;
    }
    backlog.acknowledge(durable);
    backlog.rewind();
    for (const symbol of this.#symbols) this.#link.live?.write(encodeSymbol(symbol));
    settle(this.#live);
    this.#settleByCount();
    this.#flush();
  }

  #acknowledge(durable: number): void {
    // It may be more than was sent on this connection: what an earlier one had brought over has become durable.
    if (durable > this.#highest)
      throw new Refusal('bad_framing', 'It acknowledges ticks that were never sent.');
    this.#backlog.acknowledge(durable);
    this.#settleByCount();
  }

  #settleByCount(): void {
    if (this.#hasRoom()) settle(this.#room);
    if (this.#backlog.isDrained) settle(this.#drained);
  }

  #planFlush(): void {
    if (this.#isFlushPlanned || !this.isLive) return;
    this.#isFlushPlanned = true;
    setImmediate(this.#flushPlanned);
  }

  readonly #flushPlanned = (): void => {
    this.#isFlushPlanned = false;
    this.#flush();
  };

  /** Writes batches as long as the socket takes them at once. */
  #flush(): void {
    const backlog = this.#backlog;
    for (;;) {
      const socket = this.#link.live;
      if (socket === undefined || socket.destroyed || socket.writableNeedDrain) return;
      const ticks = backlog.nextBatch(MT5_BATCH_TICKS_MAX);
      if (ticks === 0) return;
      const first = backlog.sent + 1;
      const { bytes, flushed } = backlog.take(ticks);
      socket.cork();
      socket.write(encodeBatchHeader(first, ticks));
      socket.write(bytes, () => {
        flushed();
        if (this.#room.length > 0) this.#settleByCount();
      });
      socket.uncork();
      this.#counters.batches++;
      this.#counters.sent += ticks;
      this.#counters.resent += Math.max(0, Math.min(ticks, this.#highest - first + 1));
      this.#highest = Math.max(this.#highest, backlog.sent);
    }
  }

  #hasRoom(): boolean {
    return this.#backlog.free >= Math.ceil(this.#backlog.capacity / 8);
  }

  #wait(waiters: Waiter[], isDone: boolean): Promise<void> {
    if (isDone) return Promise.resolve();
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => waiters.push({ resolve, reject }));
  }

  #note(sentence: string): void {
    this.lastEvent = sentence;
    this.options.onEvent?.(sentence);
  }

  #fail(sentence: string): void {
    this.#note(sentence);
    this.#failure ??= new TickwireError('connection_refused', sentence);
    this.#rejectAll(this.#failure);
  }

  #rejectAll(error: Error): void {
    for (const waiters of [this.#live, this.#room, this.#drained]) {
      for (const waiter of waiters.splice(0)) waiter.reject(error);
    }
  }
}

function settle(waiters: Waiter[]): void {
  for (const waiter of waiters.splice(0)) waiter.resolve();
}
