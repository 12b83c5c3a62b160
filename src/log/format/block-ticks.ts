/** Decodes a checked block, compressed or not, to its ticks. */
import type { Records } from '../../core/tick.js';
import { type BlockHeader, payloadAt } from './block.js';
import type { BlockCodec } from './block-codec.js';
import { expandPayload } from './compress.js';
import { DIRECTORY_VERSION, type Directory } from './directory.js';

/**
 * Decodes a checked block to the start of `into`.
 * @returns the number of ticks; 0 for a shed block; −1 for an unknown version or a payload that is not valid
 */
export function readTicks(codec: BlockCodec, bytes: Uint8Array, header: BlockHeader, into: Records): number {
  if (header.shed) return 0;
  const count = header.lastSeq - header.firstSeq + 1;
  if (!(count >= 1 && count <= into.capacity)) return -1;
  const expanded = header.compressor === 0 ? bytes : expandPayload(bytes, header);
  if (expanded === undefined) return -1;
  const at = expanded === bytes ? payloadAt(header) : 0;
  return codec.decode(header.version, expanded, at, count, header.firstSeq, into) === expanded.length
    ? count
    : -1;
}

/**
 * Reads the directory of a checked block. False for a shed block, for a block of another version, and for a damaged
 * directory.
 */
export function readDirectory(block: Uint8Array, header: BlockHeader, into: Directory): boolean {
  into.count = 0;
  return header.version === DIRECTORY_VERSION && into.read(block, payloadAt(header)) >= 0;
}
