/**
 * Chunks: a ring's records, encoded once for everybody. The positions of a ring are cut into chunks of
 * equal length; an encoded chunk stays for as long as it is asked for, so subscribers that lag share it as
 * well as those at the head. A group copies out of it the records that it wants, or, where it wants all of
 * them, sends its bytes as they stand. Groups that want a part take it from the ring until all of them together
 * have encoded as many records of a chunk as a whole one has. So subscribers that lag at many places, too far from
 * each other to share anything, pay for what they want and at most for as much again.
 */

import { KIND_MASK, RECORD_U16, RECORD_U32, U16_KIND_FLAGS, U32_SYMBOL } from '../../core/tick.js';
import type { BroadcastReader } from '../../pipeline/memory/broadcast-ring.js';
import { type EncodedTicks, Payload, type TickEncoder } from '../../wire/payload.js';
import type { EncodeArena } from './encode-arena.js';
import type { ShardView } from './shard-view.js';

/** Positions of one chunk. */
export const CHUNK_TICKS = 512;
/** Words of a bit for each of them. */
export const CHUNK_WORDS = CHUNK_TICKS / 32;

/** Positions of its chunk that lie before the one after `position`. */
export function withinChunk(position: number): number {
  return position & (CHUNK_TICKS - 1);
}

/** An encoded chunk, or as much of it as there is, or as fits into its memory. */
export class RingChunk implements EncodedTicks {
  readonly payload = new Payload();
  readonly symbols = new Uint32Array(CHUNK_TICKS);
  readonly kinds = new Uint8Array(CHUNK_TICKS);
  readonly seqs = new Float64Array(CHUNK_TICKS);
  /** Where each record begins and ends in the buffer. */
  readonly begins = new Uint32Array(CHUNK_TICKS);
  readonly ends = new Uint32Array(CHUNK_TICKS);
  /** By symbolId: 1 + the index of its last record; 0 where the chunk has none of it. */
  readonly lasts: Uint16Array;
  /** By record: 1 + the index of the one before it of the same symbol; 0 where it is the first. */
  readonly before = new Uint16Array(CHUNK_TICKS);
  /** Records that are encoded. */
  count = 0;
  /** Position before the first record. */
  from = 0;
  owner: RingChunks | null = null;
  usedAt = 0;

  /** @param at its memory in the buffer */
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

  /** Notes whose the next record is; returns its index. */
  add(symbol: number): number {
    const i = this.count++;
    this.symbols[i] = symbol;
    this.before[i] = this.lasts[symbol];
    this.lasts[symbol] = i + 1;
    return i;
  }
}

/** The memory of all chunks, of all rings and encodings: the one used longest ago goes first. */
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
    // Payloads of this flush may be bytes of it.
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
  /** Chunks that are accounted for, a power of two: twice what the ring holds, so that readers never empty each other's. */
  readonly #accounts: number;
  /** By account: the start of the chunk that it is of, and how many of its records groups have encoded on their own. */
  readonly #starts: Float64Array;
  readonly #uses: Uint32Array;
  #registrySeen = 0;

  constructor(
    readonly encoder: TickEncoder,
    readonly pool: RingChunkPool,
    readonly view: ShardView,
    readonly isCritical: boolean,
  ) {
    this.#accounts = Math.max(1, (2 * this.#ring.capacity) / CHUNK_TICKS);
    this.#starts = new Float64Array(this.#accounts);
    this.#uses = new Uint32Array(this.#accounts);
  }

  get #ring(): BroadcastReader {
    return this.isCritical ? this.view.critical : this.view.ring;
  }

  /**
   * The chunk that holds what follows a position up to `head` or its own end; null where there is none, and where
   * nobody wants all of it and it does not pay yet.
   */
  after(position: number, head: number, epoch: number, registrySeen: number, all: boolean): RingChunk | null {
    // A symbol that was redefined has other digits: what was encoded before means something else now.
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

  /** Tells that a group has encoded so many records after `position`, of one chunk, taken from the ring. */
  recordUse(position: number, count: number): void {
    const from = position - withinChunk(position);
    const account = this.#account(from);
    if (this.#starts[account] !== from) {
      this.#starts[account] = from;
      this.#uses[account] = 0;
    }
    this.#uses[account] += count;
  }

  /** Whether groups have encoded as many records of a chunk as a whole one has. They are counted anew after that. */
  #isWorthSharing(from: number): boolean {
    const account = this.#account(from);
    if (this.#starts[account] !== from || this.#uses[account] < CHUNK_TICKS) return false;
    this.#uses[account] = 0;
    return true;
  }

  #account(from: number): number {
    return (from / CHUNK_TICKS) & (this.#accounts - 1);
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
    // The writer may have been in a slot while it was read: nothing of that chunk can be trusted.
    if (ring.oldest() > first) this.forget(chunk);
  }
}
