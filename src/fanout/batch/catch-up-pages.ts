/**
 * Pages of the log. Another thread decodes a page into shared memory, and stream readers read the page like a part of
 * the ring. A stream reader asks for the page that holds a seq; stream readers with near cursors share a page. A bounded
 * number of jobs run at once, in the order of the requests. Each job reads several consecutive pages. A bounded number
 * of pages is kept.
 */
import { CATCHUP_JOB_PAGES, PAGE_TICKS, PAGES_MAX } from '../../core/limits.js';
import type { LogPort, PageAnswer, PageRequest } from '../../core/log-port.js';
import { RECORD_BYTES, Records } from '../../core/tick.js';

/**
 * `PAGE_TICKS` consecutive seqs of one shard and epoch, as far as the log shows them. The first seq is a multiple of
 * `PAGE_TICKS`, plus 1.
 */
export class LogPage {
  readonly #recordBytes = new SharedArrayBuffer(PAGE_TICKS * RECORD_BYTES);
  readonly #seqBytes = new SharedArrayBuffer(PAGE_TICKS * 8);
  readonly #tagBytes = new SharedArrayBuffer(PAGE_TICKS * 4);
  readonly records = new Records(this.#recordBytes);
  /** Full seq of each record. */
  readonly seqs = new Float64Array(this.#seqBytes);
  /** Tag of each record: see `pipeline/memory/broadcast-ring.ts`. */
  readonly tags = new Uint32Array(this.#tagBytes);
  /** `index & mask` is an index within the page, as `seq & mask` of a ring is a slot. */
  readonly mask = PAGE_TICKS - 1;
  /** Seqs that the log does not hold: inclusive ranges, ascending. */
  gaps: { first: number; last: number }[] = [];
  key = '';
  epoch = 0;
  shard = 0;
  count = 0;
  /** Next seq to read. Every earlier seq of the page is either a record of the page or in a gap. */
  next = 0;
  /** The page's last seq, visible or not. */
  last = 0;
  reading = false;
  failure: unknown;
  /** Number of the last use, from a counter that all pages share. */
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

  /** The first gap that ends after `seq`; undefined where there is none. */
  gapAfter(seq: number): { first: number; last: number } | undefined {
    return this.gaps.find((gap) => gap.last > seq);
  }

  /** A request for the rest of the page, from `next`. */
  request(): PageRequest {
    return {
      fromSeq: this.next,
      toSeq: this.last,
      records: this.#recordBytes,
      seqs: this.#seqBytes,
      tags: this.#tagBytes,
      at: this.count,
    };
  }

  /**
   * Takes over the answer to `request`.
   * @param isOver whether the epoch has ended: then a seq that the log does not hold now is a gap
   */
  take({ gaps, count, nextSeq }: PageAnswer, isOver: boolean): void {
    this.gaps.push(...gaps);
    this.count += count;
    this.next = nextSeq;
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
  #jobs = 0;
  /** Pages in jobs that run now. */
  #reading = 0;
  #uses = 0;
  #hasFailures = false;
  /** Pages decoded so far, in whole or in part. */
  reads = 0;

  /** Pages that one job reads at most. All jobs together fill at most half of the pages; stream readers use the rest. */
  readonly #jobPages: number;

  /** @param wake asks for a flush soon */
  constructor(
    readonly catchUp: LogPort | undefined,
    readonly atOnce: number,
    readonly waitingMax: number,
    readonly wake: () => void,
  ) {
    this.#jobPages = Math.min(CATCHUP_JOB_PAGES, Math.floor(PAGES_MAX / 2 / atOnce));
  }

  /** Whether so many pages wait that new subscriptions from the log must be refused. */
  get busy(): boolean {
    return this.#waiting.size >= this.waitingMax;
  }

  /** Pages that wait for a job or are in one. */
  get pending(): number {
    return this.#waiting.size + this.#reading;
  }

  /**
   * The page that holds the tick after `seq`, or the page that could not be read (see `failure`). Where the page does
   * not hold the tick yet, the page is requested if `visible` is greater than `seq`.
   * @param visible the last seq that the log shows
   * @param isOver whether the epoch has ended
   * @returns undefined until the page holds the tick
   */
  after(epoch: number, shard: number, seq: number, visible: number, isOver: boolean): LogPage | undefined {
    const first = firstOf(seq);
    const page = this.#pages.get(keyOf(epoch, shard, first));
    if (page !== undefined) {
      page.usedAt = ++this.#uses;
      if (page.failure !== undefined || page.next > seq + 1) return page;
    }
    if (visible > seq) {
      this.#want({ epoch, shard, first, isOver });
      this.#start();
    }
    return undefined;
  }

  /**
   * Requests the next `count` pages after `seq`, up to seq `visible`. Does nothing while the middle page is already
   * requested or held, so that one job reads several pages.
   */
  ahead(epoch: number, shard: number, seq: number, count: number, visible: number, isOver: boolean): void {
    const end = Math.min(visible, seq + count * PAGE_TICKS);
    const half = firstOf(Math.min(end - 1, seq + (count >> 1) * PAGE_TICKS));
    const key = keyOf(epoch, shard, half);
    if (seq >= end || this.#pages.has(key) || this.#waiting.has(key)) return;
    for (let first = firstOf(seq); first <= end; first += PAGE_TICKS) {
      const page = this.#pages.get(keyOf(epoch, shard, first));
      if (page === undefined || page.next === first) this.#want({ epoch, shard, first, isOver });
      else page.usedAt = ++this.#uses;
    }
    this.#start();
  }

  #want(wanted: Wanted): void {
    const { epoch, shard, first } = wanted;
    const key = keyOf(epoch, shard, first);
    if (this.#pages.get(key)?.reading !== true && this.#waiting.size < this.waitingMax)
      this.#waiting.set(key, wanted);
  }

  /** Drops the pages that could not be read. Called after a round, when every reader has seen the failure. */
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
    for (const wanted of this.#waiting.values()) {
      if (this.#jobs >= this.atOnce) return;
      void this.#read(this.#takeRun(wanted), wanted);
    }
  }

  /** Takes the requested page from the queue, with the requested pages that directly follow it. One job reads them. */
  #takeRun({ epoch, shard, first }: Wanted): LogPage[] {
    const run: LogPage[] = [];
    for (let at = first; run.length < this.#jobPages; at += PAGE_TICKS) {
      const key = keyOf(epoch, shard, at);
      if (!this.#waiting.delete(key)) break;
      let page = this.#pages.get(key);
      if (page === undefined) {
        page = this.#take();
        page.begin(key, epoch, shard, at);
        this.#pages.set(key, page);
      }
      page.usedAt = ++this.#uses;
      page.reading = true;
      run.push(page);
    }
    return run;
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

  async #read(run: readonly LogPage[], { epoch, shard, isOver }: Wanted): Promise<void> {
    this.#jobs++;
    this.#reading += run.length;
    this.reads += run.length;
    try {
      const pages = run.map((page) => page.request());
      const answers = await this.catchUp!.readPages({ epoch, shard, pages });
      run.forEach((page, k) => {
        page.take(answers[k], isOver);
      });
    } catch (error) {
      for (const page of run) page.failure = error ?? new Error('unknown');
      this.#hasFailures = true;
    }
    for (const page of run) page.reading = false;
    this.#jobs--;
    this.#reading -= run.length;
    this.#start();
    this.wake();
  }
}

/** The first seq of the page that holds the tick after `seq`. */
function firstOf(seq: number): number {
  return Math.floor(seq / PAGE_TICKS) * PAGE_TICKS + 1;
}

function keyOf(epoch: number, shard: number, first: number): string {
  return `${epoch} ${shard} ${first}`;
}
