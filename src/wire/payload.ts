/**
 * The common part of the three encoders. A payload is the encoded ticks of one batch, without the parts that differ
 * between subscribers. `encodeBatch` writes a payload into a message, with the number and cursor of a subscription. So
 * equal subscriptions share the encoded bytes.
 */
import type { Records } from '../core/tick.js';

/** Memory for payloads and frames. Every view covers the whole memory. */
export class EncodeBuffer {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  readonly view: DataView;

  /** @param bytes a multiple of 8 */
  constructor(readonly bytes: number) {
    const buffer = new ArrayBuffer(bytes);
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.view = new DataView(buffer);
  }
}

/** The encoded ticks of one batch: their bytes in the encoder's buffer, and the values of the batch header. */
export class Payload {
  /** Byte offset in the buffer. */
  at = 0;
  /** Length in bytes. */
  bytes = 0;
  count = 0;
  shard = 0;
  epoch = 0;
  snapshot = false;
  /** Base of compact seqs; -1 until the first tick sets it. */
  baseSeq = -1;
  eventS = 0;
  eventNs = 0;
  recvS = 0;
  recvNs = 0;
  /** The unit of event times is 10^unit nanoseconds; -1 until the first event time sets it. */
  unit = -1;

  /**
   * Starts an empty payload.
   * @param at byte offset in the buffer, a multiple of 8
   * @param baseSeq the lowest expected seq; -1: the seq of the first tick
   */
  begin(at: number, shard: number, epoch: number, snapshot: boolean, baseSeq = -1): void {
    this.at = at;
    this.bytes = 0;
    this.count = 0;
    this.shard = shard;
    this.epoch = epoch;
    this.snapshot = snapshot;
    this.baseSeq = baseSeq;
    this.unit = -1;
  }

  /** Copies the bases of another payload, so that the encoded ticks of that payload are valid in this one. */
  adopt(other: Payload): void {
    this.baseSeq = other.baseSeq;
    this.eventS = other.eventS;
    this.eventNs = other.eventNs;
    this.recvS = other.recvS;
    this.recvNs = other.recvNs;
    this.unit = other.unit;
  }
}

/** Digits and names of symbols, by symbolId. */
export interface SymbolNames {
  readonly digits: Uint8Array;
  readonly symbols: readonly ({ name: string } | undefined)[];
}

/** Encoded ticks in the buffer of an encoder, by index: byte offsets of begin (after a separator) and end. */
export interface EncodedTicks {
  /** The payload whose bases the ticks are encoded with. */
  readonly payload: Payload;
  readonly begins: Uint32Array;
  readonly ends: Uint32Array;
}

export interface TickEncoder {
  /** Upper bound of the bytes of one tick. Before `put`, the caller must make sure that this many bytes are free. */
  readonly tickBytesMax: number;
  /** Upper bound of the bytes that `encodeBatch` adds to a payload. */
  readonly batchBytesMax: number;
  /** Whether messages are text. */
  readonly text: boolean;
  /** Bytes before every tick but the first of a payload. */
  readonly separatorBytes: number;
  /** Whether one message may hold several batches. */
  readonly framed: boolean;
  /** Appends record `i` of `r`, which has the full seq `seq`. */
  put(payload: Payload, r: Records, i: number, seq: number): void;
  /**
   * Copies the bases of `from`, then appends the ticks of `from` at the first `count` indices in `picks`. Stops when the
   * payload has more than `full` bytes.
   * @returns the number of ticks that were appended
   */
  copy(payload: Payload, from: EncodedTicks, picks: Uint32Array, count: number, full: number): number;
  /** Writes the batch into `into` at byte offset `at`; returns the offset of its end. */
  encodeBatch(payload: Payload, sub: number, cursor: Uint8Array, into: EncodeBuffer, at: number): number;
}

/** `TickEncoder.copy` for ticks of any length. `separator` is a byte between two ticks; absent: none. */
export function copyTicks(
  { u8 }: EncodeBuffer,
  payload: Payload,
  { payload: base, begins, ends }: EncodedTicks,
  picks: Uint32Array,
  count: number,
  full: number,
  separator?: number,
): number {
  payload.adopt(base);
  let taken = 0;
  while (taken < count && payload.bytes <= full) {
    const pick = picks[taken++];
    if (separator !== undefined && payload.count > 0) u8[payload.at + payload.bytes++] = separator;
    u8.copyWithin(payload.at + payload.bytes, begins[pick], ends[pick]);
    payload.bytes += ends[pick] - begins[pick];
    payload.count++;
  }
  return taken;
}
