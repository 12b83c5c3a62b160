/** What does not fit into a column: wide steps and misfits, see `format.ts`. */
import { COLUMN_EVENT, MISFIT, RECORD, STEP_BITS, WIDE } from './format';
import { MISFITS, MISFITS_MAX, RECORDS, TIME_WIDES, WIDES, WIDES_MAX } from './layout';

export let wides: u32 = 0;
export let timeWides: u32 = 0;
export let misfits: u32 = 0;

export function clearOddities(): void {
  wides = 0;
  timeWides = 0;
  misfits = 0;
}

/** Takes in the wide steps and misfits that stand at `from`, up to `end`. False when they are not so many. */
export function readOddities(from: usize, end: usize, wideCount: u32, misfitCount: u32): bool {
  if (wideCount > WIDES_MAX || misfitCount > MISFITS_MAX) return false;
  const misfitsAt = from + WIDE * <usize>wideCount;
  if (misfitsAt + MISFIT * <usize>misfitCount !== end) return false;
  wides = wideCount;
  misfits = misfitCount;
  memory.copy(WIDES, from, WIDE * <usize>wideCount);
  memory.copy(MISFITS, misfitsAt, MISFIT * <usize>misfitCount);
  return true;
}

/** Splits a step that its column cannot hold. Returns what the column is to hold. */
export function addWide(tick: u32, column: u32, step: i64): i64 {
  const high = (step + (1 << (STEP_BITS - 1))) >> STEP_BITS;
  let at = WIDES + WIDE * <usize>wides;
  if (column <= COLUMN_EVENT) {
    at = TIME_WIDES + WIDE * <usize>timeWides;
    timeWides++;
  } else {
    wides++;
  }
  store<u32>(at, tick | (column << 16));
  store<i32>(at, <i32>high, 4);
  return step - (high << STEP_BITS);
}

/** Keeps eight bytes of a record as they are; `pair` counts in eights of bytes. */
export function addMisfit(tick: u32, pair: u32): void {
  const at = MISFITS + MISFIT * <usize>misfits;
  misfits++;
  store<u32>(at, tick | (pair << 16));
  store<u64>(at, load<u64>(RECORDS + <usize>tick * RECORD + <usize>pair * 8), 4);
}
