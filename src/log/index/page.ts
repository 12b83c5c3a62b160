/**
 * One index page: the summaries of consecutive blocks of an epoch's shard, or of consecutive such pages.
 *
 * ```
 *  0 u8 version = 1 │ 1 u8 level, 0 = over blocks, n = over pages of level n − 1 │ 2 u16 shard
 *  4 u32 crc32 of everything from 8 up to the positions
 *  8 u32 epoch      │ 12 u32 crc32 of the positions
 * 16 f64 first seq  │ 24 f64 last seq
 * 32 u32 children   │ 36 u32 symbols │ 40 u32 offset of the positions │ 44 u32 0
 * 48 head, in columns:
 *    a child:  seqs missing before it │ its seqs × 2 + opaque
 *    a child:  lowest and highest tsRecv and tsEvent: seconds since those of the child before │ nanoseconds
 *    a symbol: ids since the one before, less 1 │ first symbolSeq │ last, since the first │ bytes of its positions
 *  … positions, for each symbol the children that have it:
 *    first symbolSeq in it, since that of the position before, × 2 + 1 if children without it are between │ how many
 * ```
 *
 * Fixed words are little-endian, all else is varints of `log/format/varint.ts`; symbols ascend. The page is derived: a part
 * with a wrong checksum is read from the blocks again.
 */
import { crc32 } from 'node:zlib';
import { isBefore } from '../../core/time.js';
import {
  type BlockSummary,
  SYMBOLS_INDEXED,
  SymbolTable,
  TIME_WORDS,
  type TimeAt,
  widenTimes,
} from '../format/block-summary.js';
import { ByteReader } from '../format/varint.js';

export const PAGE_VERSION = 1;
export const PAGE_HEADER_BYTES = 48;
const WORD = 2 ** 32;

/** A page that was read. */
export class IndexPage {
  /** Of each child. */
  readonly firstSeqs: Float64Array;
  readonly lastSeqs: Float64Array;
  readonly isOpaque: Uint8Array;
  /** `TIME_WORDS` words a child. */
  readonly times: Uint32Array;
  /** Over all children. */
  readonly totals = new Uint32Array(TIME_WORDS);
  readonly symbols: SymbolTable;
  /** The end of each symbol's positions. */
  readonly #ends: Uint32Array;
  readonly #placesAt: number;
  readonly #placesCrc: number;
  #isChecked = false;

  private constructor(
    readonly bytes: Uint8Array,
    readonly level: number,
    readonly epoch: number,
    readonly shard: number,
    readonly firstSeq: number,
    readonly lastSeq: number,
    readonly children: number,
    symbols: number,
  ) {
    const view = viewOf(bytes);
    this.#placesCrc = view.getUint32(12, true);
    this.#placesAt = view.getUint32(40, true);
    this.firstSeqs = new Float64Array(children);
    this.lastSeqs = new Float64Array(children);
    this.isOpaque = new Uint8Array(children);
    this.times = new Uint32Array(children * TIME_WORDS);
    this.symbols = new SymbolTable(symbols);
    this.#ends = new Uint32Array(symbols);
    const reader = new ByteReader(bytes, PAGE_HEADER_BYTES, this.#placesAt);
    this.#readChildren(reader);
    this.#readTimes(reader);
    this.#readSymbols(reader, symbols);
  }

  /** Undefined where the head is damaged. */
  static read(bytes: Uint8Array): IndexPage | undefined {
    if (bytes.length < PAGE_HEADER_BYTES || bytes[0] !== PAGE_VERSION) return undefined;
    const view = viewOf(bytes);
    const placesAt = view.getUint32(40, true);
    if (placesAt < PAGE_HEADER_BYTES || placesAt > bytes.length) return undefined;
    if (view.getUint32(4, true) !== crc32(bytes.subarray(8, placesAt))) return undefined;
    return new IndexPage(
      bytes,
      bytes[1],
      view.getUint32(8, true),
      view.getUint16(2, true),
      view.getFloat64(16, true),
      view.getFloat64(24, true),
      view.getUint32(32, true),
      view.getUint32(36, true),
    );
  }

  #readChildren(reader: ByteReader): void {
    let next = this.firstSeq;
    for (let i = 0; i < this.children; i++) {
      this.firstSeqs[i] = next + reader.unsigned();
      const seqs = reader.unsigned();
      this.isOpaque[i] = seqs % 2;
      next = this.firstSeqs[i] + Math.floor(seqs / 2);
      this.lastSeqs[i] = next - 1;
    }
  }

  #readTimes(reader: ByteReader): void {
    const { times, totals } = this;
    for (let i = 0; i < this.children * TIME_WORDS; i += 2) {
      times[i] = reader.difference(i < TIME_WORDS ? 0 : times[i - TIME_WORDS]);
      times[i + 1] = reader.unsigned();
    }
    totals.set(times.subarray(0, TIME_WORDS));
    for (let i = TIME_WORDS; i < times.length; i += TIME_WORDS) widenTimes(totals, 0, times, i);
  }

  #readSymbols(reader: ByteReader, count: number): void {
    let id = -1;
    let end = this.#placesAt;
    for (let k = 0; k < count; k++) {
      id += reader.unsigned() + 1;
      const first = reader.unsigned();
      this.symbols.add(id, first, (first + reader.unsigned()) % WORD);
      end += reader.unsigned();
      this.#ends[k] = end;
    }
  }

  /** Estimated bytes of memory. */
  get cost(): number {
    return this.bytes.length + this.children * 64 + this.symbols.count * 16;
  }

  /** The first child from `from` on whose highest time of a kind reaches the given one; `children` where none does. */
  firstReaching(at: typeof TimeAt.recvMax | typeof TimeAt.eventMax, s: number, ns: number): number {
    const { times, children } = this;
    let i = 0;
    while (i < children && !reaches(times, i * TIME_WORDS + at, s, ns)) i++;
    return i;
  }

  /** The first child whose last seq is `seq` or later; `children` where none is. */
  childAt(seq: number): number {
    let low = 0;
    let high = this.children;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.lastSeqs[middle] < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * The children that hold the symbol at place `k` of the table, ascending, each with its first symbolSeq.
   * @returns false where that part of the page is damaged
   */
  places(k: number, visit: (child: number, firstSymbolSeq: number) => void): boolean {
    if (!this.#isChecked) {
      this.#isChecked = this.#placesCrc === crc32(this.bytes.subarray(this.#placesAt));
      if (!this.#isChecked) return false;
    }
    const reader = new ByteReader(this.bytes, k === 0 ? this.#placesAt : this.#ends[k - 1], this.#ends[k]);
    let child = -1;
    let first = this.symbols.firsts[k];
    while (reader.at < reader.end) {
      const step = reader.unsigned();
      child += 1 + (step % 2 === 1 ? reader.unsigned() : 0);
      first = (first + Math.floor(step / 2)) % WORD;
      visit(child, first);
    }
    return true;
  }

  /** Fills in the summary of all children together. */
  summaryInto(summary: BlockSummary): void {
    summary.clear();
    summary.firstSeq = this.firstSeq;
    summary.lastSeq = this.lastSeq;
    summary.times.set(this.totals);
    for (let i = 0; i < this.children; i++) {
      if (this.isOpaque[i] === 1 || (i > 0 && this.firstSeqs[i] > this.lastSeqs[i - 1] + 1)) {
        summary.isOpaque = true;
      }
    }
    const { count, ids, firsts, lasts } = this.symbols;
    for (let k = 0; k < count; k++) summary.symbols.add(ids[k], firsts[k], lasts[k]);
  }

  /** Whether a child may hold any of the symbols: 1 a child. Undefined where the page is damaged. */
  holding(symbolIds: readonly number[]): Uint8Array | undefined {
    const mask = this.isOpaque.slice();
    for (const id of symbolIds) {
      if (id >= SYMBOLS_INDEXED) return mask.fill(1);
      const k = this.symbols.find(id);
      if (k < 0) continue;
      const isWhole = this.places(k, (child) => {
        mask[child] = 1;
      });
      if (!isWhole) return undefined;
    }
    return mask;
  }
}

/** Whether the highest time at `at` is the given one or later; its lowest, before it, says whether there is any. */
export function reaches(times: Uint32Array, at: number, s: number, ns: number): boolean {
  const isNone = isBefore(times[at], times[at + 1], times[at - 2], times[at - 1]);
  return !isNone && !isBefore(times[at], times[at + 1], s, ns);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
