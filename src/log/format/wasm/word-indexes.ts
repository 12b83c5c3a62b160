/**
 * Gives each distinct word of a block an index, in the order of their first use.
 *
 * ```
 * slot: 0 u64 word │ 8 u32 tag of the block │ 12 u32 index
 * ```
 */
import { TABLE_SLOTS } from './layout';

const SLOT: usize = 16;
const SHIFT: u32 = 32 - 14;
const LAST: usize = <usize>(TABLE_SLOTS - 1) * SLOT;

/** The slot of a word, or a free slot for the word. A table must never be full. */
export function slotOf(table: usize, tag: u32, word: u64): usize {
  const low = <u32>word;
  const high = <u32>(word >> 32);
  let at: usize = <usize>(((high ^ (low * 0x9e3779b1)) * 0x85ebca6b) >> SHIFT) * SLOT;
  while (load<u32>(table + at, 8) === tag && load<u64>(table + at) !== word) at = (at + SLOT) & LAST;
  return table + at;
}

/** Whether the slot is taken in this block. */
export function isTaken(slot: usize, tag: u32): bool {
  return load<u32>(slot, 8) === tag;
}

export function indexAt(slot: usize): u32 {
  return load<u32>(slot, 12);
}

export function take(slot: usize, tag: u32, word: u64, index: u32): void {
  store<u64>(slot, word);
  store<u32>(slot, tag, 8);
  store<u32>(slot, index, 12);
}
