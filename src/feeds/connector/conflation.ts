/**
 * The policy `conflate`: what becomes of ticks while raw rings are full. Quotes wait in the conflation buffer, one a symbol, and
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
  U32_RAW_CONFLATED,
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
import { isBefore } from '../../core/time.js';
import { FeedWord, Reject } from '../../pipeline/memory/counters.js';
import { isMissing, quoteFault } from '../../pipeline/memory/raw-prices.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import type { ConflationBuffer } from './conflation-buffer.js';
import type { RingWriter } from './ring-writer.js';

/** Source id of the records that are generated here; real ones start at 1. */
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
    readonly writer: RingWriter,
    readonly buffer: ConflationBuffer,
    readonly registry: Registry,
    readonly receipt: Receipt,
  ) {
    this.target = writer.rings[0].records;
  }

  /** Whether a tick may go straight to the ring: nothing of its shard waits, and there is room. */
  isDirect(shard: number): boolean {
    return this.buffer.isEmpty(shard) && this.writer.hasRoom(shard, 1);
  }

  /**
   * Replaces the symbol's last quote in the buffer of a full ring. A bad quote must not replace a good one,
   * so it is rejected here rather than by the shard; a half-quote takes its other side from the one it replaces.
   * A whole one that would be late after the one that is there is conflated into that.
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
    const { buffer, receipt } = this;
    const { next } = this.writer;
    const signed = this.registry.negative[symbolId] !== 0;
    const scale = 10 ** this.registry.digits[symbolId];
    const fault = quoteFault(eventNs, bid, ask, bidSize, askSize, signed, scale);
    if (fault !== undefined) {
      next[FeedWord.rejected + Reject[fault]]++;
      return;
    }
    const i = buffer.quoteSlot(shard, symbolId);
    const r = buffer.records;
    const d = i * RECORD_F64;
    const noBid = buffer.replaced && isMissing(bid, signed);
    const noAsk = buffer.replaced && isMissing(ask, signed);
    if (buffer.replaced) next[FeedWord.conflated]++;
    else next[FeedWord.conflating]++;
    const isWhole = !isMissing(bid, signed) && !isMissing(ask, signed);
    if (buffer.replaced && isWhole && this.#isLate(i, signed, eventS, eventNs)) {
      const w = i * RECORD_U32;
      r.u32[w + U32_RAW_CONFLATED] = buffer.conflated(i);
      if (r.u16[i * RECORD_U16 + U16_SOURCE] === sourceId) r.u32[w + U32_RAW_POSITION] = position;
      return;
    }
    writeHeader(r, i, symbolId, Kind.quote | flags, sourceId, position, buffer.conflated(i));
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

  /** Whether a quote of this time would be late after the whole one at `i`. As in sequencing, one beyond its receipt judges none. */
  #isLate(i: number, signed: boolean, eventS: number, eventNs: number): boolean {
    const { u32, f64 } = this.buffer.records;
    const w = i * RECORD_U32;
    const d = i * RECORD_F64;
    if (isMissing(f64[d + F64_BID], signed) || isMissing(f64[d + F64_ASK], signed)) return false;
    const [newestS, newestNs] = [u32[w + U32_TS_EVENT_S], u32[w + U32_TS_EVENT_NS]];
    const [recvS, recvNs] = [u32[w + U32_TS_RECV_S], u32[w + U32_TS_RECV_NS]];
    return !isBefore(recvS, recvNs, newestS, newestNs) && isBefore(eventS, eventNs, newestS, newestNs);
  }

  /** Slot for a critical tick in `target`: the ring, or the side queue, or -1 when even that is full. */
  critical(shard: number): number {
    const { buffer, writer } = this;
    if (this.isDirect(shard)) {
      this.target = writer.rings[shard].records;
      return writer.claim(shard);
    }
    const { next } = writer;
    this.target = buffer.queue;
    const lost = buffer.lost[shard];
    // The gap record comes where the ticks are missing: before the next one that finds room.
    if (buffer.criticalRoom(shard) < (lost > 0 ? 2 : 1)) {
      next[FeedWord.dropped]++;
      next[FeedWord.unmarked]++;
      buffer.lost[shard]++;
      return -1;
    }
    if (lost > 0) {
      next[FeedWord.conflating]++;
      this.#mark(buffer.criticalSlot(shard), shard, GapReason.feedOverflow);
    }
    next[FeedWord.conflating]++;
    return buffer.criticalSlot(shard);
  }

  /** Moves the buffer into the rings as far as they have room: critical ticks, a gap record, quotes. */
  drain(): void {
    const { buffer, writer } = this;
    const { next } = writer;
    writer.rings.forEach((ring, shard) => {
      while (!buffer.isEmpty(shard) && writer.hasRoom(shard, 1)) {
        const i = ring.slot(next[FeedWord.heads + shard]);
        if (buffer.takeCritical(shard, ring.records, i)) {
          next[FeedWord.conflating]--;
          // A mark of ours has come through only now: had the thread died before, the mark had gone with it.
          if (ring.records.u16[i * RECORD_U16 + U16_SOURCE] === NO_SOURCE) {
            next[FeedWord.unmarked] -= ring.records.f64[i * RECORD_F64 + F64_GAP_COUNT];
          }
          writer.claim(shard);
        } else if (buffer.lost[shard] > 0) {
          this.target = ring.records;
          this.#mark(writer.claim(shard), shard, GapReason.feedOverflow);
        } else {
          buffer.takeQuote(shard, ring.records, i);
          next[FeedWord.conflating]--;
          writer.claim(shard);
        }
      }
    });
  }

  /**
   * After a crash of the thread: the buffer is lost with it, and a gap record marks that; it also marks what was dropped but
   * not yet marked. Nothing is committed here.
   */
  admitLoss(): void {
    const { buffer, writer } = this;
    const { next } = writer;
    const stood = next[FeedWord.conflating];
    next[FeedWord.conflating] = 0;
    next[FeedWord.dropped] += stood;
    next[FeedWord.unmarked] += stood;
    buffer.lost[0] = next[FeedWord.unmarked];
    if (!writer.hasRoom(0, 1)) return;
    this.target = writer.rings[0].records;
    this.#mark(writer.claim(0), 0, GapReason.feedRestart);
  }

  /** Makes slot `slot` of the target the gap record of what the shard lost. */
  #mark(slot: number, shard: number, reason: number): void {
    const { buffer, receipt, target } = this;
    const { next } = this.writer;
    const count = buffer.lost[shard];
    next[FeedWord.generated]++;
    if (target !== buffer.queue) next[FeedWord.unmarked] -= count;
    buffer.lost[shard] = 0;
    writeHeader(target, slot, ENGINE_SYMBOL, Kind.gap, NO_SOURCE, 0, 0);
    writeTimes(target, slot, receipt.recvS, receipt.recvNs, receipt.recvS, receipt.recvNs);
    writeGap(target, slot, reason, 0, 0, count);
  }
}
