/**
 * The newest quotes of one shard in one encoding, shared by all groups of mode `latest`. The first subscriber that needs
 * a quote has it encoded; all others copy its bytes, in this flush and in later ones. All quotes of the cache are encoded
 * relative to the same base seq and times. The cache restarts before these bases are too old.
 */
import { Slot } from '../../pipeline/memory/last-value-table.js';
import { COMPACT_SEQ_MAX } from '../../wire/packed.js';
import { type EncodedTicks, Payload, type TickEncoder } from '../../wire/payload.js';
import type { EncodeArena } from './encode-arena.js';
import { type LastValueMirror, MIRROR_SLOTS } from './last-value-mirror.js';
import type { ShardView } from './shard-view.js';

/** Share of the seq range that lies below T when the cache starts: for quotes older than T. */
const BELOW = 0.6;
/** Share of the seq range after which the cache restarts. */
const SPENT = 0.95;
/** Milliseconds after which the cache restarts: a compact record holds a time up to two seconds from the first one. */
const AGE_MS = 500;

export class QuoteCache implements EncodedTicks {
  readonly payload = new Payload();
  /** By symbolId: byte offsets at which the encoded quote begins and ends. */
  readonly begins: Uint32Array;
  readonly ends: Uint32Array;
  /** By symbolId: seq of the encoded quote; NaN where there is none. */
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
    this.#restartIfOld(nowMs, epoch);
    let encoded = 0;
    while (encoded < count && this.#encode(ids[encoded])) encoded++;
    encoder.copy(payload, this, ids, encoded, this.#bytes);
    for (let k = encoded; k < count; k++) putQuote(encoder, payload, this.mirror, ids[k]);
  }

  /** Restarts the cache where it must, at most once per flush. */
  #restartIfOld(nowMs: number, epoch: number): void {
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

  /** Encodes the symbol's newest quote, unless the cache has it. False when the cache is full. */
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

/** The base seq for quotes. Quotes are not in order of seq, so the base lies far enough below T for recent quotes. */
export function quoteBase(view: ShardView): number {
  return Math.max(0, view.applied - Math.floor(COMPACT_SEQ_MAX * BELOW));
}
