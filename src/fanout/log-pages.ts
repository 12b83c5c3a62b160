/**
 * Pages of the log, decoded off this thread into shared memory and read here like a piece of the ring. Lanes
 * ask for a page by a place in it, as often as they like; neighbours share it. A bounded number is read at
 * once, in the order asked for, and a bounded number kept.
 */
import { PAGE_TICKS, PAGES_MAX } from '../limits.js';
import { RECORD_BYTES, Records } from '../tick.js';
import type { CatchUp } from './deps.js';

/** Seqs of one shard and epoch, `PAGE_TICKS` of them at a multiple of that, as far as they are visible. */
export class LogPage {
  readonly #recordBytes = new SharedArrayBuffer(PAGE_TICKS * RECORD_BYTES);
  readonly #seqBytes = new SharedArrayBuffer(PAGE_TICKS * 8);
  readonly records = new Records(this.#recordBytes);
  /** Full seq of each record. */
  readonly seqs = new Float64Array(this.#seqBytes);
  /** Parts that the log does not hold, ascending. */
  gaps: { first: number; last: number }[] = [];
  key = '';
  epoch = 0;
  shard = 0;
  count = 0;
  /** Everything from the page's first seq up to this is here, or in a gap. */
  next = 0;
  /** The page's last seq, visible or not. */
  last = 0;
  reading = false;
  failure: unknown;
  /** The use at which it was looked at last. */
  usedAt = 0;

  begin(key: string, epoch: number, shard: number, first: number): void {
    this.key = key;
    this.epoch = epoch;
    this.shard = shard;
    this.gaps = [];
    this.count = 0;
    this.next = first;
    this.last = first + PAGE_TICKS - 1;
    this.failure = undefined;
  }

  /** Index of the first record after `seq`. */
  indexAfter(seq: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.seqs[middle] <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The first part after `seq` that the log does not hold. */
  gapAfter(seq: number): { first: number; last: number } | undefined {
    return this.gaps.find((gap) => gap.last > seq);
  }

  /**
   * Reads on from `next`.
   * @param isOver whether nothing can be added to its epoch: then what is not there now never will be
   */
  async read(catchUp: CatchUp, isOver: boolean): Promise<void> {
    const answer = await catchUp.readPage({
      epoch: this.epoch,
      shard: this.shard,
      fromSeq: this.next,
      toSeq: this.last,
      records: this.#recordBytes,
      seqs: this.#seqBytes,
      at: this.count,
    });
    this.gaps.push(...answer.gaps);
    this.count += answer.count;
    this.next = answer.nextSeq;
    if (!isOver || this.next > this.last) return;
    this.gaps.push({ first: this.next, last: this.last });
    this.next = this.last + 1;
  }
}

interface Wanted {
  epoch: number;
  shard: number;
  first: number;
  isOver: boolean;
}

export class LogPages {
  readonly #pages = new Map<string, LogPage>();
  readonly #waiting = new Map<string, Wanted>();
  #free: LogPage[] = [];
  #reading = 0;
  #uses = 0;
  #hasFailures = false;
  /** Pages decoded so far, whole or in part. */
  reads = 0;

  /** @param wake asks for a flush soon */
  constructor(
    readonly catchUp: CatchUp | undefined,
    readonly atOnce: number,
    readonly waitingMax: number,
    readonly wake: () => void,
  ) {}

  /** Whether so much waits to be read that newcomers had better come back later. */
  get busy(): boolean {
    return this.#waiting.size >= this.waitingMax;
  }

  /** Pages that wait to be read, or are being read. */
  get pending(): number {
    return this.#waiting.size + this.#reading;
  }

  /**
   * The page that holds what follows `seq`, or failed to be read; undefined while it does not, and then it is
   * asked for, if `visible` (the last seq that the log shows) says that there is something to be had.
   * @param isOver whether the epoch is over
   */
  after(epoch: number, shard: number, seq: number, visible: number, isOver: boolean): LogPage | undefined {
    const first = Math.floor(seq / PAGE_TICKS) * PAGE_TICKS + 1;
    const key = `${epoch} ${shard} ${first}`;
    const page = this.#pages.get(key);
    if (page !== undefined) {
      page.usedAt = ++this.#uses;
      if (page.failure !== undefined || page.next > seq + 1) return page;
    }
    if (visible > seq && page?.reading !== true && this.#waiting.size < this.waitingMax) {
      this.#waiting.set(key, { epoch, shard, first, isOver });
      this.#start();
    }
    return undefined;
  }

  /** To be called after a flush: who asked has seen the pages that failed; the next to ask has them read again. */
  forgetFailures(): void {
    if (!this.#hasFailures) return;
    this.#hasFailures = false;
    for (const [key, page] of this.#pages) {
      if (page.failure === undefined) continue;
      this.#pages.delete(key);
      this.#free.push(page);
    }
  }

  #start(): void {
    for (const [key, { epoch, shard, first, isOver }] of this.#waiting) {
      if (this.#reading >= this.atOnce) return;
      this.#waiting.delete(key);
      let page = this.#pages.get(key);
      if (page === undefined) {
        page = this.#take();
        page.begin(key, epoch, shard, first);
        this.#pages.set(key, page);
      }
      page.usedAt = ++this.#uses;
      void this.#read(page, isOver);
    }
  }

  /** A page to fill: a free one, a new one, or the one used longest ago. */
  #take(): LogPage {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#pages.size < PAGES_MAX) return new LogPage();
    let oldest: LogPage | undefined;
    for (const page of this.#pages.values()) {
      if (!page.reading && (oldest === undefined || page.usedAt < oldest.usedAt)) oldest = page;
    }
    this.#pages.delete(oldest!.key);
    return oldest!;
  }

  async #read(page: LogPage, isOver: boolean): Promise<void> {
    this.#reading++;
    this.reads++;
    page.reading = true;
    try {
      await page.read(this.catchUp!, isOver);
    } catch (error) {
      page.failure = error ?? new Error('unknown');
      this.#hasFailures = true;
    }
    page.reading = false;
    this.#reading--;
    this.#start();
    this.wake();
  }
}
