/**
 * Pages of the log, decoded off this thread into shared memory and read here like a piece of the ring. Stream readers
 * ask for a page by a place in it, as often as they like; neighbours share it. A bounded number of jobs read at
 * once, each some pages that follow one another, in the order asked for; and a bounded number of pages is kept.
 */
import { CATCHUP_JOB_PAGES, PAGE_TICKS, PAGES_MAX } from '../../core/limits.js';
import { RECORD_BYTES, Records } from '../../core/tick.js';
import type { CatchUp, PageAnswer, PageRequest } from '../contract/ports.js';

/** Seqs of one shard and epoch, `PAGE_TICKS` of them at a multiple of that, as far as they are visible. */
export class LogPage {
  readonly #recordBytes = new SharedArrayBuffer(PAGE_TICKS * RECORD_BYTES);
  readonly #seqBytes = new SharedArrayBuffer(PAGE_TICKS * 8);
  readonly #tagBytes = new SharedArrayBuffer(PAGE_TICKS * 4);
  readonly records = new Records(this.#recordBytes);
  /** Full seq of each record. */
  readonly seqs = new Float64Array(this.#seqBytes);
  /** Tag of each record: see `pipeline/memory/broadcast-ring.ts`. */
  readonly tags = new Uint32Array(this.#tagBytes);
  /** What cuts an index to the page: of a ring, to its slots. */
  readonly mask = PAGE_TICKS - 1;
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

  /** What reads on from `next`. */
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
   * Takes in what was read of it.
   * @param isOver whether nothing can be added to its epoch: then what is not there now never will be
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
  /** Pages that are being read. */
  #reading = 0;
  #uses = 0;
  #hasFailures = false;
  /** Pages decoded so far, whole or in part. */
  reads = 0;

  /** Pages that one job reads: all jobs at work leave half of the pages to those who use them. */
  readonly #jobPages: number;

  /** @param wake asks for a flush soon */
  constructor(
    readonly catchUp: CatchUp | undefined,
    readonly atOnce: number,
    readonly waitingMax: number,
    readonly wake: () => void,
  ) {
    this.#jobPages = Math.min(CATCHUP_JOB_PAGES, Math.floor(PAGES_MAX / 2 / atOnce));
  }

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
   * Asks for the pages of what follows `seq`, `count` of them or up to `visible`, unless half of them have been asked
   * for: so they are read in jobs of several.
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
    for (const wanted of this.#waiting.values()) {
      if (this.#jobs >= this.atOnce) return;
      void this.#read(this.#takeRun(wanted), wanted);
    }
  }

  /** The page that was wanted, and those that follow it and are wanted, too: they are read together. */
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

/** The first seq of the page that holds what follows `seq`. */
function firstOf(seq: number): number {
  return Math.floor(seq / PAGE_TICKS) * PAGE_TICKS + 1;
}

function keyOf(epoch: number, shard: number, first: number): string {
  return `${epoch} ${shard} ${first}`;
}
