/** Where states stand, and which of them changed. */
import {
  CLIP,
  COUNT_CHANGED,
  COUNTS,
  HALVES,
  INFINITIES,
  ONE,
  S_CHANGED,
  STATE,
  STATES,
  SURE,
  WEIGHTS,
} from './layout';

/** How many symbols there is room for. */
export let symbols: u32 = 0;

/** Makes room for `count` symbols. Returns where the list of changed ones stands. */
export function begin(count: u32): usize {
  symbols = count;
  const end = STATES + <usize>count * (STATE + 4);
  memory.grow(<i32>((end + 0xffff) >> 16) - memory.size());
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

function changed(): usize {
  return STATES + <usize>symbols * STATE;
}
