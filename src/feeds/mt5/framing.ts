/**
 * The frames between a terminal and the MT5 port, version 1: little-endian, over TCP. This file is the sole
 * owner of their bytes; docs/mt5-framing.md tells how the two sides use them.
 *
 * ```
 * every frame   0 u32 bytes after this word │ 4 u8 type │ 5 u8 0 │ 6 u16 0 │ 8 body
 * string        u16 bytes │ UTF-8
 *
 * 1 hello       8 u32 magic "TKM5" │ 12 u16 version │ 14 u16 0 │ 16 u64 account │ 24 u8[16] stream id
 *              40 string source name │ string server │ string zone rule │ string secret
 * 2 welcome     8 u16 version │ 10 u16 0 │ 12 u32 idle timeout in ms │ 16 u64 durable tick count
 * 3 symbol      8 u32 local number │ 12 u8 digits │ 13 u8 flags (bit 0: prices may be ≤ 0) │ 14 u16 0
 *              16 string raw name │ string canonical name, or empty
 * 4 batch       8 u64 count of the first tick │ 16 u32 ticks │ 20 u32 0
 *              24 ticks × { u32 local number │ u8[60] MqlTick }
 * 5 ack         8 u64 durable tick count
 * 6 heartbeat   no body
 * 7 error       8 u8 severity │ 9 u8 0 │ 10 u16 0 │ 12 string code │ string message
 * 8 bye         8 string reason
 * ```
 *
 * The ticks of a stream are counted from 1. A u64 is exact to 2^53 and refused beyond.
 */
import { MT5_BATCH_TICKS_MAX } from '../../core/limits.js';
import { MQL_TICK_BYTES } from '../mql/mql-tick.js';
import { type FieldReader, FieldWriter } from './fields.js';
import { Refusal } from './refusal.js';

export const FRAMING_VERSION = 1;
export const BATCH_TICKS_AT = 24;
export const BATCH_TICK_BYTES = 4 + MQL_TICK_BYTES;
const STREAM_ID_BYTES = 16;
/** "TKM5" as the bytes stand on the wire. */
const MAGIC = 0x354d4b54;
const NEGATIVE = 1;

export const FrameType = {
  hello: 1,
  welcome: 2,
  symbol: 3,
  batch: 4,
  ack: 5,
  heartbeat: 6,
  error: 7,
  bye: 8,
} as const;
export const FRAME_TYPE_MAX = FrameType.bye;

export interface Hello {
  /** Login of the trading account. */
  account: number;
  /** Random, 16 bytes in hex: made by the terminal for one session, the same after a reconnect. */
  streamId: string;
  /** Name of the source, unique on the port. */
  name: string;
  /** Name of the trade server. */
  server: string;
  /** Rule of the server's clock; see feeds/mql/server-clock.ts. */
  zone: string;
  secret: string;
}

export interface SymbolFrame {
  local: number;
  raw: string;
  digits: number;
  negative: boolean;
  /** Canonical name, or empty. */
  alias: string;
}

export function encodeHello(hello: Hello, version = FRAMING_VERSION): Buffer {
  return new FieldWriter(FrameType.hello)
    .u32(MAGIC)
    .u16(version)
    .u16(0)
    .u64(hello.account)
    .bytes(Buffer.from(hello.streamId, 'hex'))
    .string(hello.name)
    .string(hello.server)
    .string(hello.zone)
    .string(hello.secret)
    .frame();
}

/** @throws Refusal bad_framing, wrong_version */
export function decodeHello(body: FieldReader): Hello {
  if (body.u32() !== MAGIC)
    throw new Refusal('bad_framing', 'The first frame is no hello: its magic is wrong.');
  const version = body.u16();
  if (version !== FRAMING_VERSION) {
    throw new Refusal(
      'wrong_version',
      `The terminal speaks version ${version} of the framing; this port speaks ${FRAMING_VERSION}.`,
    );
  }
  body.u16();
  const hello: Hello = {
    account: body.u64(),
    streamId: body.bytes(STREAM_ID_BYTES).toString('hex'),
    name: body.string(),
    server: body.string(),
    zone: body.string(),
    secret: body.string(),
  };
  body.done();
  return hello;
}

export function encodeWelcome(idleTimeoutMs: number, durable: number): Buffer {
  return new FieldWriter(FrameType.welcome)
    .u16(FRAMING_VERSION)
    .u16(0)
    .u32(idleTimeoutMs)
    .u64(durable)
    .frame();
}

export function decodeWelcome(body: FieldReader): {
  version: number;
  idleTimeoutMs: number;
  durable: number;
} {
  const version = body.u16();
  body.u16();
  const welcome = { version, idleTimeoutMs: body.u32(), durable: body.u64() };
  body.done();
  return welcome;
}

export function encodeSymbol(symbol: SymbolFrame): Buffer {
  return new FieldWriter(FrameType.symbol)
    .u32(symbol.local)
    .u8(symbol.digits)
    .u8(symbol.negative ? NEGATIVE : 0)
    .u16(0)
    .string(symbol.raw)
    .string(symbol.alias)
    .frame();
}

export function decodeSymbol(body: FieldReader): SymbolFrame {
  const local = body.u32();
  const digits = body.u8();
  const negative = (body.u8() & NEGATIVE) !== 0;
  body.u16();
  const symbol = { local, digits, negative, raw: body.string(), alias: body.string() };
  body.done();
  return symbol;
}

/** The first 24 bytes of a batch; the ticks follow. */
export function encodeBatchHeader(first: number, ticks: number): Buffer {
  const frame = new FieldWriter(FrameType.batch).u64(first).u32(ticks).u32(0).frame();
  frame.writeUInt32LE(BATCH_TICKS_AT - 4 + ticks * BATCH_TICK_BYTES, 0);
  return frame;
}

/** Checks the head of a batch against its length; the ticks are left to be read in place. */
export function decodeBatchHeader(body: FieldReader): { first: number; ticks: number } {
  const first = body.u64();
  const ticks = body.u32();
  body.u32();
  if (ticks > MT5_BATCH_TICKS_MAX || body.end - body.at !== ticks * BATCH_TICK_BYTES) {
    throw new Refusal(
      'bad_framing',
      `A batch says ${ticks} ticks and has ${body.end - body.at} bytes of them; at most ${MT5_BATCH_TICKS_MAX} ticks of ${BATCH_TICK_BYTES} bytes are allowed.`,
    );
  }
  if (first === 0) throw new Refusal('bad_framing', 'The ticks of a stream are counted from 1, not from 0.');
  if (first + ticks >= Number.MAX_SAFE_INTEGER / 2) {
    throw new Refusal('bad_framing', 'The count of a tick is beyond 2^52.');
  }
  return { first, ticks };
}

export function encodeAck(durable: number): Buffer {
  return new FieldWriter(FrameType.ack).u64(durable).frame();
}

export function decodeAck(body: FieldReader): number {
  const durable = body.u64();
  body.done();
  return durable;
}

export const HEARTBEAT: Buffer = new FieldWriter(FrameType.heartbeat).frame();

export function encodeError(severity: number, code: string, message: string): Buffer {
  return new FieldWriter(FrameType.error).u8(severity).u8(0).u16(0).string(code).string(message).frame();
}

export function decodeError(body: FieldReader): { severity: number; code: string; message: string } {
  const severity = body.u8();
  body.u8();
  body.u16();
  const error = { severity, code: body.string(), message: body.string() };
  body.done();
  return error;
}

export function encodeBye(reason: string): Buffer {
  return new FieldWriter(FrameType.bye).string(reason).frame();
}

export function decodeBye(body: FieldReader): string {
  const reason = body.string();
  body.done();
  return reason;
}
