/**
 * General-purpose compressors for blocks. They compress the whole payload but the directory, which stays readable.
 * Packed columns leave them little to gain: `docs/decisions/0003-columnar-blocks.md` has the gain and the cost.
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
/** A block's header stores the index of its compression in `COMPRESSIONS`. */
export type Compression = (typeof COMPRESSIONS)[number];

/** Compression levels: FAST while the log stage waits, HARD in the background. */
const FAST = { deflate: 1, brotli: 1 };
const HARD = { deflate: 6, brotli: 5 };

function compress(bytes: Uint8Array, compression: Compression, { deflate, brotli }: typeof FAST): Uint8Array {
  if (compression === 'deflate') return deflateRawSync(bytes, { level: deflate });
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: brotli } });
}

/** Offset of the compressed part, behind the directory; −1 when there is none. */
function bodyAt(block: Uint8Array, header: BlockHeader): number {
  const ticks = header.lastSeq - header.firstSeq + 1;
  if (header.version !== DIRECTORY_VERSION || !(ticks >= 1 && ticks <= 2 ** 16)) return -1;
  return new Directory(ticks).read(block, payloadAt(header));
}

/**
 * Returns the block with another compressor, as small as reasonable time allows. Returns the same block when there is
 * nothing to gain. The caller must have checked the block's checksum.
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
  const result = new Uint8Array(at + body.length);
  result.set(block.subarray(0, at));
  result.set(body, at);
  return sealBlock(result, isSmaller ? COMPRESSIONS.indexOf(compression) : 0);
}

/**
 * Compresses a block that was just written, quickly and in place.
 * @returns the block, now shorter; unchanged when there is nothing to gain
 */
export function compressBlock(block: Uint8Array, compression: Compression): Uint8Array {
  if (compression === 'none') return block;
  const compressed = packBlock(block, compression, FAST);
  block.set(compressed);
  return block.subarray(0, compressed.length);
}

function expand(block: Uint8Array, at: number, header: BlockHeader): Uint8Array | undefined {
  // A damaged block must not fill the memory.
  const options = { maxOutputLength: payloadBytesMax(header.lastSeq - header.firstSeq + 1) };
  const name = COMPRESSIONS[header.compressor];
  try {
    if (name === 'deflate') return inflateRawSync(block.subarray(at), options);
    return name === 'brotli' ? brotliDecompressSync(block.subarray(at), options) : undefined;
  } catch {
    return undefined;
  }
}

/** The payload of a compressed block before its compression; undefined when the block is damaged. */
export function expandPayload(block: Uint8Array, header: BlockHeader): Uint8Array | undefined {
  const at = bodyAt(block, header);
  const body = at < 0 ? undefined : expand(block, at, header);
  return body === undefined ? undefined : Buffer.concat([block.subarray(payloadAt(header), at), body]);
}
