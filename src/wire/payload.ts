/**
 * What the three encodings have in common on the sending side. A payload is the encoded ticks of one batch,
 * without what differs between subscribers: `encodeBatch` puts it into a message with the subscription's number
 * and cursor, so that subscribers with equal subscriptions share the encoded bytes.
 */
import type { Records } from '../core/tick.js';

/** Memory that payloads and frames are written into; every view covers all of it. */
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

/** Where the encoded ticks of one batch stand in the encoder's buffer, and what its header will say. */
export class Payload {
  at = 0;
  bytes = 0;
  count = 0;
  shard = 0;
  epoch = 0;
  snapshot = false;
  /** -1 until the first tick gives it. */
  baseSeq = -1;
  eventS = 0;
  eventNs = 0;
  recvS = 0;
  recvNs = 0;
  /** Power of ten of the unit of event times, in nanoseconds; -1 until the first event time gives it. */
  unit = -1;

  /**
   * @param at where in the buffer it starts; a multiple of 8
   * @param baseSeq the lowest seq to be expected, -1 for that of the first tick
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

  /** Takes over the bases of another payload, so that its encoded ticks are right in this one. */
  adopt(other: Payload): void {
    this.baseSeq = other.baseSeq;
    this.eventS = other.eventS;
    this.eventNs = other.eventNs;
    this.recvS = other.recvS;
    this.recvNs = other.recvNs;
    this.unit = other.unit;
  }
}

/** What an encoder needs to know of symbols, by symbolId. */
export interface SymbolNames {
  readonly digits: Uint8Array;
  readonly symbols: readonly ({ name: string } | undefined)[];
}

/** Ticks in the buffer of their encoder, by number: where each begins, its separator left out, and ends. */
export interface EncodedTicks {
  /** Whose bases they are encoded with. */
  readonly payload: Payload;
  readonly begins: Uint32Array;
  readonly ends: Uint32Array;
}

export interface TickEncoder {
  /** An upper bound of the bytes of one tick. The caller sees to it that there is room for one more. */
  readonly tickBytesMax: number;
  /** An upper bound of what `encodeBatch` adds. */
  readonly batchBytesMax: number;
  /** Whether messages are text. */
  readonly text: boolean;
  /** Bytes before every tick but the first of a payload. */
  readonly separatorBytes: number;
  /** Whether one message holds many batches. */
  readonly framed: boolean;
  /** Appends record `i` of `r`, numbered `seq`. */
  put(payload: Payload, r: Records, i: number, seq: number): void;
  /**
   * Takes over the bases of `from`, and appends its ticks of the first `count` numbers of `picks`. Stops when the
   * payload has more than `full` bytes; returns how many ticks were taken.
   */
  copy(payload: Payload, from: EncodedTicks, picks: Uint32Array, count: number, full: number): number;
  /** Writes the batch into `into` at `at`; returns where it ends. */
  encodeBatch(payload: Payload, sub: number, cursor: Uint8Array, into: EncodeBuffer, at: number): number;
}

/** `TickEncoder.copy` for ticks of any length, with a byte between them where one is given. */
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
