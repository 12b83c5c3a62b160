/** Sizes as words of 32 bits, and the dictionary of a block: see `columns.ts`. */
import { decodeSize, encodeSize, NO_CODE, SIZE_UNKNOWN } from '../decimal.js';
import { NAN_HIGH } from './columns.js';

/** Bit of a float32, whose own sign is +. */
const FLOAT_BIT = 0x80000000 | 0;
/** Stands before the two words of a float64. */
const ESCAPE = -1;
/** What no word stands for. */
export const NO_WORD = -2;
/** Slots of the hash table; a dictionary fills a quarter of it at most. */
const TABLE_SLOTS = 16_384;
const TABLE_SHIFT = 32 - Math.log2(TABLE_SLOTS);
const ENTRIES_MAX = TABLE_SLOTS / 4;
/** With more different sizes than this share of all, a dictionary does not pay. */
const ENTRY_SHARE = 6;
/** Blocks that are not tried again after one without a dictionary. */
const PAUSE_BLOCKS = 15;
/** Words of a slot: low, high, tag of the block, number. */
const SLOT_WORDS = 4;
const SLOT_LAST = (TABLE_SLOTS - 1) * SLOT_WORDS;

/** Whether it is another NaN than that of a size which is not known. */
function isOddNaN(low: number, high: number): boolean {
  const hasNoValue = (high & 0x7ff00000) === 0x7ff00000 && ((high & 0xfffff) | low) !== 0;
  return hasNoValue && (high !== NAN_HIGH || low !== 0);
}

const f64 = new Float64Array(1);
const f64Words = new Int32Array(f64.buffer);
const f32 = new Float32Array(1);
const f32Word = new Int32Array(f32.buffer);

/** The word of the size at `at`: NO_WORD when there is none that gives back its very bits. */
export function sizeWord(sizes: Float64Array, words: Int32Array, at: number): number {
  const code = encodeSize(sizes, at);
  if (code === SIZE_UNKNOWN) return words[2 * at + 1] === NAN_HIGH && words[2 * at] === 0 ? code : NO_WORD;
  if (code !== NO_CODE) return code;
  const size = sizes[at];
  f32[0] = size;
  return f32[0] === size && size > 0 && size < Number.POSITIVE_INFINITY ? f32Word[0] | FLOAT_BIT : NO_WORD;
}

/** The size of a word. */
export function sizeOf(word: number): number {
  if (word >= 0) return word === SIZE_UNKNOWN ? unknown[0] : decodeSize(word);
  f32Word[0] = word & 0x7fffffff;
  return f32[0];
}

/** The NaN of a size that is not known: the engine's own NaN may have other bits. */
const unknown = new Float64Array(Int32Array.of(0, NAN_HIGH).buffer);

/** Numbers the different sizes of a block, in the order of their first use. */
export class SizeDictionary {
  readonly #slots = new Int32Array(TABLE_SLOTS * SLOT_WORDS);
  readonly #low = new Int32Array(ENTRIES_MAX);
  readonly #high = new Int32Array(ENTRIES_MAX);
  #tag = 0;
  #max = 0;
  #entries = 0;
  #pause = 0;

  /**
   * Begins a block of at most `count` sizes.
   * @returns false when it is not to be tried
   */
  begin(count: number): boolean {
    this.#entries = 0;
    if (this.#pause > 0) {
      this.#pause--;
      return false;
    }
    this.#tag = (this.#tag + 1) | 0;
    if (this.#tag === 0) this.#slots.fill(0);
    this.#max = Math.min(ENTRIES_MAX, Math.floor(count / ENTRY_SHARE));
    return true;
  }

  /**
   * The number of a size, by its words.
   * @returns −1 when there are too many different ones, and then it is not tried for some blocks; or when it is
   *   a NaN whose payload would not survive being moved as a float64. The block has no dictionary then
   */
  number(low: number, high: number): number {
    const slots = this.#slots;
    const tag = this.#tag;
    let at = (Math.imul(high ^ Math.imul(low, 0x9e3779b1), 0x85ebca6b) >>> TABLE_SHIFT) * SLOT_WORDS;
    for (;;) {
      const place = at & SLOT_LAST;
      if (slots[place + 2] !== tag) return this.#add(low, high, place);
      if (slots[place] === low && slots[place + 1] === high) return slots[place + 3];
      at = place + SLOT_WORDS;
    }
  }

  #add(low: number, high: number, place: number): number {
    if (isOddNaN(low, high)) return -1;
    if (this.#entries === this.#max) {
      this.#pause = PAUSE_BLOCKS;
      return -1;
    }
    const entry = this.#entries++;
    this.#low[entry] = low;
    this.#high[entry] = high;
    const slots = this.#slots;
    slots[place] = low;
    slots[place + 1] = high;
    slots[place + 2] = this.#tag;
    slots[place + 3] = entry;
    return entry;
  }

  /** Forgets the sizes of the block: it has no dictionary. */
  drop(): void {
    this.#entries = 0;
  }

  /** Writes the entries at word `at`; returns the word after them. */
  write(words: Int32Array, at: number): number {
    let o = at;
    for (let e = 0; e < this.#entries; e++) {
      f64Words[0] = this.#low[e];
      f64Words[1] = this.#high[e];
      const word = sizeWord(f64, f64Words, 0);
      if (word !== NO_WORD) {
        words[o++] = word;
        continue;
      }
      words[o++] = ESCAPE;
      words[o++] = this.#low[e];
      words[o++] = this.#high[e];
    }
    return o;
  }
}

/** Reads `count` words of a dictionary. Returns how many sizes they are; −1 when it breaks off. */
export function readSizes(words: Int32Array, at: number, count: number, sizes: Float64Array): number {
  let entries = 0;
  for (let o = at; o < at + count; o++, entries++) {
    if (words[o] !== ESCAPE) {
      sizes[entries] = sizeOf(words[o]);
      continue;
    }
    if (o + 2 >= at + count) return -1;
    f64Words[0] = words[++o];
    f64Words[1] = words[++o];
    sizes[entries] = f64[0];
  }
  return entries;
}
