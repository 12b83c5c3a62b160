/** How a block of raw records, of a source without positions, gets into the raw rings: as many as have room. */

import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_TS_EVENT,
  F64_TS_RECV,
  RECORD_F64,
  RECORD_U32,
  type Records,
  SLOT_BITS,
  U32_KIND_FLAGS_SOURCE,
  U32_RAW_CONFLATED,
  U32_RAW_POSITION,
  U32_SYMBOL,
} from '../../core/tick.js';
import { FeedWord } from '../../pipeline/memory/counters.js';
import { failpoint } from '../../pipeline/memory/failpoint.js';
import type { Registry } from '../../pipeline/memory/registry.js';
import type { RingWriter } from './ring-writer.js';

export class BlockWriter {
  readonly #shardCount: number;
  /** Free slots of each ring while a block is offered. */
  readonly #room: Int32Array;
  /** The head of each ring meanwhile. */
  readonly #heads: Float64Array;
  readonly #time = new Uint32Array(2);
  readonly #timeWord = new Float64Array(this.#time.buffer);

  constructor(
    readonly writer: RingWriter,
    readonly registry: Registry,
  ) {
    this.#shardCount = writer.rings.length;
    this.#room = new Int32Array(this.#shardCount);
    this.#heads = new Float64Array(this.#shardCount);
  }

  /**
   * Where there is one shard, times of receipt are written into the block itself.
   * @param live whether tsEvent must be the time of receipt
   * @param recvS time of receipt, seconds
   * @param recvNs and ns
   * @returns how many were accepted, and counted as received
   */
  offer(block: Records, from: number, count: number, live: boolean, recvS: number, recvNs: number): number {
    this.#time[0] = recvS;
    this.#time[1] = recvNs;
    const done =
      this.#shardCount === 1
        ? this.#whole(block, from, count, live)
        : this.#byShard(block, from, count, live);
    this.writer.next[FeedWord.received] += done;
    return done;
  }

  /** Where there is one ring: as whole pieces. */
  #whole(block: Records, from: number, count: number, live: boolean): number {
    const [ring] = this.writer.rings;
    const head = this.writer.next[FeedWord.heads];
    const done = Math.min(count, ring.free(head, count));
    // In the block, while it is at hand: once copied, it has left the core's first cache.
    this.#receive(block, from, done, live);
    for (let at = 0; at < done; ) {
      const slot = ring.slot(head + at);
      const piece = Math.min(done - at, ring.records.capacity - slot);
      const words = block.u32.subarray((from + at) * RECORD_U32, (from + at + piece) * RECORD_U32);
      ring.records.u32.set(words, slot * RECORD_U32);
      at += piece;
      failpoint();
    }
    if (done > 0) this.writer.advance(0, head + done);
    return done;
  }

  /** Fills in the time of receipt. */
  #receive({ f64 }: Records, from: number, count: number, live: boolean): void {
    const receipt = this.#receipt();
    for (let i = 0; i < count; i++) {
      const e = ((from + i) & SLOT_BITS) * RECORD_F64;
      f64[e + F64_TS_RECV] = receipt;
      if (live) f64[e + F64_TS_EVENT] = receipt;
    }
  }

  /** Where there are several: each record into its own. */
  #byShard(block: Records, from: number, count: number, live: boolean): number {
    const { bucket } = this.registry;
    const { next, rings } = this.writer;
    const shardCount = this.#shardCount;
    const room = this.#room;
    const heads = this.#heads;
    for (let s = 0; s < shardCount; s++) {
      heads[s] = next[FeedWord.heads + s];
      room[s] = rings[s].free(heads[s], count);
    }
    const receipt = this.#receipt();
    const { u32: from32, f64: from64 } = block;
    let done = 0;
    while (done < count) {
      const i = (from + done) & SLOT_BITS;
      const w = i * RECORD_U32;
      const d = i * RECORD_F64;
      const shard = bucket[from32[w + U32_SYMBOL]] % shardCount;
      if (--room[shard] < 0) break;
      const ring = rings[shard];
      const { u32, f64 } = ring.records;
      const o = ring.slot(heads[shard]++);
      const v = o * RECORD_U32;
      const e = o * RECORD_F64;
      u32[v + U32_SYMBOL] = from32[w + U32_SYMBOL];
      u32[v + U32_KIND_FLAGS_SOURCE] = from32[w + U32_KIND_FLAGS_SOURCE];
      u32[v + U32_RAW_POSITION] = 0;
      u32[v + U32_RAW_CONFLATED] = 0;
      f64[e + F64_TS_EVENT] = live ? receipt : from64[d + F64_TS_EVENT];
      f64[e + F64_TS_RECV] = receipt;
      f64[e + F64_BID] = from64[d + F64_BID];
      f64[e + F64_ASK] = from64[d + F64_ASK];
      f64[e + F64_BID_SIZE] = from64[d + F64_BID_SIZE];
      f64[e + F64_ASK_SIZE] = from64[d + F64_ASK_SIZE];
      done++;
      failpoint();
    }
    for (let s = 0; s < shardCount; s++) {
      if (heads[s] !== next[FeedWord.heads + s]) this.writer.advance(s, heads[s]);
    }
    return done;
  }

  /** The time of receipt as the one word that it is in a record. */
  #receipt(): number {
    return this.#timeWord[0];
  }
}
