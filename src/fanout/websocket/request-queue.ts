/**
 * Shares the thread between requests. A request may take long, and a client may send many requests at once. Requests run
 * until the current turn of the event loop has spent `REQUESTS_MS` on them; later requests wait. The waiting requests of
 * a connection stay in order, and connections are served round-robin.
 */
import { REQUESTS_MS } from '../../core/limits.js';
import { CloseCode } from '../../wire/ticks.js';
import { type CloseReason, closeReasonFor } from '../access/close-reason.js';
import type { Quota } from '../access/quota.js';

/** Bytes that a waiting request takes beside its message. */
const WAITING_BYTES = 256;

interface Waiting {
  message: ArrayBuffer;
  isBinary: boolean;
}

/** Handles a request; returns a promise where the request takes several turns. */
type Handle = (message: ArrayBuffer, isBinary: boolean) => void | Promise<void>;

/** The time for requests, which all connections of a server share. */
export class RequestTurns {
  /** Milliseconds that requests have taken in this turn of the event loop. */
  #spentMs = 0;
  #isDue = false;
  readonly #waiting = new Set<RequestQueue>();

  constructor(readonly quota: Quota) {}

  /** Whether the current turn has time for a request that has just arrived. */
  get hasTime(): boolean {
    return this.#spentMs < REQUESTS_MS;
  }

  /** Runs a request that has just arrived. */
  run(task: () => void): void {
    const startedMs = performance.now();
    task();
    this.#spentMs += performance.now() - startedMs;
    this.#schedule();
  }

  /** Serves a queue in later turns. */
  wait(queue: RequestQueue): void {
    this.#waiting.add(queue);
    this.#schedule();
  }

  forget(queue: RequestQueue): void {
    this.#waiting.delete(queue);
  }

  #schedule(): void {
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
      // A queue with more requests moves to the end.
      this.#waiting.delete(queue);
      if (queue.next()) this.#waiting.add(queue);
      if (performance.now() >= untilMs) break;
    }
    if (this.#waiting.size > 0) this.#schedule();
  }
}

/** The requests of one connection. */
export class RequestQueue {
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  /** Whether a request that takes several turns is running. */
  #isBusy = false;

  constructor(
    readonly turns: RequestTurns,
    readonly address: string,
    readonly handle: Handle,
  ) {}

  /**
   * Runs a request, or queues a copy of it. The memory of `message` is valid only during the call.
   * @returns why the connection must be closed; null where it need not
   */
  take(message: ArrayBuffer, isBinary: boolean): CloseReason | null {
    const { turns } = this;
    if (!this.#isBusy && this.#waiting.length === 0 && turns.hasTime) {
      turns.run(() => this.#handle(message, isBinary));
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

  #handle(message: ArrayBuffer, isBinary: boolean): void {
    const pending = this.handle(message, isBinary);
    if (pending === undefined) return;
    this.#isBusy = true;
    void pending.finally(() => {
      this.#isBusy = false;
      if (this.#waiting.length > 0) this.turns.wait(this);
    });
  }

  /** Runs the next request; true when the queue must be served again. */
  next(): boolean {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return false;
    this.#count(-waiting.message.byteLength - WAITING_BYTES);
    this.#handle(waiting.message, waiting.isBinary);
    return this.#waiting.length > 0 && !this.#isBusy;
  }

  /** Drops the waiting requests, because the connection has closed. */
  clear(): void {
    this.#waiting.length = 0;
    this.#count(-this.#bytes);
    this.turns.forget(this);
  }
}
