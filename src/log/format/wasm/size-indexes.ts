/**
 * Gives each distinct size of a block an index, in the order of their first use. The table is small while the sizes are
 * few, so it stays in a core's first cache together with the columns that are gathered.
 *
 * ```
 * slot: u16 index + 1, 0 = free
 * ```
 */
import { SIZE_KEYS, SIZE_TABLE } from './layout';

const FEW_BITS: u32 = 12;
const MANY_BITS: u32 = 14;
/** With more sizes, the table is a large one. */
const FEW: u32 = 1_024;

let shift: u32 = 0;
/** Indexes in use. */
export let entries: u32 = 0;

/** Removes all sizes. */
export function clearIndexes(): void {
  entries = 0;
  resize(FEW_BITS);
}

function resize(bits: u32): void {
  shift = 32 - bits;
  memory.fill(SIZE_TABLE, 0, (<usize>2) << bits);
}

/** The address of a size's slot, or of a free slot for the size. */
export function slotOf(bits: u64): usize {
  const hash = (<u32>(bits >> 32) ^ (<u32>bits * 0x9e3779b1)) * 0x85ebca6b;
  const last = ((<usize>2) << (32 - shift)) - 2;
  let slot = <usize>(hash >> shift) * 2;
  let taken = load<u16>(slot, SIZE_TABLE);
  while (taken !== 0 && load<u64>(<usize>taken * 8, SIZE_KEYS - 8) !== bits) {
    slot = (slot + 2) & last;
    taken = load<u16>(slot, SIZE_TABLE);
  }
  return SIZE_TABLE + slot;
}

/** The index of the size in a slot; −1 for a free slot. */
export function indexAt(slot: usize): i32 {
  return <i32>load<u16>(slot) - 1;
}

/** Gives a size the next index, in its free slot. There must be fewer sizes than slots of the large table. */
export function take(slot: usize, bits: u64): i32 {
  store<u64>(SIZE_KEYS + <usize>entries * 8, bits);
  entries++;
  store<u16>(slot, entries);
  if (entries === FEW) {
    resize(MANY_BITS);
    for (let entry: u32 = 1; entry <= entries; entry++) {
      store<u16>(slotOf(load<u64>(SIZE_KEYS - 8 + <usize>entry * 8)), entry);
    }
  }
  return entries - 1;
}
