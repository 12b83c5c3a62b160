/** One WebSocket connection: its requests, its subscriptions, its window. */
import { messageOf } from '../errors.js';
import { FRAME_BYTES_MAX, SUBSCRIBE_PATTERNS_MAX, WINDOW_BYTES } from '../limits.js';
import { KIND_NAMES, Kind, nanoseconds } from '../tick.js';
import type { TickEncoder } from '../wire/body.js';
import { decodeCursor } from '../wire/cursor.js';
import { jsonControl } from '../wire/json.js';
import { packControl } from '../wire/msgpack.js';
import { CloseCode, type Encoding, type RequestId, type ServerMessage } from '../wire/ticks.js';
import { type Closing, closingFor } from './closing.js';
import type { Frame, FrameTarget } from './frame.js';
import type { Gate } from './gate.js';
import { Liveness } from './liveness.js';
import type { FanoutSettings } from './options.js';
import { parseMessage, type Subscribe } from './requests.js';
import { type Resume, resumeAt } from './resume.js';
import type { Stream } from './stream.js';
import { Subscription, type SubscriptionHost } from './subscription.js';
import type { WebSocket } from './uws.js';
import { Window } from './window.js';

/** Below this room a connection waits for its pongs: smaller frames are not worth their `send`. */
const ROOM_MIN = 16 * 1024;
/** Bytes in the socket's own buffer above which a connection waits for them to drain. */
const BUFFERED_MAX = 64 * 1024;
/** Bytes of answers to requests that may be under way: a client that asks and does not read is closed. */
const ANSWERS_BYTES_MAX = 8 * 1024 * 1024;
/** What uWebSockets tells of a connection that ended without a closing handshake. */
const LOST = 1006;

/** What uWebSockets keeps for a connection, or for one that is closed at once. */
export type ConnectionData =
  | { encoding: Encoding; gate: Gate; connection: Connection | undefined }
  | { refused: Closing };

export class Connection implements FrameTarget, SubscriptionHost {
  readonly encoder: TickEncoder;
  readonly subscriptions = new Map<number, Subscription>();
  readonly #window = new Window();
  readonly #after: ServerMessage[] = [];
  #nextSub = 1;
  #opening = 0;
  #turn = 0;
  #sentAtMs = 0;
  /** Whether the last flush had room for all that there was. */
  #flushedAll = false;
  #closed = false;
  #closedByUs = false;
  readonly #liveness: Liveness;

  constructor(
    readonly socket: WebSocket<ConnectionData>,
    readonly stream: Stream,
    readonly encoding: Encoding,
    readonly settings: FanoutSettings,
    readonly count: (ticks: number, bytes: number) => void,
    readonly gate: Gate,
  ) {
    this.encoder = stream.encoders[encoding];
    this.#liveness = new Liveness(settings.idleMs, performance.now());
  }

  message(message: ArrayBuffer, isBinary: boolean): void {
    if (this.#closed) return;
    this.#liveness.heard();
    if (this.#closeFor(this.gate.take(message.byteLength))) return;
    const parsed = parseMessage(message, isBinary, this.encoding);
    if ('error' in parsed) {
      this.control({ op: 'error', temporary: false, ...parsed.error });
      this.#closeFor(this.gate.bad());
      return;
    }
    const { request } = parsed;
    const refusal = this.gate.refusal(request.id, request.op);
    if (refusal !== null) {
      this.control(refusal);
    } else if (request.op === 'auth') {
      this.gate.authorise(
        request.id,
        request.token,
        (answer) => this.control(answer),
        (closing) => this.#closeFor(closing),
      );
    } else if (request.op === 'ping') {
      this.control({ op: 'pong', id: request.id, time: this.#time() });
    } else if (request.op === 'unsubscribe') {
      const known = this.subscriptions.has(request.sub);
      this.end(request.sub);
      if (known) this.control({ op: 'unsubscribed', id: request.id, sub: request.sub });
      else this.refuse(request.id, 'unknown_subscription', `There is no subscription ${request.sub}.`);
    } else {
      this.#subscribe(request);
    }
  }

  #closeFor(closing: Closing | null): boolean {
    if (closing === null) return false;
    this.close(closing);
    return true;
  }

  #time(): bigint | string {
    const { clock } = this.stream;
    clock.stamp();
    const time = nanoseconds(clock.seconds, clock.nanos);
    return this.encoding === 'json' ? String(time) : time;
  }

  refuse(
    id: RequestId | null,
    code: Extract<ServerMessage, { op: 'error' }>['code'],
    message: string,
    more: { oldest?: string; temporary?: boolean } = {},
  ): void {
    this.control({ op: 'error', id, code, message, temporary: false, ...more });
  }

  #subscribe(request: Subscribe): void {
    const { limits } = this.settings;
    if (request.symbols.length > limits.subscribeSymbols) {
      this.refuse(
        request.id,
        'too_many_symbols',
        `A subscription names at most ${limits.subscribeSymbols} symbols.`,
      );
    } else if (request.symbols.filter((symbol) => symbol.includes('*')).length > SUBSCRIBE_PATTERNS_MAX) {
      this.refuse(
        request.id,
        'too_many_symbols',
        `A subscription has at most ${SUBSCRIBE_PATTERNS_MAX} patterns.`,
      );
    } else if (this.subscriptions.size + this.#opening >= limits.subscriptions) {
      this.refuse(
        request.id,
        'too_many_subscriptions',
        `A connection has at most ${limits.subscriptions} subscriptions.`,
      );
    } else if (request.deliver === 'durable' && this.stream.deps.catchUp === undefined) {
      this.refuse(request.id, 'no_log', 'Without a log no tick is durable.');
    } else if (request.deliver === 'durable' && request.mode === 'latest') {
      this.refuse(request.id, 'bad_request', 'deliver: durable goes with mode every.');
    } else if (typeof request.from === 'string') {
      void this.#resume(request, request.from);
    } else {
      this.#start(request, null);
    }
  }

  async #resume(request: Subscribe, from: string): Promise<void> {
    this.#opening++;
    try {
      const critical = request.mode === 'latest' || !request.kinds.includes('quote');
      const resume = await resumeAt(this.stream, from, critical);
      if (this.#closed) return;
      if ('refused' in resume) {
        const { code, message, oldest } = resume.refused;
        this.refuse(request.id, code, message, oldest === undefined ? {} : { oldest });
      } else this.#start(request, resume);
    } catch (error) {
      if (this.#closed) return;
      this.stream.deps.logger.error({ error: messageOf(error) }, 'The epochs of the log could not be read.');
      this.refuse(request.id, 'log_failed', 'The log could not be read; try again.', { temporary: true });
    } finally {
      this.#opening--;
    }
  }

  #start(request: Subscribe, resume: Exclude<Resume, { refused: unknown }> | null): void {
    const kinds = KIND_NAMES.filter((kind) => request.kinds.includes(kind));
    let mask = 0;
    for (const kind of kinds) mask |= 1 << Kind[kind];
    const { stream } = this;
    const watch = stream.watches.acquire(request.symbols);
    const group = stream.group(this.encoding, watch, request.mode, mask);
    const intervalMs = request.mode === 'latest' ? request.intervalMs : 0;
    const { mode, deliver, snapshot } = request;
    const settings = { mode, kinds, intervalMs, deliver, snapshot: snapshot && resume === null };
    const sub = this.#nextSub++;
    const subscription = new Subscription(stream, this, sub, group, settings, resume?.point ?? null);
    this.control({
      op: 'subscribed',
      id: request.id,
      sub,
      mode,
      intervalMs,
      deliver,
      kinds,
      speed: 'max',
      epoch: subscription.epoch,
      cursor: subscription.cursorText(),
      symbols: watch.lists.flat().map((id) => subscription.describe(id)),
      unknown: watch.unknown(),
    });
    if (resume?.rewound !== undefined) this.control({ op: 'rewound', sub, ...resume.rewound });
    this.subscriptions.set(sub, subscription);
    stream.wake();
  }

  end(sub: number): void {
    this.subscriptions.get(sub)?.close();
    this.subscriptions.delete(sub);
  }

  /** Sends what there is room for. True when there is room for more in a further flush. */
  flush(frame: Frame): boolean {
    this.#flushedAll = false;
    if (this.#closed || this.subscriptions.size === 0) return false;
    const room = Math.min(this.#window.room, WINDOW_BYTES);
    if (room < ROOM_MIN || this.socket.getBufferedAmount() > BUFFERED_MAX) {
      if (this.#window.unasked) this.#ping();
      for (const subscription of this.subscriptions.values()) subscription.stand();
      return false;
    }
    frame.begin(this, Math.min(room, FRAME_BYTES_MAX));
    const all = this.#fill(frame);
    this.#flushedAll = all;
    const { ticks } = frame;
    frame.finish();
    this.count(ticks, 0);
    for (const message of this.#after.splice(0)) this.control(message);
    // What stopped for want of window goes on when the pong comes, which only a ping can bring.
    if (!all && this.#window.room < WINDOW_BYTES && this.#window.unasked) this.#ping();
    return !all && ticks > 0;
  }

  #fill(frame: Frame): boolean {
    const subscriptions = [...this.subscriptions.values()];
    const first = this.#turn++ % subscriptions.length;
    let all = true;
    for (const subscription of subscriptions) subscription.announce();
    for (let n = 0; n < subscriptions.length; n++) {
      if (!subscriptions[(first + n) % subscriptions.length].flushQuotes(frame)) all = false;
    }
    for (let n = 0; n < subscriptions.length; n++) {
      if (!subscriptions[(first + n) % subscriptions.length].flushLane(frame)) all = false;
    }
    return all;
  }

  /** To be called several times per heartbeat: says that it is there, and sees whether the client is. */
  look(nowMs: number): void {
    if (this.#closed || this.#closeFor(this.gate.look(nowMs))) return;
    const life = this.#liveness.look(nowMs);
    if (life === 'gone') {
      this.close(closingFor(CloseCode.idle, `no sign of life for ${this.settings.idleMs} ms`));
      return;
    }
    if (life === 'ask') this.socket.ping();
    if (nowMs - this.#sentAtMs < this.settings.heartbeatMs || this.#window.room <= 0) return;
    const feeds = this.stream.deps.feeds().map(({ name, state, ageMs }) => ({ feed: name, state, ageMs }));
    this.control({ op: 'heartbeat', time: this.#time(), feeds });
  }

  /** Whether the client has got everything up to `heads`, by shard, and said so. Asks it, where it has not. */
  drained(heads: readonly number[]): boolean {
    if (this.subscriptions.size > 0 && !this.#flushedAll) return false;
    for (const subscription of this.subscriptions.values()) {
      const cursor = decodeCursor(subscription.cursor());
      if (cursor === null || cursor.epoch !== this.stream.epoch) return false;
      if (heads.some((head, shard) => cursor.seqs[shard] < head)) return false;
    }
    if (this.#window.unanswered > 0 && this.#window.unasked) this.#ping();
    return this.#window.unanswered === 0;
  }

  control(message: ServerMessage): void {
    if (this.#closed) return;
    if (this.#window.unanswered > ANSWERS_BYTES_MAX) {
      this.close(closingFor(CloseCode.slow, 'answers are not read'));
      return;
    }
    if (this.encoding === 'json') this.transmit(Buffer.from(jsonControl(message)), true);
    else this.transmit(packControl(message), false);
  }

  controlAfterFrame(message: ServerMessage): void {
    this.#after.push(message);
  }

  transmit(message: Uint8Array, text: boolean): void {
    if (this.#closed) return;
    this.socket.send(message, !text);
    this.count(0, message.length);
    this.#sentAtMs = performance.now();
    if (this.#window.count(message.length)) this.#ping();
  }

  #ping(): void {
    this.socket.ping(this.#window.ping());
  }

  /** The protocol layer has answered it already. */
  pinged(): void {
    if (this.#closed) return;
    this.#liveness.heard();
    this.#closeFor(this.gate.take(0));
  }

  pong(message: ArrayBuffer): void {
    this.#liveness.heard();
    if (this.#window.pong(message) && this.subscriptions.size > 0) this.stream.wake();
  }

  /** Says why and closes. */
  close({ code, reason }: Closing): void {
    if (this.#closed) return;
    this.#closedByUs = true;
    this.gate.door.tally.closed[code]++;
    // Behind bytes that a silent client does not take, a close frame would only keep them in memory.
    if (code === CloseCode.idle && this.socket.getBufferedAmount() > 0) this.socket.close();
    else this.socket.end(code, reason);
  }

  /** The socket is gone. */
  closed(code: number): void {
    this.#closed = true;
    this.gate.place.leave();
    if (code === LOST && !this.#closedByUs) this.gate.door.tally.lost++;
    for (const sub of [...this.subscriptions.keys()]) this.end(sub);
  }
}
