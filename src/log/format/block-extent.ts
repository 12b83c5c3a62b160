/** What a block holds, told without decoding it where it has a directory. */
import { BLOCK_TICKS } from '../../core/limits.js';
import { checkBlock, readTimes } from './block.js';
import type { BlockCodec } from './block-codec.js';
import { Directory, readDirectory } from './directory.js';
import type { Extent } from './extent.js';

/** What tells extents of blocks. An instance serves one thread. */
export class BlockExtents {
  readonly #directory = new Directory(BLOCK_TICKS);

  constructor(readonly codec: BlockCodec) {}

  /**
   * Fills in what a block tells: of one that was shed or is damaged, that it may hold anything.
   * @returns false for a damaged one, whose last seq nobody knows
   */
  read(block: Uint8Array, firstSeq: number, into: Extent): boolean {
    into.clear();
    into.firstSeq = firstSeq;
    into.lastSeq = firstSeq;
    into.isOpaque = true;
    const header = checkBlock(block);
    if (header === undefined) return false;
    into.lastSeq = header.lastSeq;
    if (header.shed) return true;
    readTimes(block, into.times);
    if (readDirectory(block, header, this.#directory)) {
      into.symbols.copy(this.#directory);
      into.isOpaque = false;
    }
    return true;
  }

  /** Fills in what a block of `count` ticks tells that the codec has just made: neither checked nor parsed. */
  readMade(block: Uint8Array, firstSeq: number, count: number, into: Extent): void {
    into.clear();
    into.firstSeq = firstSeq;
    into.lastSeq = firstSeq + count - 1;
    readTimes(block, into.times);
    into.symbols.copy(this.codec.directory);
  }
}
