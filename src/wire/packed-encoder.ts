/** The encoder of the packed encoding. See packed.ts for the layout. */

import { encodeSize, NO_CODE, SIZE_UNKNOWN } from '../core/size-code.js';
import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  Kind,
  NO_TIME_S,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  type Records,
  U16_KIND_FLAGS,
  U16_SOURCE,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../core/tick.js';
import {
  BATCH_HEADER_BYTES,
  BATCH_SNAPSHOT,
  COMPACT_SEQ_MAX,
  FORM_BYTES,
  FORM_SHIFT,
  Form,
  FRAME_MAGIC,
  FRAME_VERSION,
  POW10,
} from './packed.js';
import type { EncodeBuffer, EncodedTicks, Payload, SymbolNames, TickEncoder } from './payload.js';

const INT32_MAX = 0x7fffffff;
const SPREAD_MAX = 0xffff;
/** Seconds whose number of milliseconds still fits into an int32. */
const EVENT_SECONDS_MAX = 2_147_000;
const CURSOR_BYTES_MAX = 256;
const KIND_AND_FLAGS = 0x7ff;
/** 2^32: the low word of a wide record's seq is the seq modulo this. */
const SEQ_LOW = 0x100000000;

/** Writes the header of a frame at byte offset 0. */
export function writeFrameHeader(into: EncodeBuffer, batches: number): void {
  into.u32[0] = FRAME_MAGIC | (FRAME_VERSION << 8) | (batches << 16);
  into.u32[1] = 0;
}

export class PackedEncoder implements TickEncoder {
  readonly tickBytesMax = FORM_BYTES[Form.wide];
  readonly batchBytesMax = BATCH_HEADER_BYTES + CURSOR_BYTES_MAX;
  readonly separatorBytes = 0;
  readonly text = false;
  readonly framed = true;
  // Compact fields of the current record, computed by #fitsCompact and #sizeForm.
  #bidSize = 0;
  #askSize = 0;
  #bid = 0;
  #spread = 0;
  #event = 0;
  #recv = 0;

  constructor(
    readonly buffer: EncodeBuffer,
    readonly names: SymbolNames,
  ) {}

  put(payload: Payload, r: Records, i: number, seq: number): void {
    const w = i * RECORD_U32;
    const kindFlags = r.u16[i * RECORD_U16 + U16_KIND_FLAGS] & KIND_AND_FLAGS;
    if (payload.baseSeq < 0) payload.baseSeq = seq;
    if (payload.count === 0) {
      payload.recvS = r.u32[w + U32_TS_RECV_S];
      payload.recvNs = r.u32[w + U32_TS_RECV_NS];
    }
    if (payload.unit < 0) setEventBase(payload, r, w);
    const s = this.buffer;
    const at = payload.at + payload.bytes;
    const a = at >>> 2;
    let form: number = Form.wide;
    if ((kindFlags & 7) === Kind.quote && this.#fitsCompact(payload, r, i, seq)) {
      form = this.#sizeForm(r.f64, i * RECORD_F64);
    }
    s.u32[a] = (r.u32[w + U32_SYMBOL] & 0xffff) | ((kindFlags | (form << FORM_SHIFT)) << 16);
    s.u32[a + 1] = r.u32[w + U32_SYMBOL_SEQ];
    if (form === Form.wide) {
      s.u32[a + 2] = seq >>> 0;
      s.u32[a + 3] = r.u16[i * RECORD_U16 + U16_SOURCE] | (Math.floor(seq / SEQ_LOW) << 16);
      for (let k = 4; k < 8; k++) s.u32[a + k] = r.u32[w + k];
      const d = i * RECORD_F64;
      for (let k = 4; k < 8; k++) s.f64[(at >>> 3) + k] = r.f64[d + k];
    } else {
      s.i32[a + 2] = this.#bid;
      s.u32[a + 3] = this.#spread | ((seq - payload.baseSeq) << 16);
      s.i32[a + 4] = this.#event;
      s.i32[a + 5] = this.#recv;
      if (form === Form.sized) {
        s.u32[a + 6] = this.#bidSize;
        s.u32[a + 7] = this.#askSize;
      }
    }
    payload.bytes += FORM_BYTES[form];
    payload.count++;
  }

  copy(payload: Payload, from: EncodedTicks, picks: Uint32Array, count: number, full: number): number {
    const { u32 } = this.buffer;
    const { begins, ends } = from;
    payload.adopt(from.payload);
    const last = (payload.at + full) >>> 2;
    let to = (payload.at + payload.bytes) >>> 2;
    let taken = 0;
    while (taken < count && to <= last) {
      const pick = picks[taken++];
      const at = begins[pick] >>> 2;
      const words = (ends[pick] >>> 2) - at;
      u32[to] = u32[at];
      u32[to + 1] = u32[at + 1];
      u32[to + 2] = u32[at + 2];
      u32[to + 3] = u32[at + 3];
      u32[to + 4] = u32[at + 4];
      u32[to + 5] = u32[at + 5];
      for (let k = 6; k < words; k++) u32[to + k] = u32[at + k];
      to += words;
    }
    payload.bytes = (to << 2) - payload.at;
    payload.count += taken;
    return taken;
  }

  /** Whether the compact form holds prices, times and seq exactly. `#sizeForm` checks the sizes. */
  #fitsCompact(payload: Payload, r: Records, i: number, seq: number): boolean {
    const ahead = seq - payload.baseSeq;
    if (ahead < 0 || ahead > COMPACT_SEQ_MAX || seq === 0) return false;
    const w = i * RECORD_U32;
    const d = i * RECORD_F64;
    const pow = POW10[this.names.digits[r.u32[w + U32_SYMBOL]]];
    const bid = r.f64[d + F64_BID];
    const ask = r.f64[d + F64_ASK];
    const bidInt = Math.round(bid * pow);
    const askInt = Math.round(ask * pow);
    // A zero needs the wide form, which keeps its sign. NaN fails every comparison.
    if (!(Math.abs(bidInt) <= INT32_MAX && bidInt / pow === bid && askInt / pow === ask)) return false;
    if (bidInt === 0 || askInt === 0) return false;
    const spread = askInt - bidInt;
    if (spread < 0 || spread > SPREAD_MAX) return false;
    const eventS = r.u32[w + U32_TS_EVENT_S];
    const seconds = eventS - payload.eventS;
    if (eventS === NO_TIME_S || payload.unit < 0 || Math.abs(seconds) > EVENT_SECONDS_MAX) return false;
    const event = (seconds * 1e9 + (r.u32[w + U32_TS_EVENT_NS] - payload.eventNs)) / POW10[payload.unit];
    if (!Number.isInteger(event) || Math.abs(event) > INT32_MAX) return false;
    const recvSeconds = r.u32[w + U32_TS_RECV_S] - payload.recvS;
    const recv = recvSeconds * 1e9 + (r.u32[w + U32_TS_RECV_NS] - payload.recvNs);
    if (Math.abs(recv) > INT32_MAX) return false;
    this.#bid = bidInt;
    this.#spread = spread;
    this.#event = event;
    this.#recv = recv;
    return true;
  }

  #sizeForm(f64: Float64Array, d: number): number {
    this.#bidSize = encodeSize(f64, d + F64_BID_SIZE);
    this.#askSize = encodeSize(f64, d + F64_ASK_SIZE);
    if (this.#bidSize === SIZE_UNKNOWN && this.#askSize === SIZE_UNKNOWN) return Form.compact;
    return this.#bidSize === NO_CODE || this.#askSize === NO_CODE ? Form.wide : Form.sized;
  }

  encodeBatch(payload: Payload, sub: number, cursor: Uint8Array, into: EncodeBuffer, at: number): number {
    const a = at >>> 2;
    into.u32[a] = sub;
    into.u32[a + 1] = payload.count;
    into.u32[a + 2] = payload.bytes;
    into.u32[a + 3] =
      payload.shard | ((payload.snapshot ? BATCH_SNAPSHOT : 0) << 16) | (Math.max(0, payload.unit) << 24);
    into.f64[(at >>> 3) + 2] = Math.max(0, payload.baseSeq);
    const timed = payload.unit >= 0;
    into.u32[a + 6] = timed ? payload.eventS : 0;
    into.u32[a + 7] = timed ? payload.eventNs : 0;
    into.u32[a + 8] = payload.recvS;
    into.u32[a + 9] = payload.recvNs;
    into.u32[a + 10] = payload.epoch;
    into.u32[a + 11] = cursor.length;
    const cursorAt = at + BATCH_HEADER_BYTES;
    const recordsAt = cursorAt + Math.ceil(cursor.length / 8) * 8;
    into.u8.fill(0, cursorAt + cursor.length, recordsAt);
    into.u8.set(cursor, cursorAt);
    into.u8.set(this.buffer.u8.subarray(payload.at, payload.at + payload.bytes), recordsAt);
    return recordsAt + payload.bytes;
  }
}

/** Sets the base of event times to the first one, and the unit to the coarsest that holds it exactly. */
function setEventBase(payload: Payload, r: Records, w: number): void {
  const seconds = r.u32[w + U32_TS_EVENT_S];
  if (seconds === NO_TIME_S) return;
  const nanos = r.u32[w + U32_TS_EVENT_NS];
  payload.eventS = seconds;
  payload.eventNs = nanos;
  payload.unit = nanos % 1_000_000 === 0 ? 6 : nanos % 1000 === 0 ? 3 : 0;
}
