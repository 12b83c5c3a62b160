/** Encodes records and decodes them again, for each encoding. */
import { FLAGS_MASK, KIND_MASK, KIND_NAMES, NO_TIME_S, type Records } from '../../src/core/tick.js';
import { flagNames, nanoseconds, type TickRecord } from '../../src/core/tick-record.js';
import { bytesToText, encodeCursor } from '../../src/wire/cursor.js';
import { JsonEncoder } from '../../src/wire/json.js';
import { MsgpackEncoder } from '../../src/wire/msgpack.js';
import { FRAME_HEADER_BYTES, PackedReader, type PackedTick } from '../../src/wire/packed.js';
import { PackedEncoder, writeFrameHeader } from '../../src/wire/packed-encoder.js';
import { EncodeBuffer, Payload } from '../../src/wire/payload.js';
import type { Encoding } from '../../src/wire/ticks.js';

export const NAMES = {
  digits: new Uint8Array([0, 5, 2, 0, 2]),
  symbols: [{ name: '$engine' }, { name: 'EURUSD' }, { name: 'XAUUSD' }, { name: 'a"b\\é' }, { name: 'WTI' }],
};
const LOG_ID = '00112233445566ff';

export interface BatchOptions {
  snapshot?: boolean;
  baseSeq?: number;
  sub?: number;
  shard?: number;
  epoch?: number;
  /** By shard: the seq in the cursor. */
  seqs?: number[];
}

export interface Encoded {
  message: Uint8Array;
  /** Bytes of the records alone. */
  bytes: number;
}

function cursorOf({ epoch = 4, seqs = [70_000] }: BatchOptions): Uint8Array {
  return encodeCursor({ logId: LOG_ID, epoch, seqs });
}

export function cursorText(options: BatchOptions): string {
  return bytesToText(cursorOf(options));
}

/** What the head of a batch says, as a `ticks` message has it. */
export function batchOf(options: BatchOptions) {
  const { sub = 9, shard = 0, epoch = 4, snapshot = false } = options;
  return { sub, epoch, shard, cursor: cursorText(options), snapshot };
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** One batch of `count` records sequenced by `seqs`, as a message. */
export function encode(
  encoding: Encoding,
  records: Records,
  seqs: ArrayLike<number>,
  options: BatchOptions = {},
): Encoded {
  const buffer = new EncodeBuffer(1 << 20);
  const out = new EncodeBuffer(1 << 20);
  const encoder = {
    packed: new PackedEncoder(buffer, NAMES),
    msgpack: new MsgpackEncoder(buffer),
    json: new JsonEncoder(buffer, NAMES),
  }[encoding];
  const payload = new Payload();
  const { sub, shard, epoch, snapshot } = batchOf(options);
  payload.begin(64, shard, epoch, snapshot, options.baseSeq);
  for (let i = 0; i < seqs.length; i++) {
    const before = payload.bytes;
    encoder.put(payload, records, i, seqs[i]);
    if (payload.bytes - before > encoder.tickBytesMax) throw new RangeError('a tick is longer than promised');
  }
  const start = encoder.framed ? FRAME_HEADER_BYTES : 0;
  if (encoder.framed) writeFrameHeader(out, 1);
  const end = encoder.encodeBatch(payload, sub, cursorOf(options), out, start);
  if (end - start - payload.bytes > encoder.batchBytesMax)
    throw new RangeError('a header is longer than promised');
  return { message: out.u8.slice(0, end), bytes: payload.bytes };
}

/** One frame with the batches of several. */
export function joinFrames(frames: readonly Uint8Array[]): Uint8Array {
  const header = new EncodeBuffer(FRAME_HEADER_BYTES);
  writeFrameHeader(header, frames.length);
  return Buffer.concat([header.u8, ...frames.map((frame) => frame.subarray(FRAME_HEADER_BYTES))]);
}

/** What a packed reader found, as `toTick` of src/core/tick.ts says it, with its seq. */
export function decodePacked(message: Uint8Array): (TickRecord & { seq: number })[] {
  const reader = new PackedReader(NAMES.digits);
  const ticks: (TickRecord & { seq: number })[] = [];
  reader.reset(message);
  while (reader.nextBatch()) while (reader.nextRecord()) ticks.push(plain(reader.tick));
  return ticks;
}

/** A tick as the JSON stream says it. */
export function jsonTick(tick: TickRecord & { seq: number }): object {
  const { symbolId, sourceId: _, tsEvent, tsRecv, ...rest } = tick;
  const times = { tsEvent: tsEvent === null ? null : String(tsEvent), tsRecv: String(tsRecv) };
  const side = rest.flags.includes('buy') ? 'buy' : rest.flags.includes('sell') ? 'sell' : null;
  const trade = rest.kind === 'trade' ? { side } : {};
  return { ...rest, ...trade, ...times, symbol: NAMES.symbols[symbolId].name };
}

/** What a reader's record says. */
export function plain(k: PackedTick): TickRecord & { seq: number } {
  const orNull = (x: number) => (Number.isNaN(x) ? null : x);
  const head = {
    seq: k.seq,
    kind: KIND_NAMES[k.kind & KIND_MASK],
    symbolId: k.symbolId,
    sourceId: 0,
    symbolSeq: k.symbolSeq,
    flags: flagNames(k.flags & FLAGS_MASK),
    tsEvent: k.eventS === NO_TIME_S ? null : nanoseconds(k.eventS, k.eventNs),
    tsRecv: nanoseconds(k.recvS, k.recvNs),
  };
  if (head.kind === 'quote') {
    return { ...head, bid: k.bid, ask: k.ask, bidSize: orNull(k.bidSize), askSize: orNull(k.askSize) };
  }
  if (head.kind === 'trade') {
    return { ...head, price: k.price, size: orNull(k.size), tradeId: orNull(k.tradeId) };
  }
  if (head.kind === 'status') return { ...head, code: k.code, args: [k.arg0, k.arg1, k.arg2, k.arg3] };
  return { ...head, reason: k.code, first: k.first, last: k.last, count: k.count };
}
