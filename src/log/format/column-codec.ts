/**
 * The columnar codec: `log/format/wasm/format.ts` has the bytes. All work per tick is in `wasm/`, compiled to
 * WebAssembly: 64-bit integers, vectors of two or four values, no check per access (docs/decisions/0005-codec-in-wasm.md).
 */
import { BLOCK_TICKS } from '../../core/limits.js';
import { RECORD_BYTES, Records } from '../../core/tick.js';
import { type Address, instantiate } from '../../core/wasm-module.js';
import { COUNT_BYTES_MAX, Directory, ENTRY_BYTES_MAX } from './directory.js';
import { LAST_U32, type Lasts } from './last-values.js';

/** What `log/format/wasm/index.ts` exports; addresses are globals. */
export interface ColumnsModule extends WebAssembly.Exports {
  memory: WebAssembly.Memory;
  encode(count: number): number;
  /** Returns how many records `scatter` must decode at once; 0 for a payload that is not valid. */
  decode(words: number, symbols: number, count: number, seqLow: number): number;
  /** Decodes records `from` … `to` − 1 to the start of the records' memory. */
  scatter(from: number, to: number): void;
  symbolCount(): number;
  ranges(): number;
  findLasts(count: number, symbols: number): void;
  /** Packs `count` words at `values` to `to`; returns the end. */
  pack(values: number, count: number, to: number): number;
  /** Reads `count` words of the column at `at`, which ends at `end` at most; returns its end, 0 when it is none. */
  unpack(at: number, end: number, values: number, count: number): number;
  /** Digits of SYMBOLS_TABLED symbols, u8 each, written before `encode`. For other symbols the module calls the host. */
  DIGITS: Address;
  SYMBOLS_TABLED: Address;
  /** Slots for two values a tick. */
  SIZE_COLUMN: Address;
  WORDS: Address;
  WORDS_MAX: Address;
  RECORDS: Address;
  LASTS: Address;
  RANGES: Address;
  TICKS: Address;
  DIRECTORY_ID: Address;
  DIRECTORY_FIRST: Address;
  DIRECTORY_LAST: Address;
  DIRECTORY_DIGITS: Address;
}

/** An instance of the module with a memory of its own. */
export function columnsModule(digitsOf: (symbolId: number) => number): ColumnsModule {
  return instantiate<ColumnsModule>(new URL('./columns.wasm', import.meta.url), { symbols: { digitsOf } });
}

/** An instance serves one thread. */
export class ColumnCodec {
  readonly #module: ColumnsModule;
  readonly #records: Uint8Array;
  /** The first records, as many as `scatter` decodes at once. */
  #piece: Uint8Array = new Uint8Array(0);
  readonly #words: Uint8Array;
  readonly #ranges: Uint32Array;
  readonly #lasts: Uint32Array;
  readonly #digitsTable: Uint8Array;
  /** Of the block just encoded or decoded. */
  readonly directory: Directory;
  #own: Records | undefined;
  /** Whether the module's memory has only the last piece of a decoded block. */
  #isDecoded = false;
  #digits: Uint8Array = new Uint8Array(0);

  constructor() {
    const module = columnsModule((id) => (id < this.#digits.length ? this.#digits[id] & 15 : 0));
    const { buffer } = module.memory;
    this.#module = module;
    if (module.TICKS.value !== BLOCK_TICKS)
      throw new RangeError('columns.wasm is of another build: build again');
    this.#records = new Uint8Array(buffer, module.RECORDS.value, BLOCK_TICKS * RECORD_BYTES);
    this.#words = new Uint8Array(buffer, module.WORDS.value, 4 * module.WORDS_MAX.value);
    this.#ranges = new Uint32Array(buffer, module.RANGES.value, 8);
    this.#lasts = new Uint32Array(buffer, module.LASTS.value, BLOCK_TICKS * LAST_U32);
    this.#digitsTable = new Uint8Array(buffer, module.DIGITS.value, module.SYMBOLS_TABLED.value);
    this.directory = new Directory(BLOCK_TICKS, {
      symbolId: new Uint32Array(buffer, module.DIRECTORY_ID.value, BLOCK_TICKS),
      firstSymbolSeq: new Uint32Array(buffer, module.DIRECTORY_FIRST.value, BLOCK_TICKS),
      lastSymbolSeq: new Uint32Array(buffer, module.DIRECTORY_LAST.value, BLOCK_TICKS),
      digits: new Uint8Array(buffer, module.DIRECTORY_DIGITS.value, BLOCK_TICKS),
    });
  }

  /** Records in the module's own memory: what is encoded from there need not be copied. The next block overwrites them. */
  get records(): Records {
    this.#own ??= new Records(this.#records.buffer, this.#records.byteOffset, BLOCK_TICKS);
    return this.#own;
  }

  /** Writes the payload of `count` records, at most BLOCK_TICKS, at `at`. Returns its end. */
  encode(records: Records, count: number, digits: Uint8Array, out: Uint8Array, at: number): number {
    const bytes = 4 * this.load(records, count, digits);
    const end = this.directory.write(out, at);
    out.set(this.#words.subarray(0, bytes), end);
    return end + bytes;
  }

  /** Encodes a payload of `count` records in the module's memory. Returns its words. */
  load(records: Records, count: number, digits: Uint8Array): number {
    if (digits.length < this.#digits.length) this.#digitsTable.fill(0);
    this.#digits = digits;
    this.#digitsTable.set(digits.subarray(0, this.#digitsTable.length));
    if (records.u8.buffer !== this.#records.buffer)
      this.#records.set(records.u8.subarray(0, count * RECORD_BYTES));
    this.#isDecoded = false;
    const words = this.#module.encode(count);
    this.directory.count = this.#module.symbolCount();
    return words;
  }

  /** What a last-value table keeps of the `count` records just encoded or decoded. */
  lasts(records: Records, count: number, into: Lasts): void {
    // A decoded block is copied out piece by piece, so it must be copied back.
    if (this.#isDecoded) this.#records.set(records.u8.subarray(0, count * RECORD_BYTES));
    this.#isDecoded = false;
    this.#module.findLasts(count, this.directory.count);
    into.copy(this.#lasts, this.directory.count);
  }

  /**
   * Lowest and highest of both times in the block just encoded, as in a block's header: 8 words into `into`.
   * @returns false when some times are not valid or too far apart: then the caller must check each record
   */
  ranges(into: Uint32Array): boolean {
    if (this.#module.ranges() === 0) return false;
    into.set(this.#ranges);
    return true;
  }

  /** Reads `count` records from the payload that is all of `bytes` from `at` on. Returns their end; −1 for no payload. */
  decode(bytes: Uint8Array, at: number, count: number, firstSeq: number, into: Records): number {
    const start = this.directory.read(bytes, at);
    const length = bytes.length - start;
    if (start < 0 || (length & 3) !== 0 || length > this.#words.length) return -1;
    this.#words.set(bytes.subarray(start));
    const piece = this.#module.decode(length / 4, this.directory.count, count, firstSeq % 2 ** 32);
    if (piece === 0) return -1;
    this.#isDecoded = true;
    if (this.#piece.length !== piece * RECORD_BYTES)
      this.#piece = this.#records.subarray(0, piece * RECORD_BYTES);
    // Records are copied while they are in the core's cache.
    for (let from = 0; from < count; from += piece) {
      const to = Math.min(from + piece, count);
      this.#module.scatter(from, to);
      const pieceBytes =
        to - from === piece ? this.#piece : this.#records.subarray(0, (to - from) * RECORD_BYTES);
      into.u8.set(pieceBytes, from * RECORD_BYTES);
    }
    return bytes.length;
  }
}

/** The most bytes of a payload without its directory. */
export function payloadBytesMax(count: number): number {
  return 4096 + 320 * count;
}

/** The most bytes of a payload. */
export function columnBytesMax(count: number): number {
  return payloadBytesMax(count) + COUNT_BYTES_MAX + count * ENTRY_BYTES_MAX;
}
