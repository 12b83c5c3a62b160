/**
 * Stretches: a ring's records, encoded once for everybody. The positions of a ring are cut into stretches of
 * equal length; an encoded stretch stays for as long as it is asked for, so subscribers that lag share it as
 * well as those at the head. A group copies out of it the records that it wants, or, where it wants all of
 * them, sends its bytes as they stand. Groups that want a part take it from the ring until all of them together
 * have encoded as many records of a stretch as a whole one has. So subscribers that lag at many places, too far from
 * each other to share anything, pay for what they want and at most for as much again.
 */

import { KIND_MASK, RECORD_U16, RECORD_U32, U16_KIND_FLAGS, U32_SYMBOL } from '../../core/tick.js';
import type { BroadcastReader } from '../../pipeline/memory/broadcast-ring.js';
import { Body, type EncodedTicks, type TickEncoder } from '../../wire/body.js';
import type { EncodeArena } from './encode-arena.js';
import type { ShardView } from './shard-view.js';

/** Positions of one stretch. */
export const CHUNK_TICKS = 512;
/** Words of a bit for each of them. */
export const CHUNK_WORDS = CHUNK_TICKS / 32;

/** Positions of its stretch that lie before the one after `position`. */
export function withinChunk(position: number): number {
  return position & (CHUNK_TICKS - 1);
}

/** An encoded stretch, or as much of it as there is, or as fits into its memory. */
export class RingChunk implements EncodedTicks {
  readonly body = new Body();
  readonly symbols = new Uint32Array(CHUNK_TICKS);
  readonly kinds = new Uint8Array(CHUNK_TICKS);
  readonly seqs = new Float64Array(CHUNK_TICKS);
  /** Where each record begins and ends in the scratch. */
  readonly begins = new Uint32Array(CHUNK_TICKS);
  readonly ends = new Uint32Array(CHUNK_TICKS);
  /** By symbolId: 1 + the index of its last record; 0 where the stretch has none of it. */
  readonly lasts: Uint16Array;
  /** By record: 1 + the index of the one before it of the same symbol; 0 where it is the first. */
  readonly before = new Uint16Array(CHUNK_TICKS);
  /** Records that are encoded. */
  count = 0;
  /** Position before the first record. */
  from = 0;
  owner: RingChunks | null = null;
  usedAt = 0;

  /** @param at its memory in the scratch */
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

/** The memory of all stretches, of all rings and encodings: the one used longest ago goes first. */
export class RingChunkPool {
  readonly #stretches: RingChunk[];
  #uses = 0;

  constructor(
    readonly arena: EncodeArena,
    maxSymbols: number,
  ) {
    this.#stretches = arena.chunks().map(({ at, bytes }) => new RingChunk(at, bytes, maxSymbols));
  }

  touch(stretch: RingChunk): void {
    stretch.usedAt = ++this.#uses;
  }

  take(owner: RingChunks): RingChunk {
    let oldest = this.#stretches[0];
    for (const stretch of this.#stretches) if (stretch.usedAt < oldest.usedAt) oldest = stretch;
    oldest.owner?.forget(oldest);
    // Bodies of this flush may be bytes of it.
    if (oldest.owner !== null) this.arena.invalidate();
    oldest.owner = owner;
    oldest.clear();
    this.touch(oldest);
    return oldest;
  }
}

/** The stretches of one ring in one encoding. */
export class RingChunks {
  readonly #byFrom = new Map<number, RingChunk>();
  /** Stretches that are accounted for, a power of two: twice what the ring holds, so that readers never empty each other's. */
  readonly #accounts: number;
  /** By account: the start of the stretch that it is of, and how many of its records groups have encoded on their own. */
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
   * The stretch that holds what follows a position up to `head` or its own end; null where there is none, and where
   * nobody wants all of it and it does not pay yet.
   */
  after(position: number, head: number, epoch: number, registrySeen: number, all: boolean): RingChunk | null {
    // A symbol that was redefined has other digits: what was encoded before means something else now.
    if (registrySeen !== this.#registrySeen) {
      this.#byFrom.clear();
      this.#registrySeen = registrySeen;
    }
    const from = position - withinChunk(position);
    let stretch = this.#byFrom.get(from);
    if (stretch === undefined) {
      if (this.#ring.oldest() > from + 1) return null;
      if (!all && !this.#isWorthSharing(from)) return null;
      stretch = this.pool.take(this);
      stretch.from = from;
      stretch.body.begin(stretch.at, this.view.index, epoch, false);
      this.#byFrom.set(from, stretch);
    }
    this.pool.touch(stretch);
    const to = Math.min(head, from + CHUNK_TICKS);
    if (from + stretch.count < to) this.#extend(stretch, to);
    return this.#byFrom.has(from) && from + stretch.count > position ? stretch : null;
  }

  /** Tells that a group has encoded so many records after `position`, of one stretch, taken from the ring. */
  recordUse(position: number, count: number): void {
    const from = position - withinChunk(position);
    const account = this.#account(from);
    if (this.#starts[account] !== from) {
      this.#starts[account] = from;
      this.#uses[account] = 0;
    }
    this.#uses[account] += count;
  }

  /** Whether groups have encoded as many records of a stretch as a whole one has. They are counted anew after that. */
  #isWorthSharing(from: number): boolean {
    const account = this.#account(from);
    if (this.#starts[account] !== from || this.#uses[account] < CHUNK_TICKS) return false;
    this.#uses[account] = 0;
    return true;
  }

  #account(from: number): number {
    return (from / CHUNK_TICKS) & (this.#accounts - 1);
  }

  forget(stretch: RingChunk): void {
    if (this.#byFrom.get(stretch.from) === stretch) this.#byFrom.delete(stretch.from);
  }

  #extend(stretch: RingChunk, to: number): void {
    const { encoder, view, isCritical } = this;
    const { body } = stretch;
    const ring = this.#ring;
    const { u16, u32 } = ring.records;
    const full = stretch.bytes - encoder.tickBytesMax;
    const first = stretch.from + stretch.count + 1;
    for (let position = first; position <= to && body.bytes <= full; position++) {
      const slot = ring.slot(position);
      const seq = isCritical ? view.criticalSeq(position) : position;
      const i = stretch.add(u32[slot * RECORD_U32 + U32_SYMBOL]);
      stretch.kinds[i] = u16[slot * RECORD_U16 + U16_KIND_FLAGS] & KIND_MASK;
      stretch.seqs[i] = seq;
      stretch.begins[i] = body.at + body.bytes + (i > 0 ? encoder.separatorBytes : 0);
      encoder.put(body, ring.records, slot, seq);
      stretch.ends[i] = body.at + body.bytes;
    }
    // The writer may have been in a slot while it was read: nothing of that stretch can be trusted.
    if (ring.oldest() > first) this.forget(stretch);
  }
}
