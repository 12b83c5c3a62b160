/** One WebSocket connection: its requests, its subscriptions, its window. */
import {
  ANSWER_BYTES_PER_CONNECTION_MAX,
  COHORT_BYTES,
  EVERY_COHORT_WINDOW_BYTES,
  FRAME_BYTES_MAX,
  WINDOW_BYTES,
} from '../../core/limits.js';
import { nanoseconds } from '../../core/tick.js';
import { decodeCursor } from '../../wire/cursor.js';
import { jsonControl } from '../../wire/json.js';
import { packControl } from '../../wire/msgpack.js';
import type { TickEncoder } from '../../wire/payload.js';
import { CloseCode, type Encoding, type ServerMessage } from '../../wire/ticks.js';
import { type CloseReason, closeReasonFor } from '../access/close-reason.js';
import type { ConnectionGuard } from '../access/gate.js';
import type { Frame, FrameTarget } from '../batch/frame.js';
import type { SharedView } from '../batch/shared-view.js';
import type { FanoutSettings } from '../contract/options.js';
import type { WebSocket } from '../contract/uws.js';
import type { Cohort, Cohorts, Member } from '../reader/cohort.js';
import type { SubscriptionReader } from '../reader/subscription-reader.js';
import { fillFrame } from '../session/fill-frame.js';
import { Operations, type OperationsHost } from '../session/operations.js';
import { parseMessage } from '../session/requests.js';
import type { HeartbeatBytes } from './heartbeat.js';
import { Liveness } from './liveness.js';
import { RequestQueue, type RequestTurns } from './request-queue.js';
import { SendWindow } from './send-window.js';

/** Below this room a connection waits for its pongs: smaller frames are not worth their `send`. */
const ROOM_MIN = 16 * 1024;
/** Bytes of one frame that stream readers fill: while the client takes in one that left it behind, the next is under way. */
const STREAM_BYTES_MAX = WINDOW_BYTES / 2 - 8 * 1024;
/** Bytes in the socket's own buffer above which a connection waits for them to drain. */
const BUFFERED_MAX = 64 * 1024;
/** What uWebSockets says of a message that left nothing behind in its own buffer. */
const SENT = 1;
/** What uWebSockets tells of a connection that ended without a closing handshake. */
const LOST = 1006;

/** What uWebSockets keeps for a connection, or for one that is closed at once. */
export type ConnectionData =
  | { encoding: Encoding; guard: ConnectionGuard; connection: Connection | undefined }
  | { refused: CloseReason };

export class Connection implements FrameTarget, OperationsHost, Member {
  readonly encoder: TickEncoder;
  readonly #operations: Operations;
  readonly #window = new SendWindow();
  readonly #after: ServerMessage[] = [];
  #turn = 0;
  #beatAtMs: number;
  /** Whether the last flush had room for all that there was. */
  #flushedAll = false;
  #closed = false;
  #closedByUs = false;
  /** Whether uWebSockets may hold what the kernel has not taken. */
  #mayBeBuffered = false;
  #cohort: Cohort | null = null;
  readonly #liveness: Liveness;
  readonly #requests: RequestQueue;
  /** Bytes of answers that are counted as not read. */
  #unread = 0;

  constructor(
    readonly socket: WebSocket<ConnectionData>,
    readonly shared: SharedView,
    readonly encoding: Encoding,
    readonly settings: FanoutSettings,
    readonly cohorts: Cohorts,
    readonly count: (ticks: number, bytes: number) => void,
    readonly guard: ConnectionGuard,
    turns: RequestTurns,
    /** Flushes it soon, or between two rounds: there is more for it, and room. */
    readonly goOn: (connection: Connection) => void,
  ) {
    this.encoder = shared.encoders[encoding];
    // Those that connect together are not to be beaten for together for ever.
    this.#beatAtMs = performance.now() - Math.random() * settings.heartbeatMs;
    this.#liveness = new Liveness(settings.idleMs, performance.now());
    this.#operations = new Operations(shared, this, encoding, settings);
    this.#requests = new RequestQueue(turns, this.address, (message, isBinary) =>
      this.#handle(message, isBinary),
    );
  }

  get address(): string {
    return this.guard.slot.address;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  message(message: ArrayBuffer, isBinary: boolean): void {
    if (this.#closed) return;
    this.#liveness.heard();
    if (this.#closeFor(this.guard.take(message.byteLength))) return;
    this.#closeFor(this.#requests.take(message, isBinary));
  }

  #handle(message: ArrayBuffer, isBinary: boolean): void | Promise<void> {
    if (this.#closed) return;
    // Whose request had to wait was not silent.
    this.#liveness.heard();
    this.leaveCohort();
    const parsed = parseMessage(message, isBinary, this.encoding);
    if ('error' in parsed) {
      this.control({ op: 'error', temporary: false, ...parsed.error });
      this.#closeFor(this.guard.bad());
      return;
    }
    const { request } = parsed;
    const refusal = this.guard.refusal(request.id, request.op);
    if (refusal !== null) {
      this.control(refusal);
    } else if (request.op === 'auth') {
      this.guard.authorise(
        request.id,
        request.token,
        (answer) => this.control(answer),
        (closeReason) => this.#closeFor(closeReason),
      );
    } else if (request.op === 'ping') {
      this.control({ op: 'pong', id: request.id, time: this.#time() });
    } else {
      return this.#operations.handle(request);
    }
  }

  #closeFor(closing: CloseReason | null): boolean {
    if (closing === null) return false;
    this.close(closing);
    return true;
  }

  #time(): bigint | string {
    const { clock } = this.shared;
    clock.stamp();
    const time = nanoseconds(clock.seconds, clock.nanos);
    return this.encoding === 'json' ? String(time) : time;
  }

  /** Before its subscriptions change: in a cohort their readers are those of others, too. */
  leaveCohort(): void {
    this.#cohort?.remove(this);
  }

  /** Ends one of its subscriptions. */
  end(sub: number): void {
    this.#operations.end(sub);
  }

  /** Sends what there is room for. True when there is room for more in a further flush. */
  flush(frame: Frame): boolean {
    if (this.#cohort !== null) return false;
    this.#flushedAll = false;
    if (this.#closed || this.#operations.subscriptions.length === 0) return false;
    const { room, unanswered } = this.#window;
    if (room < ROOM_MIN || this.#isBuffered) {
      if (this.#window.unasked) this.#ping();
      return false;
    }
    let [all, ticks] = [false, 0];
    do {
      frame.begin(this, Math.min(this.#window.room, FRAME_BYTES_MAX));
      all = this.#fill(frame);
      ticks = frame.ticks;
      frame.finish();
      this.count(ticks, 0);
    } while (!all && ticks > 0 && this.#window.room >= STREAM_BYTES_MAX && !this.#isBuffered);
    this.#flushedAll = all;
    if (this.#after.length > 0) for (const message of this.#after.splice(0)) this.control(message);
    // What stopped for want of window goes on when the pong comes, which only a ping can bring.
    if (!all && this.#window.room < WINDOW_BYTES && this.#window.unasked) this.#ping();
    if (all && this.#window.unanswered - unanswered <= COHORT_BYTES && this.mayJoin) this.cohorts.join(this);
    return !all && ticks > 0;
  }

  /** Whether the kernel has not taken what was sent; of little sent, or all of it taken at once, that need not be asked. */
  get #isBuffered(): boolean {
    if (!this.#mayBeBuffered || this.#window.unanswered <= BUFFERED_MAX) return false;
    const buffered = this.socket.getBufferedAmount();
    this.#mayBeBuffered = buffered > 0;
    return buffered > BUFFERED_MAX;
  }

  get mayJoin(): boolean {
    const { subscriptions } = this.#operations;
    if (this.#closed || this.#cohort !== null || subscriptions.length !== 1) return false;
    const [{ group }] = subscriptions;
    return group.users > 1 && subscriptions[0].isCaughtUp && this.keepsUp(WINDOW_BYTES);
  }

  /** Whether there is room for whatever the cohort may send next, and the client takes it before it misses a heartbeat. */
  keepsUp(windowBytes: number): boolean {
    const { unanswered } = this.#window;
    return windowBytes - unanswered >= COHORT_BYTES && this.#isQuick && !this.#isBuffered;
  }

  get #isQuick(): boolean {
    return this.#window.messageBytes(this.settings.heartbeatMs) >= COHORT_BYTES;
  }

  get reader(): SubscriptionReader {
    return this.#operations.subscriptions[0].reader;
  }

  joined(cohort: Cohort): void {
    this.#operations.subscriptions[0].join(cohort.reader);
    this.#cohort = cohort;
  }

  left(): void {
    this.#cohort = null;
    // What the cohort lacked is now its own to wait for.
    this.#flushedAll = false;
    this.#operations.subscriptions[0].leave();
  }

  /** The ping goes first: behind a message that is too large for uWebSockets to put off, it would be a call of its own. */
  sendShared(message: Uint8Array, text: boolean, pingEveryBytes: number): void {
    if (this.#window.isPingDue(pingEveryBytes)) {
      this.#together(() => {
        this.#ping();
        this.#send(message, text);
      });
    } else {
      this.#send(message, text);
    }
    this.#window.count(message.length);
  }

  #fill(frame: Frame): boolean {
    const { subscriptions } = this.#operations;
    return fillFrame(frame, subscriptions, this.#turn++, () =>
      Math.min(STREAM_BYTES_MAX, this.#window.messageBytes(this.settings.heartbeatMs)),
    );
  }

  /** To be called several times per heartbeat: says that it is there, and sees whether the client is. */
  look(nowMs: number, heartbeat: HeartbeatBytes): void {
    if (this.#closed || this.#closeFor(this.guard.look(nowMs))) return;
    const life = this.#liveness.look(nowMs);
    if (life === 'gone') {
      this.close(closeReasonFor(CloseCode.idle, `no sign of life for ${this.settings.idleMs} ms`));
      return;
    }
    if (life === 'ask') this.socket.ping();
    if (nowMs - this.#beatAtMs < this.settings.heartbeatMs || this.#window.room <= 0) return;
    this.#beatAtMs = nowMs;
    this.transmit(heartbeat.of(this.encoding), this.encoder.text);
  }

  /** Whether the client has got everything up to `heads`, by shard, and said so. Asks it, where it has not. */
  drained(heads: readonly number[]): boolean {
    const { subscriptions } = this.#operations;
    if (subscriptions.length > 0 && !this.#flushedAll) return false;
    for (const subscription of subscriptions) {
      if (subscription.paused) continue;
      const cursor = decodeCursor(subscription.cursor());
      if (cursor === null || cursor.epoch !== this.shared.epoch) return false;
      if (heads.some((head, shard) => cursor.seqs[shard] < head)) return false;
    }
    if (this.#window.unanswered > 0 && this.#window.unasked) this.#ping();
    return this.#window.unanswered === 0;
  }

  control(message: ServerMessage): void {
    if (this.#closed) return;
    const isText = this.encoding === 'json';
    const bytes = isText ? Buffer.from(jsonControl(message)) : packControl(message);
    const why = this.#answersInTheWay(bytes.length);
    if (why !== null) {
      this.close(closeReasonFor(CloseCode.slow, why));
      return;
    }
    this.transmit(bytes, isText);
    this.#countUnread();
  }

  /** Why an answer of so many bytes is one too many, if so: clients that ask and do not read would fill the memory. */
  #answersInTheWay(bytes: number): string | null {
    const { unanswered } = this.#window;
    if (unanswered > ANSWER_BYTES_PER_CONNECTION_MAX) return 'answers are not read';
    if (unanswered + bytes <= EVERY_COHORT_WINDOW_BYTES) return null;
    const bound = this.shared.quotas.answerBytes.exceededBy(this.address, bytes);
    return bound === null ? null : `too many bytes of answers are not read ${bound}`;
  }

  /** What is beyond a window are answers: ticks never are. */
  #countUnread(): void {
    const unread = this.#closed ? 0 : Math.max(0, this.#window.unanswered - EVERY_COHORT_WINDOW_BYTES);
    if (unread === this.#unread) return;
    this.shared.quotas.answerBytes.add(this.address, unread - this.#unread);
    this.#unread = unread;
  }

  controlAfterFrame(message: ServerMessage): void {
    this.#after.push(message);
  }

  transmit(message: Uint8Array, text: boolean): void {
    if (this.#closed) return;
    this.count(0, message.length);
    if (!this.#window.count(message.length)) {
      this.#send(message, text);
      return;
    }
    this.#together(() => {
      this.#send(message, text);
      this.#ping();
    });
  }

  #send(message: Uint8Array, text: boolean): void {
    if (this.socket.send(message, !text) !== SENT) this.#mayBeBuffered = true;
  }

  /** Sends several things in one call of the operating system; whether it took them is not told. */
  #together(send: () => void): void {
    this.#mayBeBuffered = true;
    this.socket.cork(send);
  }

  #ping(): void {
    // A message that was one too many may have closed it just now, and uWebSockets throws then.
    if (this.#closed) return;
    this.socket.ping(this.#window.ping());
  }

  /** The protocol layer has answered it already. */
  pinged(): void {
    if (this.#closed) return;
    this.#liveness.heard();
    this.#closeFor(this.guard.take(0));
  }

  pong(message: ArrayBuffer): void {
    this.#liveness.heard();
    // uWebSockets puts together what is sent from here.
    this.#mayBeBuffered = true;
    const isAnswer = this.#window.pong(message);
    this.#countUnread();
    if (isAnswer && !this.#flushedAll) this.goOn(this);
  }

  /** Says why and closes. */
  close({ code, reason }: CloseReason): void {
    if (this.#closed) return;
    this.#closedByUs = true;
    this.guard.access.refusals.closed[code]++;
    // Behind bytes that a silent client does not take, a close frame would only keep them in memory.
    if (code === CloseCode.idle && this.socket.getBufferedAmount() > 0) this.socket.close();
    else this.socket.end(code, reason);
  }

  /** The socket is gone. */
  closed(code: number): void {
    this.#closed = true;
    this.#cohort?.remove(this);
    this.#requests.clear();
    this.#countUnread();
    this.guard.slot.leave();
    if (code === LOST && !this.#closedByUs) this.guard.access.refusals.lost++;
    this.#operations.endAll();
  }
}
