/**
 * The policy `conflate`: what becomes of ticks while raw rings are full. Quotes stand aside, one a symbol, and
 * critical ticks in a bounded queue; what does not fit is dropped, counted, and marked by a gap record.
 */

import {
  ENGINE_SYMBOL,
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_GAP_COUNT,
  GapReason,
  Kind,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  type Records,
  U16_SOURCE,
  U32_RAW_FOLDED,
  U32_RAW_POSITION,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
  writeGap,
  writeHeader,
  writeQuote,
  writeTimes,
} from '../../core/tick.js';
import { FeedWord, Reject } from '../../pipeline/memory/counters.js';
import { isMissing, quoteFault } from '../../pipeline/memory/raw-prices.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import type { ConflationBuffer } from './conflation-buffer.js';
import type { RingWriter } from './ring-writer.js';

/** Source id of the records that are made here; real ones start at 1. */
const NO_SOURCE = 0;

/** The time of receipt of the ticks at hand. */
export interface Receipt {
  readonly recvS: number;
  readonly recvNs: number;
}

export class Conflation {
  /** Where the slot that `critical` gave last lies. */
  target: Records;

  constructor(
    readonly outlet: RingWriter,
    readonly aside: ConflationBuffer,
    readonly registry: Registry,
    readonly receipt: Receipt,
  ) {
    this.target = outlet.rings[0].records;
  }

  /** Whether a tick may go straight to the ring: nothing of its shard waits, and there is room. */
  isDirect(shard: number): boolean {
    return this.aside.isEmpty(shard) && this.outlet.hasRoom(shard, 1);
  }

  /**
   * Keeps a quote beside a full ring in place of the symbol's last one. A bad quote must not replace a good one,
   * so it is rejected here rather than by the shard; a half-quote takes its other side from the one it replaces.
   * A whole one that would be late after the one that is there is folded into that.
   * @param position in half ticks, as the record carries it
   */
  quote(
    shard: number,
    sourceId: number,
    symbolId: number,
    flags: number,
    position: number,
    eventS: number,
    eventNs: number,
    bid: number,
    ask: number,
    bidSize: number,
    askSize: number,
  ): void {
    const { aside, receipt } = this;
    const { next } = this.outlet;
    const signed = this.registry.negative[symbolId] !== 0;
    const scale = 10 ** this.registry.digits[symbolId];
    const fault = quoteFault(eventNs, bid, ask, bidSize, askSize, signed, scale);
    if (fault !== undefined) {
      next[FeedWord.rejected + Reject[fault]]++;
      return;
    }
    const i = aside.quoteSlot(shard, symbolId);
    const r = aside.records;
    const d = i * RECORD_F64;
    const noBid = aside.replaced && isMissing(bid, signed);
    const noAsk = aside.replaced && isMissing(ask, signed);
    if (aside.replaced) next[FeedWord.conflated]++;
    else next[FeedWord.conflating]++;
    const isWhole = !isMissing(bid, signed) && !isMissing(ask, signed);
    if (aside.replaced && isWhole && this.#isLate(i, signed, eventS, eventNs)) {
      const w = i * RECORD_U32;
      r.u32[w + U32_RAW_FOLDED] = aside.folded(i);
      if (r.u16[i * RECORD_U16 + U16_SOURCE] === sourceId) r.u32[w + U32_RAW_POSITION] = position;
      return;
    }
    writeHeader(r, i, symbolId, Kind.quote | flags, sourceId, position, aside.folded(i));
    writeTimes(r, i, eventS, eventNs, receipt.recvS, receipt.recvNs);
    writeQuote(
      r,
      i,
      noBid ? r.f64[d + F64_BID] : bid,
      noAsk ? r.f64[d + F64_ASK] : ask,
      noBid ? r.f64[d + F64_BID_SIZE] : bidSize,
      noAsk ? r.f64[d + F64_ASK_SIZE] : askSize,
    );
  }

  /** Whether a quote of this time would be late after the whole one at `i`. As in numbering, one beyond its receipt judges none. */
  #isLate(i: number, signed: boolean, eventS: number, eventNs: number): boolean {
    const { u32, f64 } = this.aside.records;
    const w = i * RECORD_U32;
    const d = i * RECORD_F64;
    if (isMissing(f64[d + F64_BID], signed) || isMissing(f64[d + F64_ASK], signed)) return false;
    const [newestS, newestNs] = [u32[w + U32_TS_EVENT_S], u32[w + U32_TS_EVENT_NS]];
    const [recvS, recvNs] = [u32[w + U32_TS_RECV_S], u32[w + U32_TS_RECV_NS]];
    return !isBefore(recvS, recvNs, newestS, newestNs) && isBefore(eventS, eventNs, newestS, newestNs);
  }

  /** Slot for a critical tick in `target`: the ring, or the side queue, or -1 when even that is full. */
  critical(shard: number): number {
    const { aside, outlet } = this;
    if (this.isDirect(shard)) {
      this.target = outlet.rings[shard].records;
      return outlet.claim(shard);
    }
    const { next } = outlet;
    this.target = aside.queue;
    const lost = aside.lost[shard];
    // The gap record stands where the ticks are missing: before the next one that finds room.
    if (aside.criticalRoom(shard) < (lost > 0 ? 2 : 1)) {
      next[FeedWord.dropped]++;
      next[FeedWord.unmarked]++;
      aside.lost[shard]++;
      return -1;
    }
    if (lost > 0) {
      next[FeedWord.conflating]++;
      this.#mark(aside.criticalSlot(shard), shard, GapReason.feedOverflow);
    }
    next[FeedWord.conflating]++;
    return aside.criticalSlot(shard);
  }

  /** Moves what stands aside into the rings as far as they have room: critical ticks, a gap record, quotes. */
  drain(): void {
    const { aside, outlet } = this;
    const { next } = outlet;
    outlet.rings.forEach((ring, shard) => {
      while (!aside.isEmpty(shard) && outlet.hasRoom(shard, 1)) {
        const i = ring.slot(next[FeedWord.heads + shard]);
        if (aside.takeCritical(shard, ring.records, i)) {
          next[FeedWord.conflating]--;
          // A mark of ours has come through only now: had the thread died before, the mark had gone with it.
          if (ring.records.u16[i * RECORD_U16 + U16_SOURCE] === NO_SOURCE) {
            next[FeedWord.unmarked] -= ring.records.f64[i * RECORD_F64 + F64_GAP_COUNT];
          }
          outlet.claim(shard);
        } else if (aside.lost[shard] > 0) {
          this.target = ring.records;
          this.#mark(outlet.claim(shard), shard, GapReason.feedOverflow);
        } else {
          aside.takeQuote(shard, ring.records, i);
          next[FeedWord.conflating]--;
          outlet.claim(shard);
        }
      }
    });
  }

  /**
   * After a crash of the thread: what stood aside is gone with it, and says so; so does what was dropped but
   * not yet marked. Nothing is committed here.
   */
  admitLoss(): void {
    const { aside, outlet } = this;
    const { next } = outlet;
    const stood = next[FeedWord.conflating];
    next[FeedWord.conflating] = 0;
    next[FeedWord.dropped] += stood;
    next[FeedWord.unmarked] += stood;
    aside.lost[0] = next[FeedWord.unmarked];
    if (!outlet.hasRoom(0, 1)) return;
    this.target = outlet.rings[0].records;
    this.#mark(outlet.claim(0), 0, GapReason.feedRestart);
  }

  /** Makes slot `slot` of the target the gap record of what the shard lost. */
  #mark(slot: number, shard: number, reason: number): void {
    const { aside, receipt, target } = this;
    const { next } = this.outlet;
    const count = aside.lost[shard];
    next[FeedWord.generated]++;
    if (target !== aside.queue) next[FeedWord.unmarked] -= count;
    aside.lost[shard] = 0;
    writeHeader(target, slot, ENGINE_SYMBOL, Kind.gap, NO_SOURCE, 0, 0);
    writeTimes(target, slot, receipt.recvS, receipt.recvNs, receipt.recvS, receipt.recvNs);
    writeGap(target, slot, reason, 0, 0, count);
  }
}

function isBefore(s: number, ns: number, otherS: number, otherNs: number): boolean {
  return s < otherS || (s === otherS && ns < otherNs);
}
