/** What a block holds, told without decoding it where it has a directory. */
import { BLOCK_TICKS } from '../../core/limits.js';
import { RECORD_U32, Records, U32_SYMBOL, U32_SYMBOL_SEQ } from '../../core/tick.js';
import { checkBlock, readTimes } from './block.js';
import type { BlockCodec } from './block-codec.js';
import { readDirectory, readTicks } from './block-ticks.js';
import { Directory } from './directory.js';
import type { Extent } from './extent.js';

/** What tells extents of blocks. An instance serves one thread. */
export class BlockExtents {
  readonly #directory = new Directory(BLOCK_TICKS);
  #records: Records | undefined;

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
      return true;
    }
    this.#records ??= Records.allocate(BLOCK_TICKS);
    const count = readTicks(this.codec, block, header, this.#records);
    if (count < 0) return true;
    readSymbols(this.#records, count, into);
    into.isOpaque = false;
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

/** Adds the symbols of records, each with its first and last symbolSeq. */
function readSymbols({ u32 }: Records, count: number, into: Extent): void {
  const { symbols } = into;
  const places = new Map<number, number>();
  for (let w = 0; w < count * RECORD_U32; w += RECORD_U32) {
    const id = u32[w + U32_SYMBOL];
    const symbolSeq = u32[w + U32_SYMBOL_SEQ];
    const known = places.get(id);
    if (known === undefined) {
      places.set(id, symbols.count);
      symbols.add(id, symbolSeq, symbolSeq);
    } else {
      symbols.lasts[known] = symbolSeq;
    }
  }
}
