/** Reads the summary of a block from its header and directory, without decoding a tick. */
import { BLOCK_TICKS } from '../../core/limits.js';
import { checkBlock, readTimes } from './block.js';
import type { BlockCodec } from './block-codec.js';
import type { BlockSummary } from './block-summary.js';
import { readDirectory } from './block-ticks.js';
import { Directory } from './directory.js';

/** An instance serves one thread. */
export class BlockSummaryReader {
  readonly #directory = new Directory(BLOCK_TICKS);

  constructor(readonly codec: BlockCodec) {}

  /**
   * Fills in the summary of a block. A shed or damaged block gets an opaque summary.
   * @returns false for a damaged block, whose last seq is unknown
   */
  read(block: Uint8Array, firstSeq: number, into: BlockSummary): boolean {
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

  /** Fills in the summary of a block of `count` ticks that the codec has just encoded: needs no check and no parsing. */
  readEncoded(block: Uint8Array, firstSeq: number, count: number, into: BlockSummary): void {
    into.clear();
    into.firstSeq = firstSeq;
    into.lastSeq = firstSeq + count - 1;
    readTimes(block, into.times);
    into.symbols.copy(this.codec.directory);
  }
}
