/** Gathers both times of a block's ticks, as `times-encode.ts` has chosen to write them. They are whole units since their base. */
import { gatherAny, gatherSame, isSame } from './times-each';
import { gatherRising } from './times-simd-ascending';
import { gatherFours } from './times-simd-pairs';

/** Fills the columns of ticks `from` … `to` − 1, which follow those of the last call: by fours as far as they fit. */
export function gatherTimes(from: u32, to: u32): void {
  let i = from;
  while (i < to) {
    i = isSame ? gatherRising(i, to) : gatherFours(i, to);
    const end = min(i + 4, to);
    if (isSame) gatherSame(i, end);
    else gatherAny(i, end);
    i = end;
  }
}
