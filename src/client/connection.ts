import { messageOf } from '../core/errors.js';
import type { Hello, ServerMessage } from '../wire/ticks.js';
import type { SocketConstructor, SocketLike } from './socket.js';

/** Shares of the heartbeat interval: when silence is suspicious, and when it is taken for a loss. */
const MUTE_HEARTBEATS = 2;
const LOST_HEARTBEATS = 3;
const CHECKS_PER_HEARTBEAT = 4;
/** How long a peer has for its side of the closing handshake: a stopped process would keep this one alive. */
const CLOSE_PATIENCE_MS = 1000;
/** The close code that browsers give a connection that ended without a closing handshake. */
export const CODE_LOST = 1006;

/** What one connection reports to its client. Nothing is reported after `onDown`. */
export interface ConnectionHandlers {
  onHello(hello: Hello): void;
  onControl(message: ServerMessage): void;
  /** `decode` has met a message of ticks. */
  onTicks(): void;
  /** Two heartbeats are missing, or messages came again. */
  onMute(mute: boolean): void;
  onDown(code: number, reason: string): void;
  /** Returns a control message, or undefined for ticks; throws if the data is neither. */
  decode(data: unknown): ServerMessage | undefined;
}

/**
 * One WebSocket connection from its attempt to its end: waits for `hello` and for the client's `begin`, and
 * watches from then on that something is heard at least every three heartbeats, since a connection can be open
 * and yet lead nowhere.
 */
export class Connection {
  readonly #socket: SocketLike;
  readonly #handlers: ConnectionHandlers;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #heardAt = 0;
  #checkedAt = 0;
  #mute = false;
  #down = false;
  #greeted = false;

  /** @param timeoutMs milliseconds from now within which `hello` must have come, and `begin` been called */
  constructor(
    Socket: SocketConstructor,
    url: string,
    protocol: string,
    timeoutMs: number,
    handlers: ConnectionHandlers,
  ) {
    this.#handlers = handlers;
    this.#socket = new Socket(url, [protocol]);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.onmessage = (event: { data: unknown }) => this.#message(event.data);
    this.#socket.onclose = (event: { code: number; reason: string }) => this.#end(event.code, event.reason);
    // An error is always followed by a close; only its message says what failed.
    let failure = '';
    this.#socket.onerror = (event: { message?: string }) => {
      failure = event.message ?? '';
      this.#socket.onclose = (close: { code: number; reason: string }) =>
        this.#end(close.code, close.reason || failure);
    };
    this.#timer = setTimeout(() => {
      this.abandon(`${this.#greeted ? 'not authorised' : 'no hello'} within ${timeoutMs} ms`);
    }, timeoutMs);
  }

  /** The connection is good for its work: from now on silence is watched, not the time that it took. */
  begin(heartbeatMs: number): void {
    if (this.#down) return;
    clearTimeout(this.#timer);
    this.#watch(heartbeatMs);
  }

  send(data: string | Uint8Array): void {
    if (!this.#down) this.#socket.send(data);
  }

  /** Ends it from this side; `onDown` is not called. A peer that does not answer the closing handshake is left. */
  close(): void {
    this.#stop();
    const socket = this.#socket;
    const timer = setTimeout(() => socket.terminate?.(), CLOSE_PATIENCE_MS);
    socket.onclose = () => clearTimeout(timer);
    socket.close(1000);
  }

  #message(data: unknown): void {
    this.#heardAt = performance.now();
    let message: ServerMessage | undefined;
    try {
      message = this.#handlers.decode(data);
    } catch (error) {
      this.abandon(`unreadable message: ${messageOf(error)}`);
      return;
    }
    if (message === undefined) {
      this.#handlers.onTicks();
    } else if (message.op === 'hello' && !this.#greeted) {
      this.#greeted = true;
      this.#handlers.onHello(message);
    } else {
      this.#handlers.onControl(message);
    }
  }

  #watch(heartbeatMs: number): void {
    const periodMs = heartbeatMs / CHECKS_PER_HEARTBEAT;
    this.#checkedAt = performance.now();
    const check = () => {
      const now = performance.now();
      // A late timer means that this thread was stopped (a sleeping laptop, a long task): what arrived
      // meanwhile is still waiting to be handled, so silence proves nothing yet.
      const stoodStill = now - this.#checkedAt > heartbeatMs;
      this.#checkedAt = now;
      const silentMs = now - this.#heardAt;
      if (!stoodStill && silentMs > LOST_HEARTBEATS * heartbeatMs) {
        this.abandon(`nothing heard for ${Math.round(silentMs)} ms`);
        return;
      }
      const mute = silentMs > MUTE_HEARTBEATS * heartbeatMs;
      if (mute !== this.#mute) this.#handlers.onMute((this.#mute = mute));
      if (!this.#down) this.#timer = setTimeout(check, periodMs);
    };
    this.#timer = setTimeout(check, periodMs);
  }

  /** Drops a connection that is of no use any more; `onDown` is called at once. */
  abandon(reason: string): void {
    // A closing handshake with a peer that is gone would take minutes.
    if (this.#socket.terminate !== undefined) this.#socket.terminate();
    else this.#socket.close();
    this.#end(CODE_LOST, reason);
  }

  #end(code: number, reason: string): void {
    if (this.#down) return;
    this.#stop();
    this.#handlers.onDown(code, reason);
  }

  #stop(): void {
    this.#down = true;
    clearTimeout(this.#timer);
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    // `ws` emits an error when a connection is dropped while it opens; nobody is left to care.
    this.#socket.onerror = () => {};
  }
}
