/**
 * The MessagePack encoding. msgpackr encodes control messages, with standard types only. Tick batches are encoded by
 * hand, so that 64-bit nanoseconds need no BigInt.
 */
import { Packr } from 'msgpackr';
import {
  F64_GAP_COUNT,
  F64_GAP_FIRST,
  F64_GAP_LAST,
  F64_STATUS_ARG1,
  F64_STATUS_ARG2,
  FLAGS_MASK,
  Flag,
  flagsOf,
  KIND_MASK,
  Kind,
  NO_TIME_S,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  type Records,
  U16_GAP_REASON,
  U16_KIND_FLAGS,
  U32_STATUS_ARG0,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../core/tick.js';
import { toTick } from '../core/tick-record.js';
import { bytesToText } from './cursor.js';
import {
  copyTicks,
  type EncodeBuffer,
  type EncodedTicks,
  type Payload,
  type TickEncoder,
} from './payload.js';
import type { PackTick } from './ticks.js';

// 64-bit integers become numbers while these are exact, else BigInts: times are always BigInts, seqs never.
const INT64_AS = { int64AsType: 'auto' } as unknown as { int64AsType: 'number' };
const packr = new Packr({ useRecords: false, mapsAsObjects: true, variableMapSize: true, ...INT64_AS });

/** A control message as MessagePack. */
export function packControl(message: object): Uint8Array {
  return packr.pack(message);
}

/**
 * Decodes MessagePack. Maps become objects; integers beyond 2^53 become BigInts.
 * @throws Error if the bytes are not MessagePack
 */
export function unpackMessage(bytes: Uint8Array): unknown {
  return packr.unpack(bytes);
}

const NIL = 0xc0;
const TRUE = 0xc3;
const FLOAT64 = 0xcb;
const UINT16 = 0xcd;
const UINT32 = 0xce;
const UINT64 = 0xcf;
const STR8 = 0xd9;
const ARRAY32 = 0xdd;
const FIXARRAY = 0x90;
const FIXMAP = 0x80;
const FIXSTR = 0xa0;
const FIELDS = 11;
const TWO32 = 0x100000000;

const utf8 = new TextEncoder();

function fixText(text: string): Uint8Array {
  const bytes = utf8.encode(text);
  const out = new Uint8Array(bytes.length + 1);
  out[0] = FIXSTR | bytes.length;
  out.set(bytes, 1);
  return out;
}

const KEY_OP_TICKS = new Uint8Array([...fixText('op'), ...fixText('ticks')]);
const KEY_SUB = fixText('sub');
const KEY_EPOCH = fixText('epoch');
const KEY_SHARD = fixText('shard');
const KEY_CURSOR = fixText('cursor');
const KEY_SNAPSHOT = new Uint8Array([...fixText('snapshot'), TRUE]);
const KEY_TICKS = fixText('ticks');

/** Record `i` as an array, as in a batch. For answers to `history`, not for the stream: it allocates. */
export function packTick(r: Records, i: number, seq: number): PackTick {
  const t = toTick(r, i);
  const flags = flagsOf(r, i);
  const head = [t.symbolId, seq, t.symbolSeq, flags, t.tsEvent, t.tsRecv] as const;
  switch (t.kind) {
    case 'quote':
      return [Kind.quote, ...head, t.bid!, t.ask!, t.bidSize!, t.askSize!];
    case 'trade':
      return [Kind.trade, ...head, t.price!, t.size!, sideOf(flags), t.tradeId!];
    case 'status':
      return [Kind.status, ...head, t.code!, t.args![0], t.args![1], t.args![2]];
    default:
      return [Kind.gap, ...head, t.reason!, t.first!, t.last!, t.count!];
  }
}

export class MsgpackEncoder implements TickEncoder {
  readonly tickBytesMax = 96;
  readonly batchBytesMax = 512;
  readonly separatorBytes = 0;
  readonly text = false;
  readonly framed = false;

  constructor(readonly buffer: EncodeBuffer) {}

  put(payload: Payload, r: Records, i: number, seq: number): void {
    const v = this.buffer.view;
    const w = i * RECORD_U32;
    const d = i * RECORD_F64;
    const kindFlags = r.u16[i * RECORD_U16 + U16_KIND_FLAGS];
    const kind = kindFlags & KIND_MASK;
    let at = payload.at + payload.bytes;
    v.setUint8(at, FIXARRAY | FIELDS);
    v.setUint8(at + 1, kind);
    at = putUint(v, at + 2, r.u32[w + U32_SYMBOL]);
    at = putUint(v, at, seq);
    at = putUint(v, at, r.u32[w + U32_SYMBOL_SEQ]);
    at = putUint(v, at, kindFlags & FLAGS_MASK);
    at = putTime(v, at, r.u32[w + U32_TS_EVENT_S], r.u32[w + U32_TS_EVENT_NS]);
    at = putTime(v, at, r.u32[w + U32_TS_RECV_S], r.u32[w + U32_TS_RECV_NS]);
    if (kind === Kind.quote || kind === Kind.trade) {
      at = putFloat(v, at, r.f64[d + 4]);
      if (kind === Kind.quote) at = putFloat(v, at, r.f64[d + 5]);
      at = putFloat(v, at, r.f64[d + 6]);
      if (kind === Kind.trade) at = putUint(v, at, sideOf(kindFlags));
      at = putFloat(v, at, r.f64[d + 7]);
    } else if (kind === Kind.status) {
      at = putUint(v, at, r.u16[i * RECORD_U16 + U16_GAP_REASON]);
      at = putUint(v, at, r.u32[w + U32_STATUS_ARG0]);
      at = putFloat(v, at, r.f64[d + F64_STATUS_ARG1]);
      at = putFloat(v, at, r.f64[d + F64_STATUS_ARG2]);
    } else {
      at = putUint(v, at, r.u16[i * RECORD_U16 + U16_GAP_REASON]);
      at = putFloat(v, at, r.f64[d + F64_GAP_FIRST]);
      at = putFloat(v, at, r.f64[d + F64_GAP_LAST]);
      at = putFloat(v, at, r.f64[d + F64_GAP_COUNT]);
    }
    payload.bytes = at - payload.at;
    payload.count++;
  }

  copy(payload: Payload, from: EncodedTicks, picks: Uint32Array, count: number, full: number): number {
    return copyTicks(this.buffer, payload, from, picks, count, full);
  }

  encodeBatch(payload: Payload, sub: number, cursor: Uint8Array, into: EncodeBuffer, at: number): number {
    const v = into.view;
    v.setUint8(at++, FIXMAP | (payload.snapshot ? 7 : 6));
    at = putBytes(into, at, KEY_OP_TICKS);
    at = putUint(v, putBytes(into, at, KEY_SUB), sub);
    at = putUint(v, putBytes(into, at, KEY_EPOCH), payload.epoch);
    at = putUint(v, putBytes(into, at, KEY_SHARD), payload.shard);
    at = putBytes(into, at, KEY_CURSOR);
    const text = bytesToText(cursor);
    v.setUint8(at++, STR8);
    v.setUint8(at++, text.length);
    at += utf8.encodeInto(text, into.u8.subarray(at)).written;
    if (payload.snapshot) at = putBytes(into, at, KEY_SNAPSHOT);
    at = putBytes(into, at, KEY_TICKS);
    v.setUint8(at, ARRAY32);
    v.setUint32(at + 1, payload.count);
    into.u8.set(this.buffer.u8.subarray(payload.at, payload.at + payload.bytes), at + 5);
    return at + 5 + payload.bytes;
  }
}

/**
 * A map with the members of `head`, then `ticks`: an array of ticks that `MsgpackEncoder.put` has written.
 * @param head has fewer than 15 members
 * @param count number of ticks in `encoded`
 */
export function packWithTicks(head: object, count: number, encoded: readonly Uint8Array[]): Uint8Array {
  const members = packControl(head);
  const array = new Uint8Array(5);
  array[0] = ARRAY32;
  new DataView(array.buffer).setUint32(1, count);
  const parts = [members, KEY_TICKS, array, ...encoded];
  const packed = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    packed.set(part, at);
    at += part.length;
  }
  // The map has one member more than the encoded head says.
  packed[0]++;
  return packed;
}

function sideOf(flags: number): number {
  return (flags & Flag.buy) !== 0 ? 1 : (flags & Flag.sell) !== 0 ? 2 : 0;
}

function putBytes(into: EncodeBuffer, at: number, bytes: Uint8Array): number {
  into.u8.set(bytes, at);
  return at + bytes.length;
}

/** Writes an integer from 0 to 2^53 as fixint, uint16, uint32 or uint64, the shortest that fits; returns the end. */
function putUint(v: DataView, at: number, x: number): number {
  if (x < 0x80) {
    v.setUint8(at, x);
    return at + 1;
  }
  if (x < 0x10000) {
    v.setUint8(at, UINT16);
    v.setUint16(at + 1, x);
    return at + 3;
  }
  if (x < TWO32) {
    v.setUint8(at, UINT32);
    v.setUint32(at + 1, x);
    return at + 5;
  }
  v.setUint8(at, UINT64);
  v.setUint32(at + 1, Math.floor(x / TWO32));
  v.setUint32(at + 5, x >>> 0);
  return at + 9;
}

function putFloat(v: DataView, at: number, x: number): number {
  if (Number.isNaN(x)) {
    v.setUint8(at, NIL);
    return at + 1;
  }
  v.setUint8(at, FLOAT64);
  v.setFloat64(at + 1, x);
  return at + 9;
}

/** Writes UNIX nanoseconds as uint64. Each half of the seconds times 10^9 is exact in a double; the whole is not. */
function putTime(v: DataView, at: number, s: number, ns: number): number {
  if (s === NO_TIME_S) {
    v.setUint8(at, NIL);
    return at + 1;
  }
  const low = (s & 0xffff) * 1e9 + ns;
  const high = (s >>> 16) * 1e9;
  const lowWord = (high % 0x10000) * 0x10000 + (low % TWO32);
  const carry = lowWord >= TWO32 ? 1 : 0;
  v.setUint8(at, UINT64);
  v.setUint32(at + 1, Math.floor(high / 0x10000) + Math.floor(low / TWO32) + carry);
  v.setUint32(at + 5, lowWord >>> 0);
  return at + 9;
}
