/** Gathers the column of sizes: dictionary indexes, words, or XORs with the symbol's last word of that side. See `format.ts`. */

import { addException } from './exceptions';
import {
  ASK_SIZE_PAIR,
  AT_ASK_SIZE,
  AT_BID_SIZE,
  AT_HEAD,
  AT_SIZE,
  BID_SIZE_PAIR,
  KIND_MASK,
  RECORD,
  SIZE_DIFFERENCES,
  SIZE_INDEXES,
  SIZE_WORDS,
  TRADE,
} from './format';
import { RECORDS, SIZE_COLUMN, SIZE_OWNERS, STATE, STATE_SIZES, STATES, SYMBOL_COLUMN } from './layout';
import { clearIndexes, entries, indexAt, slotOf, take } from './size-indexes';
import {
  beginDictionary,
  doubt,
  dropDictionary,
  indexOfSize,
  isDoubted,
  isPassedOver,
  keepDictionary,
  longCodes,
  NO_WORD,
  shortCodes,
  sizeWord,
} from './size-words';

/** After a block without a dictionary, an attempt needs at most one distinct size in so many of the first ticks. */
const FEW_SHARE: u32 = 3;
const TICKS_LOOKED_AT: u32 = 256;
/** Sizes that decide whether their differences are smaller. */
const SIZES_SAMPLED: u32 = 2_048;

export let sizes: u32 = 0;
/** Sizes are dictionary indexes, or words; neither after a dictionary was given up within the block. */
let isIndexed: bool = false;
let isWorded: bool = false;

/** Begins a block of `count` ticks. */
export function beginSizes(count: u32): void {
  sizes = 0;
  beginDictionary(2 * count);
  isIndexed = !isDoubted() || (!isPassedOver() && areFew(min(count, TICKS_LOOKED_AT)));
  isWorded = !isIndexed;
}

/** Whether the sizes of the first ticks have few distinct values. */
function areFew(ticks: u32): bool {
  let looked: u32 = 0;
  for (let p = RECORDS; p < RECORDS + <usize>ticks * RECORD; p += RECORD) {
    const kind = load<u32>(p, AT_HEAD) & KIND_MASK;
    if (kind > <u32>TRADE) continue;
    indexAny(load<u64>(p, AT_BID_SIZE));
    if (kind !== TRADE) indexAny(load<u64>(p, AT_ASK_SIZE));
    looked += 2 - kind;
  }
  const isFew = entries * FEW_SHARE <= looked;
  clearIndexes();
  if (!isFew) doubt();
  return isFew;
}

function indexAny(bits: u64): void {
  const slot = slotOf(bits);
  if (indexAt(slot) < 0) take(slot, bits);
}

/** Fills the column of sizes for ticks whose symbols are gathered already. */
export function gatherSizes(from: u32, to: u32): void {
  if (isIndexed) isIndexed = gatherIndexes(from, to);
  else if (isWorded) gatherWords(from, to);
}

/** Codes the column of sizes without a dictionary, if the block has none. Returns the mode. */
export function endSizes(count: u32, symbols: u32): u32 {
  if (isIndexed) {
    keepDictionary();
    return SIZE_INDEXES;
  }
  dropDictionary();
  if (!isWorded) {
    sizes = 0;
    gatherWords(0, count);
  }
  return takeDifferences(4 * <usize>sizes, symbols) ? SIZE_DIFFERENCES : SIZE_WORDS;
}

// The single size of a trade is written twice, and the next tick overwrites the copy: this needs no branch.

/** Fills in dictionary indexes. Returns false when the block must have no dictionary. */
function gatherIndexes(from: u32, to: u32): bool {
  let o = SIZE_COLUMN + <usize>sizes * 4;
  let p = RECORDS + <usize>from * RECORD;
  for (let i = from; i < to; i++, p += RECORD) {
    const kind = load<u32>(p, AT_HEAD) & KIND_MASK;
    if (kind > <u32>TRADE) continue;
    const first = indexOfSize(load<u64>(p, AT_BID_SIZE));
    const second = indexOfSize(load<u64>(p + <usize>(1 - kind) * 8, AT_SIZE));
    if ((first | second) < 0) return false;
    store<i32>(o, first);
    store<i32>(o, second, 4);
    o += <usize>(2 - kind) * 4;
  }
  sizes = <u32>(o - SIZE_COLUMN) >> 2;
  return true;
}

/** Fills in the words of sizes, and the owner of each. */
function gatherWords(from: u32, to: u32): void {
  let o = <usize>sizes * 4;
  let p = RECORDS + <usize>from * RECORD;
  for (let i = from; i < to; i++, p += RECORD) {
    const kind = load<u32>(p, AT_HEAD) & KIND_MASK;
    if (kind > <u32>TRADE) continue;
    const isTrade = <usize>kind;
    const both = v128.load64_lane(p + (1 - isTrade) * 8, v128.load64_zero(p, AT_BID_SIZE), 1, AT_SIZE);
    let words = shortCodes(both);
    if (words < 0) words = wordsOf(i, p, isTrade, both);
    const state = load<u32>(<usize>i * 4, SYMBOL_COLUMN) * STATE;
    const owner = <u64>(STATES + STATE_SIZES + state + isTrade * 8);
    store<i64>(o, words, SIZE_COLUMN);
    store<u64>(o, owner | ((owner + 4) << 32), SIZE_OWNERS);
    o += (2 - isTrade) * 4;
  }
  sizes = <u32>o >> 2;
}

/** The words of both sizes, when one of them has no short code. */
export function wordsOf(i: u32, p: usize, isTrade: usize, both: v128): i64 {
  const codes = longCodes(both);
  if (codes >= 0) return codes;
  const bid = <u32>wordOf(load<u64>(p, AT_BID_SIZE), i, BID_SIZE_PAIR);
  if (isTrade !== 0) return <i64>(<u64>bid);
  const ask = <u32>wordOf(load<u64>(p, AT_ASK_SIZE), i, ASK_SIZE_PAIR);
  return <i64>(<u64>bid | ((<u64>ask) << 32));
}

/** The word of a size; a size without one becomes an exception. */
function wordOf(size: u64, i: u32, pair: u32): i32 {
  const word = sizeWord(size);
  if (word !== NO_WORD) return word;
  addException(i, pair);
  return 0;
}

/** Turns size words into XORs with the symbol's last word of that side; returns false when a sample shows no gain. */
function takeDifferences(end: usize, symbols: u32): bool {
  let gain: i32 = 0;
  for (let k: usize = 0; k < min(end, 4 * SIZES_SAMPLED); k += 4) {
    const word = load<i32>(SIZE_COLUMN + k);
    const owner = <usize>load<u32>(SIZE_OWNERS + k);
    gain += clz(word ^ load<i32>(owner)) - clz(word);
    store<i32>(owner, word);
  }
  if (gain <= 0) return false;
  for (let at: usize = 0; at < symbols; at++) memory.fill(STATES + at * STATE + STATE_SIZES, 0, 16);
  for (let k: usize = 0; k < end; k += 4) {
    const word = load<i32>(SIZE_COLUMN + k);
    const owner = <usize>load<u32>(SIZE_OWNERS + k);
    store<i32>(SIZE_COLUMN + k, word ^ load<i32>(owner));
    store<i32>(owner, word);
  }
  return true;
}
