/**
 * The directory at the start of a block's payload lists the symbols of the block and the symbolSeqs of each. A reader
 * needs no decoded tick for it, and the directory is never compressed.
 *
 * ```
 * varint symbols, then of each, in the order of their first tick:
 *    varint zigzag(symbolId - symbolId before) │ u8 digits │ varint first symbolSeq │ varint last - first (mod 2^32)
 * ```
 *
 * First and last are those of the symbol's first and last tick in the block. Varints are LEB128, of u32 words.
 */

/** The version of blocks with a directory. */
export const DIRECTORY_VERSION = 2;
/** The most bytes that one symbol takes, and the count. */
export const ENTRY_BYTES_MAX = 16;
export const COUNT_BYTES_MAX = 5;

interface DirectoryColumns {
  symbolId: Uint32Array;
  digits: Uint8Array;
  firstSymbolSeq: Uint32Array;
  lastSymbolSeq: Uint32Array;
}

/** A reusable directory in columns: entries 0 … count − 1. */
export class Directory {
  count = 0;
  readonly symbolId: Uint32Array;
  readonly digits: Uint8Array;
  readonly firstSymbolSeq: Uint32Array;
  readonly lastSymbolSeq: Uint32Array;

  /**
   * @param capacity the most symbols of a block: a block has no more symbols than ticks
   * @param columns arrays of that capacity; allocated here when left out
   */
  constructor(
    readonly capacity: number,
    columns?: DirectoryColumns,
  ) {
    this.symbolId = columns?.symbolId ?? new Uint32Array(capacity);
    this.digits = columns?.digits ?? new Uint8Array(capacity);
    this.firstSymbolSeq = columns?.firstSymbolSeq ?? new Uint32Array(capacity);
    this.lastSymbolSeq = columns?.lastSymbolSeq ?? new Uint32Array(capacity);
  }

  /** Writes the entries at `at`, where `COUNT_BYTES_MAX + count × ENTRY_BYTES_MAX` bytes are free. Returns their end. */
  write(out: Uint8Array, at: number): number {
    let o = putVarint(out, at, this.count);
    let before = 0;
    for (let i = 0; i < this.count; i++) {
      const id = this.symbolId[i];
      const step = (id - before) | 0;
      before = id;
      o = putVarint(out, o, ((step << 1) ^ (step >> 31)) >>> 0);
      out[o++] = this.digits[i];
      const first = this.firstSymbolSeq[i];
      o = putVarint(out, o, first);
      o = putVarint(out, o, (this.lastSymbolSeq[i] - first) >>> 0);
    }
    return o;
  }

  /** Reads the entries at `at`. Returns their end; −1 when they are not valid. */
  read(bytes: Uint8Array, at: number): number {
    this.count = 0;
    const cursor = new VarintCursor(bytes, at);
    const count = cursor.next();
    if (count > this.capacity) return -1;
    let id = 0;
    for (let i = 0; i < count; i++) {
      const step = cursor.next();
      id = (id + ((step >>> 1) ^ -(step & 1))) >>> 0;
      this.symbolId[i] = id;
      this.digits[i] = cursor.byte();
      const first = cursor.next();
      this.firstSymbolSeq[i] = first;
      this.lastSymbolSeq[i] = (first + cursor.next()) >>> 0;
    }
    if (cursor.isBroken) return -1;
    this.count = count;
    return cursor.at;
  }
}

/** Writes a u32 in one to five bytes, seven bits each, lowest first. Returns its end. */
function putVarint(out: Uint8Array, at: number, value: number): number {
  let o = at;
  let v = value;
  while (v > 127) {
    out[o++] = (v & 127) | 128;
    v >>>= 7;
  }
  out[o++] = v;
  return o;
}

/** Reads varints one after the other, never beyond the end. A missing byte is 0 and sets `isBroken`. */
class VarintCursor {
  isBroken = false;

  constructor(
    readonly bytes: Uint8Array,
    public at: number,
  ) {}

  byte(): number {
    if (this.at < this.bytes.length) return this.bytes[this.at++];
    this.isBroken = true;
    return 0;
  }

  next(): number {
    const { bytes, at } = this;
    // Most varints have one byte or two.
    if (at + 1 < bytes.length) {
      const low = bytes[at];
      if (low < 128) {
        this.at = at + 1;
        return low;
      }
      const high = bytes[at + 1];
      if (high < 128) {
        this.at = at + 2;
        return (low & 127) | (high << 7);
      }
    }
    return this.#long();
  }

  #long(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    this.isBroken = true;
    return 0;
  }
}
