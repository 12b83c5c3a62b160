/** One WebSocket connection: its requests, its subscriptions and its send window. */
import {
  ANSWER_BYTES_PER_CONNECTION_MAX,
  COHORT_BYTES,
  EVERY_COHORT_WINDOW_BYTES,
  FRAME_BYTES_MAX,
  WINDOW_BYTES,
} from '../../core/limits.js';
import { nanoseconds } from '../../core/tick-record.js';
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

/** Bytes of room in the send window below which a connection waits for pongs: a smaller frame is not worth a `send`. */
const ROOM_MIN = 16 * 1024;
/** Bytes of one frame that stream readers may fill: less than half a window, so two frames can be in flight at once. */
const STREAM_BYTES_MAX = WINDOW_BYTES / 2 - 8 * 1024;
/** Bytes in the socket's own buffer above which a connection waits for them to drain. */
const BUFFERED_MAX = 64 * 1024;
/** What `send` of uWebSockets returns when nothing of the message stays in its own buffer. */
const SENT = 1;
/** The close code that uWebSockets reports for a connection that ended without a closing handshake. */
const LOST = 1006;

/** The user data of a socket in uWebSockets; `refused` for a connection that is closed at once. */
export type ConnectionData =
  | { encoding: Encoding; guard: ConnectionGuard; connection: Connection | undefined }
  | { refused: CloseReason };

export class Connection implements FrameTarget, OperationsHost, Member {
  readonly encoder: TickEncoder;
  readonly #operations: Operations;
  readonly #window = new SendWindow();
  readonly #afterFrame: ServerMessage[] = [];
  #turn = 0;
  #heartbeatAtMs: number;
  /** Whether the last flush sent everything there was. */
  #flushedAll = false;
  #closed = false;
  #closedByUs = false;
  /** Whether the buffer of uWebSockets may hold bytes that the kernel has not taken. */
  #mayBeBuffered = false;
  #cohort: Cohort | null = null;
  readonly #liveness: Liveness;
  readonly #requests: RequestQueue;
  /** Bytes of unread answers that are counted against the quota. */
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
    /** Called when there is more to send and room again: flushes the connection at once, or in the next round. */
    readonly resumeSending: (connection: Connection) => void,
  ) {
    this.encoder = shared.encoders[encoding];
    // Random, so that connections that opened together do not get all their heartbeats together.
    this.#heartbeatAtMs = performance.now() - Math.random() * settings.heartbeatMs;
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
    // The request may have waited for its turn: the client was not silent meanwhile.
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

  #closeFor(closeReason: CloseReason | null): boolean {
    if (closeReason === null) return false;
    this.close(closeReason);
    return true;
  }

  #time(): bigint | string {
    const { clock } = this.shared;
    clock.stamp();
    const time = nanoseconds(clock.seconds, clock.nanos);
    return this.encoding === 'json' ? String(time) : time;
  }

  /** Called before the subscriptions change: the members of a cohort share one reader. */
  leaveCohort(): void {
    this.#cohort?.remove(this);
  }

  /** Ends a subscription of this connection. */
  end(sub: number): void {
    this.#operations.end(sub);
  }

  /** Sends what the window has room for. True when there is more to send in a further flush. */
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
    if (this.#afterFrame.length > 0) for (const message of this.#afterFrame.splice(0)) this.control(message);
    // A full window opens when a pong arrives, and only a ping causes a pong.
    if (!all && this.#window.room < WINDOW_BYTES && this.#window.unasked) this.#ping();
    if (all && this.#window.unanswered - unanswered <= COHORT_BYTES && this.mayJoin) this.cohorts.join(this);
    return !all && ticks > 0;
  }

  /** Whether the kernel lags behind. Asks uWebSockets only when enough was sent and some of it was not taken at once. */
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

  /** Whether the window has room for a frame of a cohort, and the client reads one within a heartbeat interval. */
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
    // The cohort may not have sent everything: the rest must now be sent by this connection.
    this.#flushedAll = false;
    this.#operations.subscriptions[0].leave();
  }

  /** The ping is sent first. After a message too large for corking, the ping would need a system call of its own. */
  sendShared(message: Uint8Array, text: boolean, pingEveryBytes: number): void {
    if (this.#window.isPingDue(pingEveryBytes)) {
      this.#corked(() => {
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

  /** Called several times per heartbeat interval: sends heartbeats, and closes the connection if the client is gone. */
  check(nowMs: number, heartbeat: HeartbeatBytes): void {
    if (this.#closed || this.#closeFor(this.guard.checkDeadline(nowMs))) return;
    const life = this.#liveness.check(nowMs);
    if (life === 'gone') {
      this.close(closeReasonFor(CloseCode.idle, `no sign of life for ${this.settings.idleMs} ms`));
      return;
    }
    if (life === 'ask') this.socket.ping();
    if (nowMs - this.#heartbeatAtMs < this.settings.heartbeatMs || this.#window.room <= 0) return;
    this.#heartbeatAtMs = nowMs;
    this.transmit(heartbeat.of(this.encoding), this.encoder.text);
  }

  /** Whether the client has acknowledged everything up to `heads` (by shard). If not, sends a ping. */
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
    const why = this.#answerLimitExceeded(bytes.length);
    if (why !== null) {
      this.close(closeReasonFor(CloseCode.slow, why));
      return;
    }
    this.transmit(bytes, isText);
    this.#countUnread();
  }

  /**
   * Why an answer of `bytes` bytes exceeds a limit; null where it does not. Clients that send requests and do not read
   * the answers would otherwise fill the memory.
   */
  #answerLimitExceeded(bytes: number): string | null {
    const { unanswered } = this.#window;
    if (unanswered > ANSWER_BYTES_PER_CONNECTION_MAX) return 'answers are not read';
    if (unanswered + bytes <= EVERY_COHORT_WINDOW_BYTES) return null;
    const bound = this.shared.quotas.answerBytes.exceededBy(this.address, bytes);
    return bound === null ? null : `too many bytes of answers are not read ${bound}`;
  }

  /** Bytes beyond the largest window can only be answers, because ticks never exceed a window. */
  #countUnread(): void {
    const unread = this.#closed ? 0 : Math.max(0, this.#window.unanswered - EVERY_COHORT_WINDOW_BYTES);
    if (unread === this.#unread) return;
    this.shared.quotas.answerBytes.add(this.address, unread - this.#unread);
    this.#unread = unread;
  }

  controlAfterFrame(message: ServerMessage): void {
    this.#afterFrame.push(message);
  }

  transmit(message: Uint8Array, text: boolean): void {
    if (this.#closed) return;
    this.count(0, message.length);
    if (!this.#window.count(message.length)) {
      this.#send(message, text);
      return;
    }
    this.#corked(() => {
      this.#send(message, text);
      this.#ping();
    });
  }

  #send(message: Uint8Array, text: boolean): void {
    if (this.socket.send(message, !text) !== SENT) this.#mayBeBuffered = true;
  }

  /** Sends several messages with one system call. uWebSockets does not report whether the kernel took all of them. */
  #corked(send: () => void): void {
    this.#mayBeBuffered = true;
    this.socket.cork(send);
  }

  #ping(): void {
    // Sending the last message may have closed the socket, and uWebSockets throws on a closed one.
    if (this.#closed) return;
    this.socket.ping(this.#window.ping());
  }

  /** The client has sent a ping, which uWebSockets has answered. */
  pinged(): void {
    if (this.#closed) return;
    this.#liveness.heard();
    this.#closeFor(this.guard.take(0));
  }

  pong(message: ArrayBuffer): void {
    this.#liveness.heard();
    // uWebSockets corks what is sent from this handler.
    this.#mayBeBuffered = true;
    const isAnswer = this.#window.pong(message);
    this.#countUnread();
    if (isAnswer && !this.#flushedAll) this.resumeSending(this);
  }

  /** Closes the connection with a code and a reason. */
  close({ code, reason }: CloseReason): void {
    if (this.#closed) return;
    this.#closedByUs = true;
    this.guard.access.refusals.closed[code]++;
    // A close frame would wait in memory behind bytes that a silent client never reads.
    if (code === CloseCode.idle && this.socket.getBufferedAmount() > 0) this.socket.close();
    else this.socket.end(code, reason);
  }

  /** Called when the socket has closed. */
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
