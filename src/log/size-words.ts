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
const COUNT_CLASSES = 18;

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

/** Numbers the different sizes of a block, the most frequent first. */
export class SizeDictionary {
  readonly #slots = new Int32Array(TABLE_SLOTS);
  readonly #low = new Int32Array(ENTRIES_MAX + 1);
  readonly #high = new Int32Array(ENTRIES_MAX + 1);
  readonly #uses = new Int32Array(ENTRIES_MAX + 1);
  readonly #rank = new Int32Array(ENTRIES_MAX + 1);
  readonly #classes = new Int32Array(COUNT_CLASSES + 1);
  #entries = 0;
  #pause = 0;

  /**
   * Numbers the sizes whose words stand in `low` and `high`.
   * @param indexes gets the number of each
   * @returns false when there are too many different ones, and then it is not tried for some blocks; or when
   *   one is a NaN whose payload would not survive being moved as a float64
   */
  number(low: Int32Array, high: Int32Array, count: number, indexes: Int32Array): boolean {
    if (this.#pause > 0) {
      this.#pause--;
      return false;
    }
    const max = Math.min(ENTRIES_MAX, Math.floor(count / ENTRY_SHARE));
    const slots = this.#slots.fill(0);
    const lows = this.#low;
    const highs = this.#high;
    const uses = this.#uses;
    let entries = 0;
    for (let k = 0; k < count; k++) {
      const l = low[k];
      const h = high[k];
      let slot = Math.imul(h ^ Math.imul(l, 0x9e3779b1), 0x85ebca6b) >>> TABLE_SHIFT;
      let entry = slots[slot];
      while (entry !== 0 && (lows[entry] !== l || highs[entry] !== h)) {
        slot = (slot + 1) & (TABLE_SLOTS - 1);
        entry = slots[slot];
      }
      if (entry === 0) {
        if (entries === max) {
          this.#pause = PAUSE_BLOCKS;
          return false;
        }
        if (isOddNaN(l, h)) return false;
        entry = ++entries;
        slots[slot] = entry;
        lows[entry] = l;
        highs[entry] = h;
        uses[entry] = 0;
      }
      uses[entry]++;
      indexes[k] = entry;
    }
    this.#entries = entries;
    this.#order();
    const rank = this.#rank;
    for (let k = 0; k < count; k++) indexes[k] = rank[indexes[k]];
    return true;
  }

  /** Ranks the entries by how many bits their number of uses has: near enough, and in two passes. */
  #order(): void {
    const classes = this.#classes.fill(0);
    const uses = this.#uses;
    for (let e = 1; e <= this.#entries; e++) classes[Math.clz32(uses[e]) - 14]++;
    let rank = 0;
    for (let c = 0; c <= COUNT_CLASSES; c++) {
      const members = classes[c];
      classes[c] = rank;
      rank += members;
    }
    for (let e = 1; e <= this.#entries; e++) this.#rank[e] = classes[Math.clz32(uses[e]) - 14]++;
  }

  /** Writes the entries at word `at` by rank; returns the word after them. */
  write(words: Int32Array, at: number): number {
    const byRank = new Int32Array(this.#entries);
    for (let e = 1; e <= this.#entries; e++) byRank[this.#rank[e]] = e;
    let o = at;
    for (const e of byRank) {
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
