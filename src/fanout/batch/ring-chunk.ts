/**
 * Ring chunks: records of a ring, encoded once for all groups. A ring is divided into chunks of equal length. An encoded
 * chunk is kept while it is used, so subscribers that lag share it as well as those at the head.
 *
 * A group that wants every record sends the bytes of the chunk. Other groups copy the records that they want. Such groups
 * read the ring itself until together they have encoded as many records as a whole chunk has; only then is the chunk
 * encoded. So subscribers that lag too far apart to share encode at most twice what they need.
 */

import { KIND_MASK, RECORD_U16, RECORD_U32, U16_KIND_FLAGS, U32_SYMBOL } from '../../core/tick.js';
import type { BroadcastReader } from '../../pipeline/memory/broadcast-ring.js';
import { type EncodedTicks, Payload, type TickEncoder } from '../../wire/payload.js';
import type { EncodeArena } from './encode-arena.js';
import type { ShardView } from './shard-view.js';

/** Positions of one chunk. */
export const CHUNK_TICKS = 512;
/** 32-bit words that hold one bit per position of a chunk. */
export const CHUNK_WORDS = CHUNK_TICKS / 32;

/** How many positions of the chunk that holds `position + 1` come before `position + 1`. */
export function withinChunk(position: number): number {
  return position & (CHUNK_TICKS - 1);
}

/** An encoded chunk: as many of its records as are committed and fit into its memory. */
export class RingChunk implements EncodedTicks {
  readonly payload = new Payload();
  readonly symbols = new Uint32Array(CHUNK_TICKS);
  readonly kinds = new Uint8Array(CHUNK_TICKS);
  readonly seqs = new Float64Array(CHUNK_TICKS);
  /** Byte offsets in the buffer at which each record begins and ends. */
  readonly begins = new Uint32Array(CHUNK_TICKS);
  readonly ends = new Uint32Array(CHUNK_TICKS);
  /** By symbolId: 1 + the index of the symbol's last record; 0 where the chunk has none. */
  readonly lasts: Uint16Array;
  /** By record: 1 + the index of the previous record of the same symbol; 0 where there is none. */
  readonly before = new Uint16Array(CHUNK_TICKS);
  /** Records that are encoded. */
  count = 0;
  /** Position before the first record. */
  from = 0;
  owner: RingChunks | null = null;
  usedAt = 0;

  /** @param at byte offset of its memory in the buffer */
  constructor(
    readonly at: number,
    readonly bytes: number,
    maxSymbols: number,
  ) {
    this.lasts = new Uint16Array(maxSymbols);
  }

  clear(): void {
    for (let i = 0; i < this.count; i++) this.lasts[this.symbols[i]] = 0;
    this.count = 0;
  }

  /** Adds the next record, of symbol `symbol`; returns the index of the record. */
  add(symbol: number): number {
    const i = this.count++;
    this.symbols[i] = symbol;
    this.before[i] = this.lasts[symbol];
    this.lasts[symbol] = i + 1;
    return i;
  }
}

/** The memory of the chunks of all rings and encodings. The least recently used chunk is reused first. */
export class RingChunkPool {
  readonly #chunks: RingChunk[];
  #uses = 0;

  constructor(
    readonly arena: EncodeArena,
    maxSymbols: number,
  ) {
    this.#chunks = arena.chunks().map(({ at, bytes }) => new RingChunk(at, bytes, maxSymbols));
  }

  touch(chunk: RingChunk): void {
    chunk.usedAt = ++this.#uses;
  }

  take(owner: RingChunks): RingChunk {
    let oldest = this.#chunks[0];
    for (const chunk of this.#chunks) if (chunk.usedAt < oldest.usedAt) oldest = chunk;
    oldest.owner?.forget(oldest);
    // Payloads of this flush may point into the chunk.
    if (oldest.owner !== null) this.arena.invalidate();
    oldest.owner = owner;
    oldest.clear();
    this.touch(oldest);
    return oldest;
  }
}

/** The chunks of one ring in one encoding. */
export class RingChunks {
  readonly #byFrom = new Map<number, RingChunk>();
  /**
   * Number of use counters, a power of two. One counter serves every chunk with the same index modulo this number. It is
   * twice the number of chunks that the ring holds, so two chunks of the ring never share a counter.
   */
  readonly #counters: number;
  /** By use counter: `from` of the chunk, and how many of its records groups have encoded on their own. */
  readonly #starts: Float64Array;
  readonly #uses: Uint32Array;
  #registrySeen = 0;

  constructor(
    readonly encoder: TickEncoder,
    readonly pool: RingChunkPool,
    readonly view: ShardView,
    readonly isCritical: boolean,
  ) {
    this.#counters = Math.max(1, (2 * this.#ring.capacity) / CHUNK_TICKS);
    this.#starts = new Float64Array(this.#counters);
    this.#uses = new Uint32Array(this.#counters);
  }

  get #ring(): BroadcastReader {
    return this.isCritical ? this.view.critical : this.view.ring;
  }

  /**
   * The chunk that holds the records after `position`, encoded up to `head` or to the end of the chunk.
   * @param all whether the group wants every record
   * @returns null where the ring no longer holds the chunk, and where sharing the chunk is not worth the work yet
   */
  after(position: number, head: number, epoch: number, registrySeen: number, all: boolean): RingChunk | null {
    // A symbol that was redefined may have other digits, which compact prices depend on.
    if (registrySeen !== this.#registrySeen) {
      this.#byFrom.clear();
      this.#registrySeen = registrySeen;
    }
    const from = position - withinChunk(position);
    let chunk = this.#byFrom.get(from);
    if (chunk === undefined) {
      if (this.#ring.oldest() > from + 1) return null;
      if (!all && !this.#isWorthSharing(from)) return null;
      chunk = this.pool.take(this);
      chunk.from = from;
      chunk.payload.begin(chunk.at, this.view.index, epoch, false);
      this.#byFrom.set(from, chunk);
    }
    this.pool.touch(chunk);
    const to = Math.min(head, from + CHUNK_TICKS);
    if (from + chunk.count < to) this.#extend(chunk, to);
    return this.#byFrom.has(from) && from + chunk.count > position ? chunk : null;
  }

  /** Counts `count` records after `position`, all of one chunk, that a group has encoded from the ring itself. */
  recordUse(position: number, count: number): void {
    const from = position - withinChunk(position);
    const counter = this.#counterOf(from);
    if (this.#starts[counter] !== from) {
      this.#starts[counter] = from;
      this.#uses[counter] = 0;
    }
    this.#uses[counter] += count;
  }

  /** Whether groups have encoded as many records as a whole chunk has. If so, the counter restarts at 0. */
  #isWorthSharing(from: number): boolean {
    const counter = this.#counterOf(from);
    if (this.#starts[counter] !== from || this.#uses[counter] < CHUNK_TICKS) return false;
    this.#uses[counter] = 0;
    return true;
  }

  #counterOf(from: number): number {
    return (from / CHUNK_TICKS) & (this.#counters - 1);
  }

  forget(chunk: RingChunk): void {
    if (this.#byFrom.get(chunk.from) === chunk) this.#byFrom.delete(chunk.from);
  }

  #extend(chunk: RingChunk, to: number): void {
    const { encoder, view, isCritical } = this;
    const { payload } = chunk;
    const ring = this.#ring;
    const { u16, u32 } = ring.records;
    const full = chunk.bytes - encoder.tickBytesMax;
    const first = chunk.from + chunk.count + 1;
    for (let position = first; position <= to && payload.bytes <= full; position++) {
      const slot = ring.slot(position);
      const seq = isCritical ? view.criticalSeq(position) : position;
      const i = chunk.add(u32[slot * RECORD_U32 + U32_SYMBOL]);
      chunk.kinds[i] = u16[slot * RECORD_U16 + U16_KIND_FLAGS] & KIND_MASK;
      chunk.seqs[i] = seq;
      chunk.begins[i] = payload.at + payload.bytes + (i > 0 ? encoder.separatorBytes : 0);
      encoder.put(payload, ring.records, slot, seq);
      chunk.ends[i] = payload.at + payload.bytes;
    }
    // The writer may have overwritten a slot while it was read: nothing of the chunk can be trusted.
    if (ring.oldest() > first) this.forget(chunk);
  }
}
