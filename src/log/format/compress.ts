/**
 * General-purpose compressors over a block: over all of its payload but the directory, which stays readable.
 * Bits that columns have packed leave them little: see `docs/decisions` for what they gain and cost.
 */
import {
  brotliCompressSync,
  brotliDecompressSync,
  constants,
  deflateRawSync,
  inflateRawSync,
} from 'node:zlib';
import { type BlockHeader, payloadAt, readHeader, sealBlock } from './block.js';
import { payloadBytesMax } from './column-codec.js';
import { DIRECTORY_VERSION, Directory } from './directory.js';

export const COMPRESSIONS = ['none', 'deflate', 'brotli'] as const;
/** By its place the number in a block's header. */
export type Compression = (typeof COMPRESSIONS)[number];

/** How hard a compressor works: the log stage waits for it, the background does not. */
const FAST = { deflate: 1, brotli: 1 };
const HARD = { deflate: 6, brotli: 5 };

function compress(bytes: Uint8Array, compression: Compression, { deflate, brotli }: typeof FAST): Uint8Array {
  if (compression === 'deflate') return deflateRawSync(bytes, { level: deflate });
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: brotli } });
}

/** Where what a compressor is over begins: behind the directory; −1 when there is none. */
function bodyAt(block: Uint8Array, header: BlockHeader): number {
  const ticks = header.lastSeq - header.firstSeq + 1;
  if (header.version !== DIRECTORY_VERSION || !(ticks >= 1 && ticks <= 2 ** 16)) return -1;
  return new Directory(ticks).read(block, payloadAt(header));
}

/**
 * The block under another compressor, as small as it makes it in reasonable time; the block itself where there
 * is nothing to gain, as of versions that know none. The block's checksum must have been found right.
 */
export function recompressBlock(block: Uint8Array, compression: Compression): Uint8Array {
  return packBlock(block, compression, HARD);
}

function packBlock(block: Uint8Array, compression: Compression, effort: typeof FAST): Uint8Array {
  const header = readHeader(block);
  if (header === undefined || header.shed) return block;
  const at = bodyAt(block, header);
  if (at < 0) return block;
  const plain = header.compressor === 0 ? block.subarray(at) : expand(block, at, header);
  if (plain === undefined) return block;
  const packed = compression === 'none' ? plain : compress(plain, compression, effort);
  const isSmaller = packed.length < plain.length;
  const body = isSmaller ? packed : plain;
  const made = new Uint8Array(at + body.length);
  made.set(block.subarray(0, at));
  made.set(body, at);
  return sealBlock(made, isSmaller ? COMPRESSIONS.indexOf(compression) : 0);
}

/**
 * Puts a compressor over a block that was just written, quickly and in its own memory.
 * @returns the block, now shorter; as it was where there is nothing to gain
 */
export function compressBlock(block: Uint8Array, compression: Compression): Uint8Array {
  if (compression === 'none') return block;
  const made = packBlock(block, compression, FAST);
  block.set(made);
  return block.subarray(0, made.length);
}

function expand(block: Uint8Array, at: number, header: BlockHeader): Uint8Array | undefined {
  // A damaged block must not make it fill the memory.
  const options = { maxOutputLength: payloadBytesMax(header.lastSeq - header.firstSeq + 1) };
  const name = COMPRESSIONS[header.compressor];
  try {
    if (name === 'deflate') return inflateRawSync(block.subarray(at), options);
    return name === 'brotli' ? brotliDecompressSync(block.subarray(at), options) : undefined;
  } catch {
    return undefined;
  }
}

/** The payload of a compressed block as it was before; undefined when that cannot be told. */
export function expandPayload(block: Uint8Array, header: BlockHeader): Uint8Array | undefined {
  const at = bodyAt(block, header);
  const body = at < 0 ? undefined : expand(block, at, header);
  return body === undefined ? undefined : Buffer.concat([block.subarray(payloadAt(header), at), body]);
}
