/**
 * Requests take turns. What they ask may be long work, and a client may send many at once: they are done while the turn
 * of the event loop at hand has time for them. The others wait, each connection's in their order, and connections one
 * after the other.
 */
import { REQUESTS_MS } from '../../core/limits.js';
import { CloseCode } from '../../wire/ticks.js';
import { type CloseReason, closeReasonFor } from '../access/close-reason.js';
import type { Quota } from '../access/quota.js';

/** Bytes that a request which waits takes beside its own. */
const WAITING_BYTES = 256;

interface Waiting {
  message: ArrayBuffer;
  isBinary: boolean;
}

/** Does a request; a promise where it is not done yet. */
type Handle = (message: ArrayBuffer, isBinary: boolean) => void | Promise<void>;

/** What all connections of a server share. */
export class RequestTurns {
  /** Milliseconds that requests took which came in this turn of the event loop. */
  #spentMs = 0;
  #isDue = false;
  readonly #waiting = new Set<RequestQueue>();

  constructor(readonly quota: Quota) {}

  /** Whether the turn at hand has time for a request that has just come. */
  get hasTime(): boolean {
    return this.#spentMs < REQUESTS_MS;
  }

  /** Does what has just come. */
  run(body: () => void): void {
    const startedMs = performance.now();
    body();
    this.#spentMs += performance.now() - startedMs;
    this.#callBack();
  }

  /** Has a queue served in the turns that follow. */
  wait(queue: RequestQueue): void {
    this.#waiting.add(queue);
    this.#callBack();
  }

  forget(queue: RequestQueue): void {
    this.#waiting.delete(queue);
  }

  #callBack(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#spentMs = 0;
      this.#serve();
    });
  }

  #serve(): void {
    const untilMs = performance.now() + REQUESTS_MS;
    for (const queue of this.#waiting) {
      // Whoever has more goes to the end of the line.
      this.#waiting.delete(queue);
      if (queue.next()) this.#waiting.add(queue);
      if (performance.now() >= untilMs) break;
    }
    if (this.#waiting.size > 0) this.#callBack();
  }
}

/** The requests of one connection. */
export class RequestQueue {
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  /** Whether a request is being done that takes several turns. */
  #isBusy = false;

  constructor(
    readonly turns: RequestTurns,
    readonly address: string,
    readonly handle: Handle,
  ) {}

  /** Takes a message, whose memory is the caller's; why the connection is to be closed for it. */
  take(message: ArrayBuffer, isBinary: boolean): CloseReason | null {
    const { turns } = this;
    if (!this.#isBusy && this.#waiting.length === 0 && turns.hasTime) {
      turns.run(() => this.#do(message, isBinary));
      return null;
    }
    const bytes = message.byteLength + WAITING_BYTES;
    const { quota } = turns;
    const isTooMuch = this.#bytes + bytes > quota.perConnection;
    const bound = isTooMuch
      ? `of this connection (limit ${quota.perConnection})`
      : quota.exceededBy(this.address, bytes);
    if (bound !== null) return closeReasonFor(CloseCode.rate, `too many bytes of requests wait ${bound}`);
    this.#waiting.push({ message: message.slice(0), isBinary });
    this.#count(bytes);
    if (!this.#isBusy) turns.wait(this);
    return null;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    this.turns.quota.add(this.address, bytes);
  }

  #do(message: ArrayBuffer, isBinary: boolean): void {
    const doing = this.handle(message, isBinary);
    if (doing === undefined) return;
    this.#isBusy = true;
    void doing.finally(() => {
      this.#isBusy = false;
      if (this.#waiting.length > 0) this.turns.wait(this);
    });
  }

  /** Does the next one; true when there are more to be done. */
  next(): boolean {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return false;
    this.#count(-waiting.message.byteLength - WAITING_BYTES);
    this.#do(waiting.message, waiting.isBinary);
    return this.#waiting.length > 0 && !this.#isBusy;
  }

  /** The connection is gone: what waits is not done. */
  clear(): void {
    this.#waiting.length = 0;
    this.#count(-this.#bytes);
    this.turns.forget(this);
  }
}
