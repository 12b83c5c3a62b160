/** Gathers both times of a block's ticks in the mode that `times-encode.ts` has chosen, as whole units since their base. */
import { gatherAny, gatherSame, isSame } from './times-each';
import { gatherSimdAscending } from './times-simd-ascending';
import { gatherSimdPairs } from './times-simd-pairs';

/** Fills the columns of ticks `from` … `to` − 1, which follow the ticks of the last call: four at a time where possible. */
export function gatherTimes(from: u32, to: u32): void {
  let i = from;
  while (i < to) {
    i = isSame ? gatherSimdAscending(i, to) : gatherSimdPairs(i, to);
    const end = min(i + 4, to);
    if (isSame) gatherSame(i, end);
    else gatherAny(i, end);
    i = end;
  }
}
