/**
 * The newest quotes of one shard in one encoding, encoded once for all groups of mode `latest`: a quote is
 * encoded when the first subscriber needs it, and all others copy its bytes, in this flush and in later ones.
 * All are written with the same bases, so from time to time the cache begins anew, before bases are too old.
 */
import { Slot } from '../../pipeline/memory/last-value-table.js';
import { COMPACT_SEQ_MAX } from '../../wire/packed.js';
import { type EncodedTicks, Payload, type TickEncoder } from '../../wire/payload.js';
import type { EncodeArena } from './encode-arena.js';
import { type LastValueMirror, MIRROR_SLOTS } from './last-value-mirror.js';
import type { ShardView } from './shard-view.js';

/** Part of the seqs above the base that lies below T at the start, for quotes that are older than that. */
const BELOW = 0.6;
/** Part of them after which the cache begins anew. */
const SPENT = 0.95;
/** Milliseconds after which it does so too: times are distances from the first one, of two seconds at most. */
const AGE_MS = 500;

export class QuoteCache implements EncodedTicks {
  readonly payload = new Payload();
  /** By symbolId: where its quote begins and ends. */
  readonly begins: Uint32Array;
  readonly ends: Uint32Array;
  /** Likewise: the seq of the quote that stands there; NaN where there is none. */
  readonly #seqs: Float64Array;
  readonly #at: number;
  readonly #bytes: number;
  #flushNo = 0;
  #beganAtMs = Number.NEGATIVE_INFINITY;
  #registrySeen = -1;

  constructor(
    readonly encoder: TickEncoder,
    arena: EncodeArena,
    readonly view: ShardView,
    readonly mirror: LastValueMirror,
  ) {
    const { maxSymbols } = mirror.table;
    this.begins = new Uint32Array(maxSymbols);
    this.ends = new Uint32Array(maxSymbols);
    this.#seqs = new Float64Array(maxSymbols).fill(Number.NaN);
    ({ at: this.#at, bytes: this.#bytes } = arena.takeCache());
  }

  /** Appends the quotes of the first `count` symbols of `ids` to an empty payload. */
  copyInto(payload: Payload, ids: Uint32Array, count: number, nowMs: number, epoch: number): void {
    const { encoder } = this;
    this.#enter(nowMs, epoch);
    let encoded = 0;
    while (encoded < count && this.#encode(ids[encoded])) encoded++;
    encoder.copy(payload, this, ids, encoded, this.#bytes);
    for (let k = encoded; k < count; k++) putQuote(encoder, payload, this.mirror, ids[k]);
  }

  /** Begins anew where it has to, at most once a flush. */
  #enter(nowMs: number, epoch: number): void {
    const { view, payload, mirror } = this;
    if (this.#flushNo === view.flushNo) return;
    this.#flushNo = view.flushNo;
    const { seen } = mirror.registry;
    const isGood =
      seen === this.#registrySeen &&
      nowMs - this.#beganAtMs < AGE_MS &&
      view.applied - payload.baseSeq < COMPACT_SEQ_MAX * SPENT &&
      !this.#isFull;
    if (isGood) return;
    this.#registrySeen = seen;
    this.#beganAtMs = nowMs;
    this.#seqs.fill(Number.NaN);
    payload.begin(this.#at, view.index, epoch, false, quoteBase(view));
  }

  get #isFull(): boolean {
    return this.payload.bytes + this.encoder.tickBytesMax > this.#bytes;
  }

  /** Sees to it that the symbol's newest quote is there; false when there is no room for it. */
  #encode(id: number): boolean {
    const { encoder, payload, mirror } = this;
    const seq = mirror.seqs[id * MIRROR_SLOTS + Slot.quote];
    if (this.#seqs[id] === seq) return true;
    if (this.#isFull) return false;
    this.begins[id] = payload.at + payload.bytes + (payload.count > 0 ? encoder.separatorBytes : 0);
    putQuote(encoder, payload, mirror, id);
    this.ends[id] = payload.at + payload.bytes;
    this.#seqs[id] = seq;
    return true;
  }
}

/** Appends a symbol's newest quote to a payload. */
export function putQuote(encoder: TickEncoder, payload: Payload, mirror: LastValueMirror, id: number): void {
  const at = id * MIRROR_SLOTS + Slot.quote;
  encoder.put(payload, mirror.records, at, mirror.seqs[at]);
}

/** Quotes are not in order of seq: their base lies so far below T that recent ones are ahead of it. */
export function quoteBase(view: ShardView): number {
  return Math.max(0, view.applied - Math.floor(COMPACT_SEQ_MAX * BELOW));
}
