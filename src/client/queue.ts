export interface QueueHandlers {
  onFull(): void;
  /** It was full, and is no more. */
  onDrained(): void;
  /** The loop was left. */
  onReturn(): void;
}

/**
 * The ticks between a subscription and its async iterator. A socket cannot be made to wait, so the queue
 * has its subscription paused at the high mark and resumed at the low one: a slow loop costs the memory of one
 * queue and of what was under way and, in mode `every`, no tick.
 */
export class TickQueue<T> implements AsyncIterableIterator<T> {
  readonly #high: number;
  readonly #handlers: QueueHandlers;
  #items: T[] = [];
  #head = 0;
  #full = false;
  #done = false;
  #failure: Error | undefined;
  #waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: Error) => void }[] = [];

  constructor(high: number, handlers: QueueHandlers) {
    this.#high = high;
    this.#handlers = handlers;
  }

  /** Whether it waits for the loop. */
  get full(): boolean {
    return this.#full;
  }

  push(item: T): void {
    if (this.#done) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ value: item, done: false });
      return;
    }
    this.#items.push(item);
    if (!this.#full && this.#items.length - this.#head >= this.#high) {
      this.#full = true;
      this.#handlers.onFull();
    }
  }

  /** Drops what waits. */
  clear(): void {
    this.#items = [];
    this.#head = 0;
    this.#drained();
  }

  /** Ends the iteration after what is queued, with `failure` if there is one. */
  end(failure?: Error): void {
    if (this.#done) return;
    this.#done = true;
    this.#failure = failure;
    for (const waiting of this.#waiting.splice(0)) {
      if (failure !== undefined) waiting.reject(failure);
      else waiting.resolve({ value: undefined, done: true });
    }
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#head < this.#items.length) {
      const value = this.#items[this.#head++];
      this.#drained();
      return Promise.resolve({ value, done: false });
    }
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#done) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  /** Called when a `for await` loop is left: the rest is dropped. */
  return(): Promise<IteratorResult<T>> {
    this.#items = [];
    this.#head = 0;
    this.end();
    this.#handlers.onReturn();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #drained(): void {
    // Dropping the read part now and then keeps taking one from the front cheap.
    if (this.#head >= 1024 || this.#head === this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    if (this.#full && this.#items.length - this.#head <= this.#high / 4) {
      this.#full = false;
      this.#handlers.onDrained();
    }
  }
}
