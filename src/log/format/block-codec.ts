/**
 * The block codec: it turns consecutive records into the payload of a block and back, bit for bit. Only
 * seqLow is not kept: the block's first seq implies it. The header, positions and checksum around the payload
 * belong to `block.ts`.
 *
 * A version names one payload format for ever: 1 is that of `log/format/v1/row-format.ts`, only read; 2 that of `log/format/wasm/format.ts`.
 */
import type { Records } from '../../core/tick.js';
import { ColumnCodec, columnBytesMax } from './column-codec.js';
import type { Directory } from './directory.js';
import type { Lasts } from './last-values.js';
import { RowDecoder } from './v1/row-decoder.js';

const ROWS = 1;
const COLUMNS = 2;
const NO_DIGITS = new Uint8Array(0);

/** An instance serves one thread. What it needs is allocated when it is first used. */
export class BlockCodec {
  /** What `encode` writes; stands in every block's header. */
  readonly version = COLUMNS;
  #columns: ColumnCodec | undefined;
  #rows: RowDecoder | undefined;
  /** What was encoded or decoded last came as rows. */
  #isRows = false;

  /** Bytes that `count` records can take at most. */
  maxBytes(count: number): number {
    return columnBytesMax(count);
  }

  /** Records in the codec's own memory, BLOCK_TICKS of them: encoding those copies none. The next block overwrites them. */
  get records(): Records {
    this.#columns ??= new ColumnCodec();
    return this.#columns.records;
  }

  /** Which symbols the block just encoded has. The next block overwrites it. */
  get directory(): Directory {
    this.#columns ??= new ColumnCodec();
    return this.#columns.directory;
  }

  /**
   * @param records private memory (never a ring that a writer may touch), records 0 … count − 1; at most BLOCK_TICKS
   * @param digits by symbol id; what was used stands in the payload
   * @param at where in `out` the payload starts; `maxBytes(count)` must be free there
   * @returns where it ends
   */
  encode(records: Records, count: number, digits: Uint8Array, out: Uint8Array, at: number): number {
    this.#columns ??= new ColumnCodec();
    this.#isRows = false;
    return this.#columns.encode(records, count, digits, out, at);
  }

  /**
   * Lowest and highest tsRecv, then tsEvent, of the records just encoded, as a block's header has them: 8 words
   * into `into`.
   * @returns false when they must be looked for in the records
   */
  ranges(into: Uint32Array): boolean {
    return this.#columns?.ranges(into) === true;
  }

  /**
   * Writes `count` records to the start of `into`, with seqLow counted from `firstSeq`. The payload is all of
   * `bytes` from `at` on.
   * @returns where it ended; anything but the end of `bytes` means that it was none of that version
   */
  decode(
    version: number,
    bytes: Uint8Array,
    at: number,
    count: number,
    firstSeq: number,
    into: Records,
  ): number {
    this.#isRows = version === ROWS;
    if (version === COLUMNS) {
      this.#columns ??= new ColumnCodec();
      return this.#columns.decode(bytes, at, count, firstSeq, into);
    }
    if (version !== ROWS) return -1;
    this.#rows ??= new RowDecoder();
    return this.#rows.decode(bytes, at, count, firstSeq, into);
  }

  /**
   * What a last-value table keeps of the `count` records just encoded or decoded.
   * @param records the same
   */
  lasts(records: Records, count: number, into: Lasts): void {
    this.#columns ??= new ColumnCodec();
    if (this.#isRows) this.#columns.load(records, count, NO_DIGITS);
    this.#columns.lasts(records, count, into);
  }
}
