/**
 * The block codec turns consecutive records into the payload of a block and back, bit for bit. Only seqLow is not
 * stored: the block's first seq implies it. `block.ts` owns the header, positions and checksum around the payload.
 *
 * A version names one payload format for ever. Version 2 is the format of `log/format/wasm/format.ts`, the only one
 * that is read. Version 0 marks shed seqs (`block.ts`), and version 1 was never released.
 */
import type { Records } from '../../core/tick.js';
import { ColumnCodec, columnBytesMax } from './column-codec.js';
import type { Directory } from './directory.js';
import type { Lasts } from './last-values.js';

const COLUMNS = 2;

/** An instance serves one thread. Its memory is allocated at the first use. */
export class BlockCodec {
  /** The version that `encode` writes, as in a block's header. */
  readonly version = COLUMNS;
  #columns: ColumnCodec | undefined;

  /** The most bytes that `count` records can take. */
  maxBytes(count: number): number {
    return columnBytesMax(count);
  }

  /** BLOCK_TICKS records in the codec's own memory. Encoding them copies nothing. The next block overwrites them. */
  get records(): Records {
    this.#columns ??= new ColumnCodec();
    return this.#columns.records;
  }

  /** The symbols of the block that was just encoded. The next block overwrites the directory. */
  get directory(): Directory {
    this.#columns ??= new ColumnCodec();
    return this.#columns.directory;
  }

  /**
   * @param records private memory (never a ring that a writer may touch), records 0 … count − 1; at most BLOCK_TICKS
   * @param digits by symbol id; the payload stores the digits that were used
   * @param at offset in `out` at which the payload starts; `maxBytes(count)` must be free there
   * @returns the offset of its end
   */
  encode(records: Records, count: number, digits: Uint8Array, out: Uint8Array, at: number): number {
    this.#columns ??= new ColumnCodec();
    return this.#columns.encode(records, count, digits, out, at);
  }

  /**
   * Writes the lowest and highest tsRecv, then tsEvent, of the records that were just encoded into `into`: 8 words, as
   * in a block's header.
   * @returns false when the caller must search the records for them
   */
  ranges(into: Uint32Array): boolean {
    return this.#columns?.ranges(into) === true;
  }

  /**
   * Writes `count` records to the start of `into`, with seqLow counted from `firstSeq`. The payload is all of
   * `bytes` from `at` on.
   * @returns the offset of its end; any other value than the end of `bytes` means no payload of that version; −1 for
   *   an unknown version
   */
  decode(
    version: number,
    bytes: Uint8Array,
    at: number,
    count: number,
    firstSeq: number,
    into: Records,
  ): number {
    if (version !== COLUMNS) return -1;
    this.#columns ??= new ColumnCodec();
    return this.#columns.decode(bytes, at, count, firstSeq, into);
  }

  /**
   * Writes what a last-value table keeps of the `count` records that were just encoded or decoded.
   * @param records the same records
   */
  lasts(records: Records, count: number, into: Lasts): void {
    this.#columns ??= new ColumnCodec();
    this.#columns.lasts(records, count, into);
  }
}
