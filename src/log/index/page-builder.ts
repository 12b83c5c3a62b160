/** Builds an index page of the blocks, or pages, that are added one after the other. */
import { crc32 } from 'node:zlib';
import { INDEX_BLOCKS, INDEX_PAGES, INDEX_PLACES } from '../../core/limits.js';
import { type BlockSummary, SYMBOLS_INDEXED, SymbolTable, TIME_WORDS } from '../format/block-summary.js';
import { ByteWriter } from '../format/varint.js';
import { PAGE_HEADER_BYTES, PAGE_VERSION } from './page.js';

const PLACES_AT_FIRST = 1_024;
const CHILDREN_MAX = Math.max(INDEX_BLOCKS, INDEX_PAGES);

export class PageBuilder {
  count = 0;
  readonly #firstSeqs = new Float64Array(CHILDREN_MAX);
  readonly #lastSeqs = new Float64Array(CHILDREN_MAX);
  readonly #isOpaque = new Uint8Array(CHILDREN_MAX);
  readonly #times = new Uint32Array(CHILDREN_MAX * TIME_WORDS);
  /** In the order in which they came, with the last symbolSeq so far. */
  readonly #symbols = new SymbolTable();
  /** By symbol id: its slot in `#symbols`, plus 1; 0 = not there. */
  #slotOf = new Int32Array(0);
  /** By slot: the number of its positions. */
  #slotPlaces = new Uint32Array(0);
  // Positions in the order of their addition.
  #places = 0;
  #placeSlot = new Uint32Array(PLACES_AT_FIRST);
  #placeFirst = new Uint32Array(PLACES_AT_FIRST);
  #placeChild = new Uint16Array(PLACES_AT_FIRST);

  constructor(
    readonly level: number,
    readonly epoch: number,
    readonly shard: number,
  ) {}

  /** Whether the page must be built before anything is added. */
  get isFull(): boolean {
    return this.count >= (this.level === 0 ? INDEX_BLOCKS : INDEX_PAGES) || this.#places >= INDEX_PLACES;
  }

  /** Where the next child is expected to begin. */
  get nextSeq(): number {
    return this.count === 0 ? 0 : this.#lastSeqs[this.count - 1] + 1;
  }

  clear(): void {
    for (let k = 0; k < this.#symbols.count; k++) {
      this.#slotOf[this.#symbols.ids[k]] = 0;
      this.#slotPlaces[k] = 0;
    }
    this.#symbols.clear();
    this.#places = 0;
    this.count = 0;
  }

  /** Adds the next block or page. The cost grows with its symbols. */
  add(summary: BlockSummary): void {
    const child = this.count++;
    this.#firstSeqs[child] = summary.firstSeq;
    this.#lastSeqs[child] = summary.lastSeq;
    this.#isOpaque[child] = summary.isOpaque ? 1 : 0;
    this.#times.set(summary.times, child * TIME_WORDS);
    const { count, ids, firsts, lasts } = summary.symbols;
    this.#reserve(count);
    for (let k = 0; k < count; k++) {
      const id = ids[k];
      if (id >= SYMBOLS_INDEXED) {
        this.#isOpaque[child] = 1;
        continue;
      }
      const slot = this.#slot(id, firsts[k]);
      this.#symbols.lasts[slot] = lasts[k];
      this.#slotPlaces[slot]++;
      this.#placeSlot[this.#places] = slot;
      this.#placeFirst[this.#places] = firsts[k];
      this.#placeChild[this.#places++] = child;
    }
  }

  #slot(id: number, first: number): number {
    if (id >= this.#slotOf.length) {
      const larger = new Int32Array(Math.min(SYMBOLS_INDEXED, 2 * (id + 1)));
      larger.set(this.#slotOf);
      this.#slotOf = larger;
    }
    const known = this.#slotOf[id];
    if (known !== 0) return known - 1;
    const slot = this.#symbols.count;
    this.#symbols.add(id, first, first);
    this.#slotOf[id] = slot + 1;
    if (slot >= this.#slotPlaces.length) {
      const larger = new Uint32Array(2 * (slot + 1));
      larger.set(this.#slotPlaces);
      this.#slotPlaces = larger;
    }
    return slot;
  }

  #reserve(count: number): void {
    const needed = this.#places + count;
    if (needed <= this.#placeSlot.length) return;
    const copied = <A extends Uint32Array | Uint16Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    this.#placeSlot = copied(this.#placeSlot, new Uint32Array(2 * needed));
    this.#placeFirst = copied(this.#placeFirst, new Uint32Array(2 * needed));
    this.#placeChild = copied(this.#placeChild, new Uint16Array(2 * needed));
  }

  /** The page of what was added; more can be added afterwards. There must be something. */
  build(): Uint8Array {
    const out = new ByteWriter(
      PAGE_HEADER_BYTES + this.count * 40 + this.#symbols.count * 8 + this.#places * 2,
    );
    out.at = PAGE_HEADER_BYTES;
    this.#writeChildren(out);
    const order = this.#order();
    const places = this.#writePlaces(order);
    let id = -1;
    let before = 0;
    order.forEach((slot, k) => {
      const { ids, firsts, lasts } = this.#symbols;
      out.unsigned(ids[slot] - id - 1);
      out.unsigned(firsts[slot]);
      out.unsigned((lasts[slot] - firsts[slot]) >>> 0);
      out.unsigned(places.ends[k] - before);
      before = places.ends[k];
      id = ids[slot];
    });
    const page = new Uint8Array(out.at + places.bytes.length);
    page.set(out.bytes.subarray(0, out.at));
    page.set(places.bytes, out.at);
    this.#writeHeader(page, out.at);
    return page;
  }

  #writeChildren(out: ByteWriter): void {
    let next = this.#firstSeqs[0];
    for (let i = 0; i < this.count; i++) {
      out.unsigned(this.#firstSeqs[i] - next);
      next = this.#lastSeqs[i] + 1;
      out.unsigned((next - this.#firstSeqs[i]) * 2 + this.#isOpaque[i]);
    }
    for (let i = 0; i < this.count * TIME_WORDS; i += 2) {
      out.difference(this.#times[i], i < TIME_WORDS ? 0 : this.#times[i - TIME_WORDS]);
      out.unsigned(this.#times[i + 1]);
    }
  }

  /** The slots by ascending symbol id. */
  #order(): Uint32Array {
    const ids = this.#symbols.ids.slice(0, this.#symbols.count).sort();
    return ids.map((id) => this.#slotOf[id] - 1);
  }

  /** The positions, symbol by symbol, and the end of each symbol's positions. */
  #writePlaces(order: Uint32Array): { bytes: Uint8Array; ends: Uint32Array } {
    const next = new Uint32Array(this.#symbols.count);
    let total = 0;
    for (const slot of order) {
      next[slot] = total;
      total += this.#slotPlaces[slot];
    }
    const placeSlot = this.#placeSlot;
    const placeFirst = this.#placeFirst;
    const placeChild = this.#placeChild;
    const sortedFirst = new Uint32Array(total);
    const sortedChild = new Uint16Array(total);
    for (let p = 0; p < total; p++) {
      const to = next[placeSlot[p]]++;
      sortedFirst[to] = placeFirst[p];
      sortedChild[to] = placeChild[p];
    }
    const out = new ByteWriter(2 * total + order.length);
    const ends = new Uint32Array(order.length);
    let at = 0;
    for (let k = 0; k < order.length; k++) {
      const slot = order[k];
      let child = -1;
      let first = this.#symbols.firsts[slot];
      for (const end = at + this.#slotPlaces[slot]; at < end; at++) {
        const skipped = sortedChild[at] - child - 1;
        out.unsigned(((sortedFirst[at] - first) >>> 0) * 2 + (skipped > 0 ? 1 : 0));
        if (skipped > 0) out.unsigned(skipped);
        child = sortedChild[at];
        first = sortedFirst[at];
      }
      ends[k] = out.at;
    }
    return { bytes: out.bytes.subarray(0, out.at), ends };
  }

  #writeHeader(page: Uint8Array, placesAt: number): void {
    const view = new DataView(page.buffer);
    view.setUint8(0, PAGE_VERSION);
    view.setUint8(1, this.level);
    view.setUint16(2, this.shard, true);
    view.setUint32(8, this.epoch, true);
    view.setUint32(12, crc32(page.subarray(placesAt)), true);
    view.setFloat64(16, this.#firstSeqs[0], true);
    view.setFloat64(24, this.#lastSeqs[this.count - 1], true);
    view.setUint32(32, this.count, true);
    view.setUint32(36, this.#symbols.count, true);
    view.setUint32(40, placesAt, true);
    view.setUint32(4, crc32(page.subarray(8, placesAt)), true);
  }
}
