/**
 * One page of a symbol's history, read from the log in bounded jobs. Of the engines' epochs it has one, since
 * seqs begin anew in the next, and it ends at what is visible in the log: what follows is the next page's.
 * `merged-page.ts` merges imports into it.
 */
import { REST_PAGE_JOBS_MAX } from '../../core/limits.js';
import { Records } from '../../core/tick.js';
import { cursorToText } from '../../wire/cursor.js';
import type { CatchUp, EpochInfo, StreamPosition } from '../contract/ports.js';

const ALL_KINDS = 0xff;

export interface TickPageRequest {
  logId: string;
  symbol: PageSymbol;
  /** Of the symbol: what tells its shard in each epoch. */
  bucket: number;
  /** The page begins after the latest of these places; without any, at the oldest tick that is held. */
  starts: StreamPosition[];
  /** Where it ends at the latest; null: nowhere. */
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
  /** Epoch of each; absent: all are of the page's own. */
  epochs?: Float64Array;
}

export interface TickPage {
  symbol: PageSymbol;
  /** Where the page stands among the epochs of engines. */
  epoch: number;
  shard: number;
  /** Goes on exactly after this page. */
  cursor: string;
  /** Whether the range has more to read now. */
  more: boolean;
  /** Parts of the shard's sequence that the log does not hold. */
  gaps: PageGap[];
  /** The cursor lay beyond the durable end of its epoch: the ticks after these seqs were withdrawn. */
  rewound?: { epoch: number; lastSeq: number[] } | undefined;
  parts: PagePart[];
}

/**
 * @param wanted `isAborted` once nobody waits for the page: no further job is begun
 * @throws whatever the log throws
 */
export async function readTickPage(
  request: TickPageRequest,
  catchUp: CatchUp,
  wanted: { readonly isAborted: boolean },
): Promise<TickPage> {
  const reading = new PageReading(request, await catchUp.epochs(), catchUp, request.limit);
  await reading.run(wanted);
  return reading.page();
}

export class PageReading {
  readonly #epochs: EpochInfo[];
  #at = 0;
  /** Next seq to read in the epoch at hand, and the last one of the range in it. */
  #seq = 1;
  #last = 0;
  #count = 0;
  #jobs = 0;
  readonly #parts: PagePart[] = [];
  readonly #gaps: PageGap[] = [];
  readonly #watch: Uint8Array;
  /** Whether it begins where what is held does. */
  readonly #isFromOldest: boolean;

  constructor(
    readonly request: TickPageRequest,
    epochs: EpochInfo[],
    readonly catchUp: CatchUp,
    /** Ticks to read; may be raised. */
    public limit: number,
  ) {
    const { symbol, starts, end } = request;
    this.#watch = new Uint8Array(symbol.symbolId + 1);
    this.#watch[symbol.symbolId] = 1;
    this.#isFromOldest = starts.length === 0;
    const oldest = Math.max(0, ...starts.map((place) => place.epoch));
    const newest = end?.epoch ?? Number.POSITIVE_INFINITY;
    const held = epochs.filter((e) => e.epoch >= oldest);
    // Where the range ends before it begins, the page is empty and stands where it began.
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
    const after = starts.filter((place) => place.epoch === info.epoch).map((place) => place.seqs[shard] ?? 0);
    // What an epoch lacks at its start is a gap, unless the page is yet to begin: with the oldest tick that is held.
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

  get goesOn(): boolean {
    if (this.#count >= this.limit) return false;
    if (this.#isEpochDone) return !this.#isLastEpoch && this.#count === 0;
    return this.#jobs < REST_PAGE_JOBS_MAX;
  }

  /** Reads on, up to `limit` ticks. */
  async run(wanted: { readonly isAborted: boolean }): Promise<void> {
    while (this.goesOn && !wanted.isAborted) await this.step();
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
      filter: this.#watch,
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
    // It was visible, and the log no longer has it: removed behind our back.
    this.#gaps.push({ epoch, shard, first: this.#seq, last: this.#last });
    this.#seq = this.#last + 1;
  }

  /** Goes on with a seq of the epoch at hand. */
  cursorBefore(seq: number): string {
    // The other shards have none of this symbol's ticks: of them everything counts as seen.
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
