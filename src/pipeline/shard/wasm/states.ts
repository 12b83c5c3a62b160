/** Where states stand, and which of them changed. */
import {
  CLIP,
  COUNT_CHANGED,
  COUNTS,
  HALVES,
  INFINITIES,
  ONE,
  RECORDS,
  S_CHANGED,
  STATE,
  STATES,
  SURE,
  WEIGHTS,
} from './layout';

/** How many symbols there is room for. */
export let symbols: u32 = 0;

/** Begins with `count` symbols, none of them known. Returns where the list of changed ones stands. */
export function begin(count: u32): usize {
  symbols = count;
  // Fresh memory is zero, and is better left untouched; else a thread before this one left it as it was.
  if (load<f64>(0, ONE) !== 0) {
    memory.fill(STATES, 0, <usize>count * (STATE + 12));
    // Last, as this forgets that there was one.
    memory.fill(RECORDS, 0, STATES - RECORDS);
  }
  v128.store(HALVES, f64x2.splat(0.5));
  v128.store(SURE, f64x2.splat(1_125_899_906_842_624));
  v128.store(INFINITIES, f64x2.splat(Infinity));
  v128.store(WEIGHTS, f64x2.splat(1.0 / 64.0));
  store<f64>(CLIP, 8);
  store<f64>(ONE, 1);
  return changed();
}

/** Lists a symbol as changed, unless it is listed. */
export function touch(id: u32, state: usize): void {
  if (load<u32>(state, S_CHANGED) !== 0) return;
  store<u32>(state, 1, S_CHANGED);
  const count = load<u32>(COUNTS, COUNT_CHANGED);
  store<u32>(changed() + ((<usize>count) << 2), id);
  store<u32>(COUNTS, count + 1, COUNT_CHANGED);
}

/** Where the mid stands that a symbol had before its last suspicious quote. */
export function midBefore(id: u32): usize {
  return STATES + <usize>symbols * STATE + <usize>id * 8;
}

function changed(): usize {
  return STATES + <usize>symbols * (STATE + 8);
}
