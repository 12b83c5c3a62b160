/** Where states stand, and which of them changed. */
import { COUNT_CHANGED, COUNTS, S_CHANGED, STATE, STATES } from './layout';

/** How many symbols there is room for. */
export let symbols: u32 = 0;

/** Makes room for `count` symbols. Returns where the list of changed ones stands. */
export function begin(count: u32): usize {
  symbols = count;
  const end = STATES + <usize>count * (STATE + 4);
  memory.grow(<i32>((end + 0xffff) >> 16) - memory.size());
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
