/**
 * One page of a symbol's history, read from the log in bounded jobs. A page has live ticks of one epoch only, because
 * seqs restart in the next epoch. A page ends at the last visible tick of the log; later ticks are on the next page.
 * `merged-page.ts` merges imports into a page.
 */
import { REST_PAGE_JOBS_MAX } from '../../core/limits.js';
import type { EpochInfo, LogPort, StreamPosition } from '../../core/log-port.js';
import { ALL_KINDS, Records } from '../../core/tick.js';
import { cursorToText } from '../../wire/cursor.js';

export interface TickPageRequest {
  logId: string;
  symbol: PageSymbol;
  /** Bucket of the symbol: its shard in an epoch is `bucket % shards`. */
  bucket: number;
  /** The page begins after the latest of these positions; without any, at the oldest tick that the log holds. */
  starts: StreamPosition[];
  /** The page ends here at the latest; null: no end. */
  end: StreamPosition | null;
  limit: number;
  rewound?: { epoch: number; lastSeq: number[] } | undefined;
}

export interface PageSymbol {
  symbol: string;
  symbolId: number;
  digits: number;
}

export interface PageGap {
  epoch: number;
  shard: number;
  first: number;
  last: number;
}

export interface PagePart {
  records: Records;
  seqs: Float64Array;
  count: number;
  /** Epoch of each tick; absent: all ticks are of the page's epoch. */
  epochs?: Float64Array;
}

export interface TickPage {
  symbol: PageSymbol;
  /** Epoch of the page's live ticks. */
  epoch: number;
  shard: number;
  /** Cursor of the next page. */
  cursor: string;
  /** Whether the log has more ticks of the range now. */
  more: boolean;
  /** Ranges of seqs that the log does not hold, inclusive. */
  gaps: PageGap[];
  /** Set when the cursor lay beyond the durable end of its epoch: the ticks after `lastSeq` (by shard) are withdrawn. */
  rewound?: { epoch: number; lastSeq: number[] } | undefined;
  parts: PagePart[];
}

/**
 * Reads a page of live ticks.
 * @param wanted `isAborted` once the client no longer waits for the page: no further job begins
 * @throws any error of the log
 */
export async function readTickPage(
  request: TickPageRequest,
  catchUp: LogPort,
  wanted: { readonly isAborted: boolean },
): Promise<TickPage> {
  const reading = new PageReading(request, await catchUp.epochs(), catchUp, request.limit);
  await reading.run(wanted);
  return reading.page();
}

export class PageReading {
  readonly #epochs: EpochInfo[];
  #at = 0;
  /** Next seq to read in the current epoch, and the last seq of the range in that epoch. */
  #seq = 1;
  #last = 0;
  #count = 0;
  #jobs = 0;
  readonly #parts: PagePart[] = [];
  readonly #gaps: PageGap[] = [];
  readonly #filter: Uint8Array;
  /** Whether the page begins at the oldest tick that the log holds. */
  readonly #isFromOldest: boolean;

  constructor(
    readonly request: TickPageRequest,
    epochs: EpochInfo[],
    readonly catchUp: LogPort,
    /** Ticks to read; may be raised between two calls of `run`. */
    public limit: number,
  ) {
    const { symbol, starts, end } = request;
    this.#filter = new Uint8Array(symbol.symbolId + 1);
    this.#filter[symbol.symbolId] = 1;
    this.#isFromOldest = starts.length === 0;
    const oldest = Math.max(0, ...starts.map((position) => position.epoch));
    const newest = end?.epoch ?? Number.POSITIVE_INFINITY;
    const held = epochs.filter((e) => e.epoch >= oldest);
    // If the range ends before it begins, the page is empty, in the epoch of the beginning.
    this.#epochs = held.filter((e, i) => i === 0 || e.epoch <= newest);
    if (held.length === 0) throw new Error('the log does not hold the epoch of the range');
    this.#enter();
  }

  get #info(): EpochInfo {
    return this.#epochs[this.#at];
  }

  get #shard(): number {
    return this.request.bucket % this.#info.shards;
  }

  #enter(): void {
    const { starts, end } = this.request;
    const info = this.#info;
    const shard = this.#shard;
    const after = starts
      .filter((position) => position.epoch === info.epoch)
      .map((position) => position.seqs[shard] ?? 0);
    // Missing ticks at the start of an epoch are a gap, unless the page begins at the oldest tick that the log holds.
    const isBeginning = this.#isFromOldest && this.#count === 0 && this.#gaps.length === 0;
    const first = isBeginning ? info.firstSeq[shard] : 1;
    this.#seq = Math.max(first, ...after.map((seq) => seq + 1));
    const isBeyond = end !== null && end.epoch < info.epoch;
    const limit = end === null || end.epoch > info.epoch ? Number.POSITIVE_INFINITY : (end.seqs[shard] ?? 0);
    this.#last = isBeyond ? 0 : Math.min(info.lastSeq[shard], limit);
  }

  get #isEpochDone(): boolean {
    return this.#seq > this.#last;
  }

  get #isLastEpoch(): boolean {
    return this.#at >= this.#epochs.length - 1;
  }

  get hasNextStep(): boolean {
    if (this.#count >= this.limit) return false;
    if (this.#isEpochDone) return !this.#isLastEpoch && this.#count === 0;
    return this.#jobs < REST_PAGE_JOBS_MAX;
  }

  /** Reads until the page has `limit` ticks, or ends. */
  async run(wanted: { readonly isAborted: boolean }): Promise<void> {
    while (this.hasNextStep && !wanted.isAborted) await this.step();
  }

  async step(): Promise<void> {
    if (this.#isEpochDone) {
      this.#at++;
      this.#enter();
      return;
    }
    this.#jobs++;
    const [epoch, shard] = [this.#info.epoch, this.#shard];
    const { buffer, seqs, count, nextSeq, gaps } = await this.catchUp.readRange({
      epoch,
      shard,
      fromSeq: this.#seq,
      toSeq: this.#last,
      filter: this.#filter,
      kindsMask: ALL_KINDS,
      maxTicks: this.limit - this.#count,
    });
    for (const { first, last } of gaps) this.#gaps.push({ epoch, shard, first, last });
    if (count > 0) this.#parts.push({ records: new Records(buffer), seqs, count });
    this.#count += count;
    if (nextSeq > this.#seq) {
      this.#seq = nextSeq;
      return;
    }
    // The ticks were visible, but retention has removed them meanwhile.
    this.#gaps.push({ epoch, shard, first: this.#seq, last: this.#last });
    this.#seq = this.#last + 1;
  }

  /** Text of the cursor before a seq of the current epoch. */
  cursorBefore(seq: number): string {
    // Other shards have no ticks of this symbol: all of their ticks count as seen.
    const seqs = [...this.#info.lastSeq];
    seqs[this.#shard] = seq - 1;
    return cursorToText({ logId: this.request.logId, epoch: this.#info.epoch, seqs });
  }

  page(): TickPage {
    const { symbol, rewound } = this.request;
    const [epoch, shard] = [this.#info.epoch, this.#shard];
    return {
      symbol,
      epoch,
      shard,
      cursor: this.cursorBefore(this.#seq),
      more: !this.#isEpochDone || !this.#isLastEpoch,
      gaps: this.#gaps,
      rewound,
      parts: this.#parts,
    };
  }
}
