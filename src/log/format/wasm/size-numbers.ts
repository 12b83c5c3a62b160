/**
 * Numbers the different sizes of a block, in the order of their first use. The table is small as long as there are few of
 * them: a core's first cache holds it beside what else is gathered.
 *
 * ```
 * slot: u16 number + 1, 0 = free
 * ```
 */
import { SIZE_KEYS, SIZE_TABLE } from './layout';

const FEW_BITS: u32 = 12;
const MANY_BITS: u32 = 14;
/** With more sizes than these, the table is a large one. */
const FEW: u32 = 1_024;

let shift: u32 = 0;
/** Numbers given. */
export let entries: u32 = 0;

/** Forgets all. */
export function clearNumbers(): void {
  entries = 0;
  resize(FEW_BITS);
}

function resize(bits: u32): void {
  shift = 32 - bits;
  memory.fill(SIZE_TABLE, 0, (<usize>2) << bits);
}

/** Where the slot of a size is, or the free one that it may take. */
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

/** The number of the size whose slot it is; −1 for a free one. */
export function numberAt(slot: usize): i32 {
  return <i32>load<u16>(slot) - 1;
}

/** Gives a size the next number, in the free slot found for it. There must be fewer sizes than large slots. */
export function take(slot: usize, bits: u64): i32 {
  store<u64>(SIZE_KEYS + <usize>entries * 8, bits);
  entries++;
  store<u16>(slot, entries);
  if (entries === FEW) {
    resize(MANY_BITS);
    for (let number: u32 = 1; number <= entries; number++) {
      store<u16>(slotOf(load<u64>(SIZE_KEYS - 8 + <usize>number * 8)), number);
    }
  }
  return entries - 1;
}
