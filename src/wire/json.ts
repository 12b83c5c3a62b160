/** The JSON encoding: text for people and quick scripts. Times are decimal strings. */
import {
  F64_ASK,
  F64_ASK_SIZE,
  F64_BID,
  F64_BID_SIZE,
  F64_GAP_COUNT,
  F64_GAP_FIRST,
  F64_GAP_LAST,
  F64_PRICE,
  F64_SIZE,
  F64_STATUS_ARG1,
  F64_STATUS_ARG2,
  F64_STATUS_ARG3,
  F64_TRADE_ID,
  FLAG_NAMES,
  FLAGS_MASK,
  Flag,
  KIND_MASK,
  Kind,
  NO_TIME_S,
  RECORD_F64,
  RECORD_U16,
  RECORD_U32,
  type Records,
  U16_KIND_FLAGS,
  U16_STATUS_CODE,
  U32_STATUS_ARG0,
  U32_SYMBOL,
  U32_SYMBOL_SEQ,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../core/tick.js';
import { bytesToText } from './cursor.js';
import {
  copyTicks,
  type EncodeBuffer,
  type EncodedTicks,
  type Payload,
  type SymbolNames,
  type TickEncoder,
} from './payload.js';

const utf8 = new TextEncoder();
const COMMA = 0x2c;

/** UNIX nanoseconds as decimal text. */
export function timeText(s: number, ns: number): string {
  return s === 0 ? String(ns) : `${s}${String(ns).padStart(9, '0')}`;
}

function timeOrNull(s: number, ns: number): string {
  return s === NO_TIME_S ? 'null' : `"${timeText(s, ns)}"`;
}

function numberOrNull(x: number): string {
  return Number.isFinite(x) ? String(x) : 'null';
}

function flagsText(flags: number): string {
  if ((flags & FLAGS_MASK) === 0) return '[]';
  return JSON.stringify(FLAG_NAMES.filter((name) => (flags & Flag[name]) !== 0));
}

function sideText(flags: number): string {
  return (flags & Flag.buy) !== 0 ? '"buy"' : (flags & Flag.sell) !== 0 ? '"sell"' : 'null';
}

/** Record `i` as a JSON object, for REST and for the JSON stream. */
export function tickJson(r: Records, i: number, seq: number, symbol: string): string {
  const w = i * RECORD_U32;
  const d = i * RECORD_F64;
  const flags = r.u16[i * RECORD_U16 + U16_KIND_FLAGS];
  const kind = flags & KIND_MASK;
  const head = `"symbol":${JSON.stringify(symbol)},"seq":${seq},"symbolSeq":${r.u32[w + U32_SYMBOL_SEQ]}`;
  const eventNs = r.u32[w + U32_TS_EVENT_NS];
  const tail =
    `"tsEvent":${timeOrNull(r.u32[w + U32_TS_EVENT_S], eventNs)},` +
    `"tsRecv":"${timeText(r.u32[w + U32_TS_RECV_S], r.u32[w + U32_TS_RECV_NS])}","flags":${flagsText(flags)}`;
  if (kind === Kind.quote) {
    return (
      `{"kind":"quote",${head},"bid":${numberOrNull(r.f64[d + F64_BID])},"ask":${numberOrNull(r.f64[d + F64_ASK])},` +
      `"bidSize":${numberOrNull(r.f64[d + F64_BID_SIZE])},"askSize":${numberOrNull(r.f64[d + F64_ASK_SIZE])},${tail}}`
    );
  }
  if (kind === Kind.trade) {
    return (
      `{"kind":"trade",${head},"price":${numberOrNull(r.f64[d + F64_PRICE])},` +
      `"size":${numberOrNull(r.f64[d + F64_SIZE])},"side":${sideText(flags)},` +
      `"tradeId":${numberOrNull(r.f64[d + F64_TRADE_ID])},${tail}}`
    );
  }
  const code = r.u16[i * RECORD_U16 + U16_STATUS_CODE];
  if (kind === Kind.status) {
    const args = [r.u32[w + U32_STATUS_ARG0]].map(String);
    for (const word of [F64_STATUS_ARG1, F64_STATUS_ARG2, F64_STATUS_ARG3])
      args.push(numberOrNull(r.f64[d + word]));
    return `{"kind":"status",${head},"code":${code},"args":[${args.join()}],${tail}}`;
  }
  return (
    `{"kind":"gap",${head},"reason":${code},"first":${numberOrNull(r.f64[d + F64_GAP_FIRST])},` +
    `"last":${numberOrNull(r.f64[d + F64_GAP_LAST])},"count":${numberOrNull(r.f64[d + F64_GAP_COUNT])},${tail}}`
  );
}

export class JsonEncoder implements TickEncoder {
  readonly tickBytesMax = 768;
  readonly batchBytesMax = 640;
  readonly separatorBytes = 1;
  readonly text = true;
  readonly framed = false;

  constructor(
    readonly buffer: EncodeBuffer,
    readonly names: SymbolNames,
  ) {}

  put(payload: Payload, r: Records, i: number, seq: number): void {
    const symbol = this.names.symbols[r.u32[i * RECORD_U32 + U32_SYMBOL]]?.name ?? '$engine';
    const u8 = this.buffer.u8;
    let at = payload.at + payload.bytes;
    if (payload.count > 0) u8[at++] = COMMA;
    at += utf8.encodeInto(tickJson(r, i, seq, symbol), u8.subarray(at)).written;
    payload.bytes = at - payload.at;
    payload.count++;
  }

  copy(payload: Payload, from: EncodedTicks, picks: Uint32Array, count: number, full: number): number {
    return copyTicks(this.buffer, payload, from, picks, count, full, COMMA);
  }

  encodeBatch(payload: Payload, sub: number, cursor: Uint8Array, into: EncodeBuffer, at: number): number {
    const snapshot = payload.snapshot ? ',"snapshot":true' : '';
    const head =
      `{"op":"ticks","sub":${sub},"epoch":${payload.epoch},"shard":${payload.shard},` +
      `"cursor":"${bytesToText(cursor)}"${snapshot},"ticks":[`;
    let end = at + utf8.encodeInto(head, into.u8.subarray(at)).written;
    into.u8.set(this.buffer.u8.subarray(payload.at, payload.at + payload.bytes), end);
    end += payload.bytes;
    return end + utf8.encodeInto(']}', into.u8.subarray(end)).written;
  }
}

/** A control message as JSON text. BigInts become decimal strings. */
export function jsonControl(message: object): string {
  return JSON.stringify(message, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
}
