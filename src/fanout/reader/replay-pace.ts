/** The pace of a stream reader that replays the past: up to which seq of each shard the ticks are due by now. */
import { FLUSH_TICKS_MAX } from '../../core/limits.js';
import { ReplayClock } from '../../core/replay-clock.js';
import { RECORD_U32, type Records, U32_TS_RECV_NS, U32_TS_RECV_S } from '../../core/tick.js';
import { isBefore } from '../../core/time.js';
import type { LogPage } from '../batch/catch-up-pages.js';
import type { ShardView } from '../batch/shard-view.js';
import type { SharedView } from '../batch/shared-view.js';
import type { StreamCursor } from './stream-cursor.js';

/** A tick, in a ring or in a page. */
interface NextTick {
  records: Records;
  i: number;
}

export class ReplayPace {
  readonly #clock: ReplayClock;

  /**
   * @param speed recorded seconds per second
   * @param limitOf the last seq of a shard that may be delivered
   */
  constructor(
    readonly shared: SharedView,
    readonly cursor: StreamCursor,
    speed: number,
    readonly limitOf: (view: ShardView) => number,
  ) {
    this.#clock = new ReplayClock(speed);
  }

  /** Restarts the clock after a pause: the next tick is due at once. */
  reset(): void {
    this.#clock.reset();
  }

  /** Starts the clock at the earliest next tick of all shards, once the next tick of each shard has been read. */
  set(): void {
    const { shared, cursor } = this;
    if (this.#clock.isSet) return;
    let earliest: NextTick | undefined;
    for (let s = 0; s < cursor.seqs.length; s++) {
      const next = cursor.isPresent ? this.#nextPresent(shared.shards[s]) : this.#nextOlder(s);
      if (next === undefined) return;
      if (next !== null && (earliest === undefined || isEarlier(next, earliest))) earliest = next;
    }
    if (earliest !== undefined) this.#clock.set(recvS(earliest), recvNs(earliest), shared.nowMs);
  }

  /** The next tick of a shard: null when there is none, undefined until it has been read from the log. */
  #nextPresent(view: ShardView): NextTick | null | undefined {
    const { cursor } = this;
    const seq = cursor.seqs[view.index];
    const limit = this.limitOf(view);
    if (seq >= limit) return null;
    const at = cursor.inRing(view);
    if (at >= 0 && cursor.critical && at >= view.criticalHead) return null;
    const ring = cursor.critical ? view.critical : view.ring;
    if (at >= 0) return { records: ring.records, i: ring.slot(at + 1) };
    const visible = Math.min(limit, this.shared.ports.catchUp?.visible(view.index) ?? 0);
    return seq < visible ? this.#nextInPage(view.index, visible) : null;
  }

  #nextOlder(shard: number): NextTick | null | undefined {
    const last = this.cursor.info?.lastSeq[shard] ?? 0;
    return this.cursor.seqs[shard] < last ? this.#nextInPage(shard, last) : null;
  }

  #nextInPage(shard: number, limit: number): NextTick | null | undefined {
    const { epoch, seqs, isPresent } = this.cursor;
    const page = this.shared.pages.after(epoch, shard, seqs[shard], limit, !isPresent);
    if (page === undefined) return undefined;
    const i = page.indexAfter(seqs[shard]);
    return page.failure === undefined && i < page.count ? { records: page.records, i } : null;
  }

  /** The last seq up to `limit` that is due. The ring must hold the next tick. */
  dueInRing(view: ShardView, limit: number): number {
    const { cursor } = this;
    const { ring, critical, criticalHead } = view;
    if (cursor.critical) {
      // Read from the critical ring: the other ring may have overwritten these ticks already.
      for (let at = cursor.inRing(view) + 1; at <= criticalHead && view.criticalSeq(at) <= limit; at++) {
        if (!this.#isDue(critical.records, critical.slot(at))) return view.criticalSeq(at) - 1;
      }
      return limit;
    }
    let seq = cursor.seqs[view.index];
    const end = Math.min(limit, seq + FLUSH_TICKS_MAX);
    while (seq < end && this.#isDue(ring.records, ring.slot(seq + 1))) seq++;
    return seq;
  }

  /** As `dueInRing`, for a page that holds every seq up to `limit`. */
  dueInPage(page: LogPage, shard: number, limit: number): number {
    let seq = this.cursor.seqs[shard];
    for (let i = page.indexAfter(seq); i < page.count && page.seqs[i] <= limit; i++) {
      if (!this.#isDue(page.records, i)) return seq;
      seq = page.seqs[i];
    }
    return limit;
  }

  #isDue(records: Records, i: number): boolean {
    if (!this.#clock.isSet) return false;
    const w = i * RECORD_U32;
    const dueAtMs = this.#clock.dueAtMs(records.u32[w + U32_TS_RECV_S], records.u32[w + U32_TS_RECV_NS]);
    if (dueAtMs <= this.shared.nowMs) return true;
    this.shared.dueAtMs = Math.min(this.shared.dueAtMs, dueAtMs);
    return false;
  }
}

function isEarlier(a: NextTick, b: NextTick): boolean {
  return isBefore(recvS(a), recvNs(a), recvS(b), recvNs(b));
}

function recvS({ records, i }: NextTick): number {
  return records.u32[i * RECORD_U32 + U32_TS_RECV_S];
}

function recvNs({ records, i }: NextTick): number {
  return records.u32[i * RECORD_U32 + U32_TS_RECV_NS];
}
