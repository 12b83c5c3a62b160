/**
 * What a block codec is: it turns consecutive records into the payload of a block and back, bit for bit.
 * Only seqLow is not kept: the block's first seq implies it. The header, positions and checksum around the
 * payload belong to `block.ts`, so that a codec can be replaced without touching anything else.
 */
import type { Records } from '../tick.js';
import { RowDecoder } from './decode.js';
import { RowEncoder } from './encode.js';
import { PAD_BYTES, TICK_BYTES_MAX } from './rows.js';

export interface BlockCodec {
  /** Stands in every block's header; a version names one payload format for ever. */
  readonly version: number;

  /** Bytes that `count` records can take at most. */
  maxBytes(count: number): number;

  /**
   * @param records private memory (never a ring that a writer may touch), records 0 … count − 1
   * @param digits by symbol id; what was used stands in the payload
   * @param at where in `out` the payload starts; `maxBytes(count)` must be free there
   * @returns where it ends
   */
  encode(records: Records, count: number, digits: Uint8Array, out: Uint8Array, at: number): number;

  /**
   * Writes `count` records to the start of `into`, with seqLow counted from `firstSeq`.
   * @returns where the payload ended; anything but its true end means that it was not one
   */
  decode(bytes: Uint8Array, at: number, count: number, firstSeq: number, into: Records): number;
}

/** The row format of `rows.ts`. An instance serves one thread. */
export class RowCodec implements BlockCodec {
  readonly version = 1;
  readonly #encoder = new RowEncoder();
  readonly #decoder = new RowDecoder();

  maxBytes(count: number): number {
    return count * TICK_BYTES_MAX + PAD_BYTES;
  }

  encode(records: Records, count: number, digits: Uint8Array, out: Uint8Array, at: number): number {
    return this.#encoder.encode(records, count, digits, out, at);
  }

  decode(bytes: Uint8Array, at: number, count: number, firstSeq: number, into: Records): number {
    return this.#decoder.decode(bytes, at, count, firstSeq, into);
  }
}
