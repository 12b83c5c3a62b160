/** Values that do not fit into a column: wide steps and exceptions, see `format.ts`. */
import { COLUMN_EVENT, EXCEPTION, RECORD, STEP_BITS, WIDE } from './format';
import { EXCEPTIONS, EXCEPTIONS_MAX, RECORDS, TIME_WIDES, WIDES, WIDES_MAX } from './layout';

export let wides: u32 = 0;
export let timeWides: u32 = 0;
export let exceptions: u32 = 0;

export function clearExceptions(): void {
  wides = 0;
  timeWides = 0;
  exceptions = 0;
}

/** Reads the wide steps and exceptions from `from` to `end`. Returns false when the counts do not match the bytes. */
export function readExceptions(from: usize, end: usize, wideCount: u32, exceptionCount: u32): bool {
  if (wideCount > WIDES_MAX || exceptionCount > EXCEPTIONS_MAX) return false;
  const exceptionsAt = from + WIDE * <usize>wideCount;
  if (exceptionsAt + EXCEPTION * <usize>exceptionCount !== end) return false;
  wides = wideCount;
  exceptions = exceptionCount;
  memory.copy(WIDES, from, WIDE * <usize>wideCount);
  memory.copy(EXCEPTIONS, exceptionsAt, EXCEPTION * <usize>exceptionCount);
  return true;
}

/** Splits a step that is too wide for its column. Returns the low part, for the column. */
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

/** Stores eight bytes of a record unchanged. `pair` is their position, counted in eight bytes. */
export function addException(tick: u32, pair: u32): void {
  const at = EXCEPTIONS + EXCEPTION * <usize>exceptions;
  exceptions++;
  store<u32>(at, tick | (pair << 16));
  store<u64>(at, load<u64>(RECORDS + <usize>tick * RECORD + <usize>pair * 8), 4);
}
