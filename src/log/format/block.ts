/**
 * A block of the log: a header, the stream positions of its ticks, and the codec's payload.
 *
 * ```
 *  0 u8 codec version, 0 = shed (no ticks: seqs that the log does not hold) │ 1 u8 compressor: see `compress.ts`
 *  2 u16 shard
 *  4 u32 crc32 of bytes 0-3 (not in a shed block), then of all bytes from 8 on
 *  8 u32 epoch      │ 12 u32 positions
 * 16 f64 first seq  │ 24 f64 last seq
 * 32 u32 lowest tsRecv s  │ 36 ns │ 40 u32 highest tsRecv s  │ 44 ns
 * 48 u32 lowest tsEvent s │ 52 ns │ 56 u32 highest tsEvent s │ 60 ns   (lowest > highest: no tick had one)
 * 64 positions: u16 sourceId │ u16 bucket │ u32 0 │ f64 position
 *  … payload
 * ```
 *
 * Little-endian. A position is the count of the source after the block's last tick of that bucket. Blocks carry
 * their positions, so a damaged block that is dropped takes its positions with it.
 */
import { crc32 } from 'node:zlib';
import { BLOCK_TICKS } from '../../core/limits.js';
import {
  NO_TIME_S,
  RECORD_U32,
  type Records,
  U32_TS_EVENT_NS,
  U32_TS_EVENT_S,
  U32_TS_RECV_NS,
  U32_TS_RECV_S,
} from '../../core/tick.js';
import type { BlockCodec } from './block-codec.js';
import type { BlockKey } from './keys.js';

export const BLOCK_HEADER_BYTES = 64;
const POSITION_BYTES = 16;
const SHED_VERSION = 0;
/** Up to this version the checksum leaves out bytes 0-3. Shed blocks have version 0. */
const LAST_UNSEALED_VERSION = 1;
const RECV_AT = 32;
const EVENT_AT = 48;
const LATEST = 0xffffffff;

/** A header that was read. */
export interface BlockHeader {
  shed: boolean;
  version: number;
  /** 0 = none. */
  compressor: number;
  shard: number;
  epoch: number;
  firstSeq: number;
  lastSeq: number;
  recvMin: [number, number];
  recvMax: [number, number];
  positions: number;
}

/** Where a block's payload starts. */
export function payloadAt(header: BlockHeader): number {
  return BLOCK_HEADER_BYTES + header.positions * POSITION_BYTES;
}

export interface BlockPosition {
  sourceId: number;
  bucket: number;
  position: number;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function writeIdentity(
  view: DataView,
  version: number,
  epoch: number,
  shard: number,
  first: number,
  last: number,
  positions: number,
): void {
  view.setUint32(0, version, true);
  view.setUint16(2, shard, true);
  view.setUint32(8, epoch, true);
  view.setUint32(12, positions, true);
  view.setFloat64(16, first, true);
  view.setFloat64(24, last, true);
}

/** Writes the lowest and highest of both times in the records to the header. */
function writeRanges(view: DataView, words: Uint32Array, count: number): void {
  let recvMinS = LATEST;
  let recvMinNs = LATEST;
  let recvMaxS = 0;
  let recvMaxNs = 0;
  let eventMinS = LATEST;
  let eventMinNs = LATEST;
  let eventMaxS = 0;
  let eventMaxNs = 0;
  for (let w = 0; w < count * RECORD_U32; w += RECORD_U32) {
    const s = words[w + U32_TS_EVENT_S];
    const ns = words[w + U32_TS_EVENT_NS];
    if (s !== NO_TIME_S) {
      if (s > eventMaxS || (s === eventMaxS && ns > eventMaxNs)) {
        eventMaxS = s;
        eventMaxNs = ns;
      }
      if (s < eventMinS || (s === eventMinS && ns < eventMinNs)) {
        eventMinS = s;
        eventMinNs = ns;
      }
    }
    const a = words[w + U32_TS_RECV_S];
    const b = words[w + U32_TS_RECV_NS];
    if (a === NO_TIME_S) continue;
    if (a > recvMaxS || (a === recvMaxS && b > recvMaxNs)) {
      recvMaxS = a;
      recvMaxNs = b;
    }
    if (a < recvMinS || (a === recvMinS && b < recvMinNs)) {
      recvMinS = a;
      recvMinNs = b;
    }
  }
  view.setUint32(RECV_AT, recvMinS, true);
  view.setUint32(RECV_AT + 4, recvMinNs, true);
  view.setUint32(RECV_AT + 8, recvMaxS, true);
  view.setUint32(RECV_AT + 12, recvMaxNs, true);
  view.setUint32(EVENT_AT, eventMinS, true);
  view.setUint32(EVENT_AT + 4, eventMinNs, true);
  view.setUint32(EVENT_AT + 8, eventMaxS, true);
  view.setUint32(EVENT_AT + 12, eventMaxNs, true);
}

/** The words of a header's times. */
const ranges = new Uint32Array(8);

/** The checksum over all bytes but its own; see `checksumSeed` for bytes 0-3. */
function checksum(bytes: Uint8Array): number {
  return crc32(bytes.subarray(8), checksumSeed(bytes));
}

/** The start value of a block's checksum, before the bytes from 8 on: the checksum of bytes 0-3, where they count. */
export function checksumSeed(bytes: Uint8Array): number {
  return bytes[0] > LAST_UNSEALED_VERSION ? crc32(bytes.subarray(0, 4)) : 0;
}

function seal(bytes: Uint8Array, view: DataView): Uint8Array {
  view.setUint32(4, checksum(bytes), true);
  return bytes;
}

/** Writes into a block which compressor its payload has. Returns the block. */
export function sealBlock(block: Uint8Array, compressor: number): Uint8Array {
  block[1] = compressor;
  return seal(block, viewOf(block));
}

/** The most bytes that a block can take. */
export function blockBytesMax(codec: BlockCodec, count: number): number {
  return BLOCK_HEADER_BYTES + count * POSITION_BYTES + codec.maxBytes(count);
}

/**
 * Writes a block of ticks at `at` in `out`, which has `blockBytesMax` free there.
 * @returns the block: a view on `out`
 */
export function writeBlock(
  codec: BlockCodec,
  epoch: number,
  shard: number,
  firstSeq: number,
  records: Records,
  count: number,
  digits: Uint8Array,
  positions: readonly BlockPosition[],
  out: Uint8Array,
  at: number,
): Uint8Array {
  const payloadAt = at + BLOCK_HEADER_BYTES + positions.length * POSITION_BYTES;
  const end = codec.encode(records, count, digits, out, payloadAt);
  const block = out.subarray(at, end);
  const view = viewOf(block);
  writeIdentity(view, codec.version, epoch, shard, firstSeq, firstSeq + count - 1, positions.length);
  if (codec.ranges(ranges))
    for (let k = 0; k < ranges.length; k++) view.setUint32(RECV_AT + 4 * k, ranges[k], true);
  else writeRanges(view, records.u32, count);
  positions.forEach((p, i) => {
    const o = BLOCK_HEADER_BYTES + i * POSITION_BYTES;
    view.setUint16(o, p.sourceId, true);
    view.setUint16(o + 2, p.bucket, true);
    view.setUint32(o + 4, 0, true);
    view.setFloat64(o + 8, p.position, true);
  });
  return seal(block, view);
}

/** A block in the place of shed seqs, which the log does not hold. */
export function writeShed(epoch: number, shard: number, firstSeq: number, lastSeq: number): Uint8Array {
  const block = new Uint8Array(BLOCK_HEADER_BYTES);
  const view = viewOf(block);
  writeIdentity(view, SHED_VERSION, epoch, shard, firstSeq, lastSeq, 0);
  view.setUint32(RECV_AT, LATEST, true);
  view.setUint32(EVENT_AT, LATEST, true);
  return seal(block, view);
}

/** The unchecked header; undefined when the bytes are too few for one. */
export function readHeader(bytes: Uint8Array): BlockHeader | undefined {
  if (bytes.length < BLOCK_HEADER_BYTES) return undefined;
  const view = viewOf(bytes);
  const time = (at: number): [number, number] => [view.getUint32(at, true), view.getUint32(at + 4, true)];
  return {
    shed: bytes[0] === SHED_VERSION,
    version: bytes[0],
    compressor: bytes[1],
    shard: view.getUint16(2, true),
    epoch: view.getUint32(8, true),
    positions: view.getUint32(12, true),
    firstSeq: view.getFloat64(16, true),
    lastSeq: view.getFloat64(24, true),
    recvMin: time(RECV_AT),
    recvMax: time(RECV_AT + 8),
  };
}

/** Last seq of a block that begins with `firstSeq`. For a damaged block: that of its header, if it is plausible. */
export function lastSeqOf(firstSeq: number, bytes: Uint8Array): number {
  const header = readHeader(bytes);
  const last = header?.lastSeq ?? firstSeq;
  const canBe = header !== undefined && last >= firstSeq && (header.shed || last < firstSeq + BLOCK_TICKS);
  return canBe ? last : firstSeq;
}

/** Writes the lowest and highest tsRecv, then tsEvent, as seconds and nanoseconds into `into`: 8 words. */
export function readTimes(bytes: Uint8Array, into: Uint32Array): void {
  const view = viewOf(bytes);
  for (let k = 0; k < 8; k++) into[k] = view.getUint32(RECV_AT + 4 * k, true);
}

/** The header of a block whose checksum is right; undefined for a damaged block. */
export function checkBlock(bytes: Uint8Array): BlockHeader | undefined {
  const header = readHeader(bytes);
  if (header === undefined || viewOf(bytes).getUint32(4, true) !== checksum(bytes)) return undefined;
  return header;
}

/** As `checkBlock`, and only for the block of this key: a damaged tree may lead to another block. */
export function checkBlockAt(key: BlockKey, bytes: Uint8Array): BlockHeader | undefined {
  const header = checkBlock(bytes);
  const isIts = header?.epoch === key.epoch && header.shard === key.shard && header.firstSeq === key.firstSeq;
  return isIts ? header : undefined;
}

export function readPositions(bytes: Uint8Array, header: BlockHeader): BlockPosition[] {
  const view = viewOf(bytes);
  return Array.from({ length: header.positions }, (_, i) => {
    const at = BLOCK_HEADER_BYTES + i * POSITION_BYTES;
    return {
      sourceId: view.getUint16(at, true),
      bucket: view.getUint16(at + 2, true),
      position: view.getFloat64(at + 8, true),
    };
  });
}
