/**
 * The records of the golden blocks in `fixtures/log`: a market, and in between whatever records can hold. The
 * same at all times, so that a block that was written years ago can be compared with them.
 */
import { Kind, NO_TIME_S, RECORD_F64, RECORD_U32, Records, U32_SEQ_LOW } from '../../../src/core/tick.js';
import { Market } from '../../log/support.js';

export const GOLDEN_TICKS = 600;
/** So many that columns have SIMD lanes. */
export const GOLDEN_LARGE_TICKS = 3_000;
export const GOLDEN_FIRST_SEQ = 4_294_967_000;

const VALUES = [0, -0, 5e-324, 0.1 + 0.2, 2 ** 53, 1e300, -12.5, Infinity, -Infinity];

export function goldenRecords(ticks = GOLDEN_TICKS): { records: Records; digits: Uint8Array } {
  const market = new Market(12, 2024);
  const records = Records.allocate(ticks);
  const { u32, f64 } = records;
  for (let i = 0; i < ticks; i++) {
    market.write(records, i);
    const w = i * RECORD_U32;
    const d = i * RECORD_F64;
    if (i % 29 === 7) f64[d + 4 + ((i >> 3) % 4)] = VALUES[i % VALUES.length];
    if (i % 53 === 5) u32.set([NO_TIME_S, 0], w + 4);
    if (i % 71 === 9) u32.set([1_700_000_000 + i * 3_000_000, 4_000_000_000], w + 4 + 2 * (i % 2));
    if (i % 97 === 11) u32.set([0xffffffff, 0x7ff40000 + i], w + 8 + 2 * (i % 4));
    if (i % 101 === 13) u32[w + 3] = 0xfffffff0;
    if (i % 113 === 17) u32[w] = 0xffff0000 + i;
    if (i % 127 === 19) u32[w + 1] = Kind.status | (3 << 16);
    if (i % 131 === 23) u32[w + 1] = 0xfffffff7;
    u32[w + U32_SEQ_LOW] = GOLDEN_FIRST_SEQ + i;
  }
  return { records, digits: market.digits };
}
