/**
 * Shares expensive work between clients: at most `atOnce` requests run in all, and fewer of one client. Further requests
 * wait for a short time. A slot that becomes free goes to the client that has the fewest.
 */
import {
  REST_PAGES_AT_ONCE,
  REST_PAGES_AT_ONCE_OF_CLIENT,
  REST_WAIT_MS_MAX,
  REST_WAITING_MAX,
  REST_WAITING_OF_CLIENT_MAX,
} from '../../core/limits.js';

export interface ShareLimits {
  atOnce: number;
  atOnceOfClient: number;
  waiting: number;
  waitingOfClient: number;
  waitMs: number;
}

export const REST_SHARES: ShareLimits = {
  atOnce: REST_PAGES_AT_ONCE,
  atOnceOfClient: REST_PAGES_AT_ONCE_OF_CLIENT,
  waiting: REST_WAITING_MAX,
  waitingOfClient: REST_WAITING_OF_CLIENT_MAX,
  waitMs: REST_WAIT_MS_MAX,
};

interface Waiter {
  client: string;
  /** `isAborted` once the client no longer waits for the answer. */
  asked: { readonly isAborted: boolean };
  settle(entered: boolean): void;
  timer: NodeJS.Timeout;
}

export class Shares {
  readonly #running = new Map<string, number>();
  /** Waiting requests, in order of arrival. */
  readonly #waiting: Waiter[] = [];
  #total = 0;

  constructor(readonly limits: ShareLimits) {}

  /** Requests that run now. */
  get running(): number {
    return this.#total;
  }

  /** Requests that wait for a slot. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** True once the request has a slot, which `leave` must give back; false when none became free in time. */
  enter(client: string, asked: Waiter['asked']): Promise<boolean> | boolean {
    const { waiting, waitingOfClient, waitMs } = this.limits;
    if (this.#isFree(client)) {
      this.#take(client);
      return true;
    }
    if (this.#waiting.length >= waiting) return false;
    if (this.#waiting.filter((waiter) => waiter.client === client).length >= waitingOfClient) return false;
    return new Promise((settle) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        settle(false);
      }, waitMs);
      const waiter: Waiter = { client, asked, settle, timer };
      this.#waiting.push(waiter);
    });
  }

  leave(client: string): void {
    const left = this.#of(client) - 1;
    if (left > 0) this.#running.set(client, left);
    else this.#running.delete(client);
    this.#total--;
    this.#admit();
  }

  #of(client: string): number {
    return this.#running.get(client) ?? 0;
  }

  #isFree(client: string): boolean {
    return this.#total < this.limits.atOnce && this.#of(client) < this.limits.atOnceOfClient;
  }

  #take(client: string): void {
    this.#running.set(client, this.#of(client) + 1);
    this.#total++;
  }

  #admit(): void {
    for (;;) {
      const next = this.#next();
      if (next === undefined) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      clearTimeout(next.timer);
      if (next.asked.isAborted) next.settle(false);
      else {
        this.#take(next.client);
        next.settle(true);
      }
    }
  }

  /** The next request: of the clients with the fewest slots, the one that waited longest. Aborted requests come first. */
  #next(): Waiter | undefined {
    let next: Waiter | undefined;
    for (const waiter of this.#waiting) {
      if (waiter.asked.isAborted) return waiter;
      if (!this.#isFree(waiter.client)) continue;
      if (next === undefined || this.#of(waiter.client) < this.#of(next.client)) next = waiter;
    }
    return next;
  }
}
