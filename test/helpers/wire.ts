/** Encodes records and decodes them again, for each encoding. */
import {
  FLAGS_MASK,
  flagNames,
  KIND_MASK,
  KIND_NAMES,
  NO_TIME_S,
  nanoseconds,
  type Records,
  type Tick,
} from '../../src/tick.js';
import { Body, Scratch } from '../../src/wire/body.js';
import { encodeCursor } from '../../src/wire/cursor.js';
import { JsonEncoder } from '../../src/wire/json.js';
import { MsgpackEncoder } from '../../src/wire/msgpack.js';
import { PackedReader, type PackedTick } from '../../src/wire/packed.js';
import { PackedEncoder, writeFrameHeader } from '../../src/wire/packed-encoder.js';
import type { Encoding } from '../../src/wire/ticks.js';

export const NAMES = {
  digits: new Uint8Array([0, 5, 2, 0]),
  symbols: [{ name: '$engine' }, { name: 'EURUSD' }, { name: 'XAUUSD' }, { name: 'a"b\\é' }],
};
export const CURSOR = encodeCursor({ logId: '00112233445566ff', epoch: 4, seqs: [70_000] });

export interface Encoded {
  message: Uint8Array;
  /** Bytes of the records alone. */
  bytes: number;
}

/** One batch of `count` records numbered by `seqs`, as a message. */
export function encode(
  encoding: Encoding,
  records: Records,
  seqs: ArrayLike<number>,
  more: { snapshot?: boolean; baseSeq?: number } = {},
): Encoded {
  const scratch = new Scratch(1 << 20);
  const out = new Scratch(1 << 20);
  const encoder = {
    packed: new PackedEncoder(scratch, NAMES),
    msgpack: new MsgpackEncoder(scratch),
    json: new JsonEncoder(scratch, NAMES),
  }[encoding];
  const body = new Body();
  body.begin(64, 0, 4, more.snapshot ?? false, more.baseSeq);
  for (let i = 0; i < seqs.length; i++) {
    const before = body.bytes;
    encoder.put(body, records, i, seqs[i]);
    if (body.bytes - before > encoder.tickBytesMax) throw new RangeError('a tick is longer than promised');
  }
  const start = encoder.framed ? 8 : 0;
  if (encoder.framed) writeFrameHeader(out, 1);
  const end = encoder.wrap(body, 9, CURSOR, out, start);
  if (end - start - body.bytes > encoder.wrapBytesMax)
    throw new RangeError('a header is longer than promised');
  return { message: out.u8.slice(0, end), bytes: body.bytes };
}

/** What a packed reader found, as `toTick` of src/tick.ts says it, with its seq. */
export function decodePacked(message: Uint8Array): (Tick & { seq: number })[] {
  const reader = new PackedReader(NAMES.digits);
  const ticks: (Tick & { seq: number })[] = [];
  reader.reset(message);
  while (reader.nextBatch()) while (reader.nextRecord()) ticks.push(plain(reader.tick));
  return ticks;
}

function plain(k: PackedTick): Tick & { seq: number } {
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
