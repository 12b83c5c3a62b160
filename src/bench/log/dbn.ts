/**
 * Ticks as DBN mbp-1 records, little-endian, without the file's metadata:
 *
 * ```
 *  0 u8 length / 4 │ 1 u8 rtype │ 2 u16 publisher │ 4 u32 instrument │ 8 u64 ts_event ns
 * 16 i64 price │ 24 u32 size │ 28 u8 action │ 29 u8 side │ 30 u8 flags │ 31 u8 depth
 * 32 u64 ts_recv ns │ 40 i32 ts_in_delta │ 44 u32 sequence
 * 48 i64 bid │ 56 i64 ask │ 64 u32 bid size │ 68 u32 ask size │ 72 u32 bid count │ 76 u32 ask count
 * ```
 *
 * Prices count 10^-9. Sizes are whole numbers there: they count 10^-6, so that those of FX stay what they are.
 */
import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  KIND_MASK,
  Kind,
  RECORD_F64,
  RECORD_U32,
  type Records,
  U32_KIND_FLAGS_SOURCE,
  U32_SEQ_LOW,
  U32_SYMBOL,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../../core/tick.js';

export const DBN_RECORD_BYTES = 80;
const MBP_1 = 1;
const ADD = 65;
const TRADE = 84;
const SECOND_NS = 1e9;
const WORD = 2 ** 32;
const HALF = 2 ** 16;
const PRICE_UNIT = 1e9;
const SIZE_UNIT = 1e6;

/** Writes nanoseconds as u64 without a BigInt: s × 10^9 by halves of s. */
function putTime(view: DataView, at: number, s: number, ns: number): void {
  const upper = Math.floor(s / HALF) * SECOND_NS;
  const lower = (s % HALF) * SECOND_NS + ns + (upper % HALF) * HALF;
  view.setUint32(at, lower % WORD, true);
  view.setUint32(at + 4, Math.floor(upper / HALF) + Math.floor(lower / WORD), true);
}

/** Reads them back by long division, 16 bits at a time: 64 bits are more than a number keeps. */
function putTimes(records: Records, at: number, view: DataView, from: number): void {
  let s = 0;
  let rest = 0;
  for (let digit = 6; digit >= 0; digit -= 2) {
    const value = rest * HALF + view.getUint16(from + digit, true);
    const quotient = Math.floor(value / SECOND_NS);
    s = s * HALF + quotient;
    rest = value - quotient * SECOND_NS;
  }
  records.u32[at] = s;
  records.u32[at + 1] = rest;
}

function putPrice(view: DataView, at: number, price: number): void {
  const points = Math.round(price * PRICE_UNIT);
  view.setUint32(at, ((points % WORD) + WORD) % WORD, true);
  view.setInt32(at + 4, Math.floor(points / WORD), true);
}

function priceAt(view: DataView, at: number): number {
  return (view.getInt32(at + 4, true) * WORD + view.getUint32(at, true)) / PRICE_UNIT;
}

export function writeDbn(r: Records, from: number, count: number, out: Buffer): void {
  const view = new DataView(out.buffer, out.byteOffset, out.length);
  for (let i = from, at = 0; i < from + count; i++, at += DBN_RECORD_BYTES) {
    const w = i * RECORD_U32;
    const d = i * RECORD_F64;
    const isTrade = (r.u32[w + U32_KIND_FLAGS_SOURCE] & KIND_MASK) === Kind.trade;
    view.setUint8(at, DBN_RECORD_BYTES / 4);
    view.setUint8(at + 1, MBP_1);
    view.setUint16(at + 2, 1, true);
    view.setUint32(at + 4, r.u32[w + U32_SYMBOL], true);
    putTime(view, at + 8, r.u32[w + U32_TS_EVENT_S], r.u32[w + U32_TS_EVENT_NS]);
    putPrice(view, at + 16, r.f64[d + F64_BID]);
    view.setUint32(at + 24, Math.round(r.f64[d + F64_BID_SIZE] * SIZE_UNIT) % WORD, true);
    view.setUint8(at + 28, isTrade ? TRADE : ADD);
    view.setUint8(at + 29, 0);
    view.setUint16(at + 30, 0, true);
    putTime(view, at + 32, r.u32[w + U32_TS_RECV_S], r.u32[w + U32_TS_RECV_NS]);
    view.setInt32(at + 40, 0, true);
    view.setUint32(at + 44, r.u32[w + U32_SEQ_LOW], true);
    putPrice(view, at + 48, r.f64[d + F64_BID]);
    putPrice(view, at + 56, isTrade ? 0 : r.f64[d + F64_ASK]);
    view.setUint32(at + 64, Math.round(r.f64[d + F64_BID_SIZE] * SIZE_UNIT) % WORD, true);
    view.setUint32(at + 68, isTrade ? 0 : Math.round(r.f64[d + F64_ASK_SIZE] * SIZE_UNIT) % WORD, true);
    view.setUint32(at + 72, 0, true);
    view.setUint32(at + 76, 0, true);
  }
}

/** Reads `count` records from the one at `from` on, to the start of `into`. */
export function readDbn(bytes: Buffer, from: number, count: number, into: Records): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { u32, f64 } = into;
  for (let i = 0, at = from * DBN_RECORD_BYTES; i < count; i++, at += DBN_RECORD_BYTES) {
    const w = i * RECORD_U32;
    const d = i * RECORD_F64;
    u32[w + U32_SYMBOL] = view.getUint32(at + 4, true);
    u32[w + U32_KIND_FLAGS_SOURCE] = view.getUint8(at + 28) === TRADE ? Kind.trade : Kind.quote;
    u32[w + U32_SEQ_LOW] = view.getUint32(at + 44, true);
    putTimes(into, w + U32_TS_EVENT_S, view, at + 8);
    putTimes(into, w + U32_TS_RECV_S, view, at + 32);
    f64[d + F64_BID] = priceAt(view, at + 48);
    f64[d + F64_ASK] = priceAt(view, at + 56);
    f64[d + F64_BID_SIZE] = view.getUint32(at + 64, true) / SIZE_UNIT;
    f64[d + F64_ASK_SIZE] = view.getUint32(at + 68, true) / SIZE_UNIT;
  }
}
