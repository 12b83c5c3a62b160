/** Scenario `fanout`: what clients that stop reading do to the others, and whether they come back. */

import { FRAME_BYTES_MAX, WINDOW_BYTES } from '../../core/limits.js';
import { median } from '../harness/measure.js';
import type { FanoutRun, RunOptions, StoppedEffect } from './types.js';

/** Share of their throughput that readers keep beside stopped clients, and how soon those are right again. */
const THROUGHPUT_KEPT = 0.9;
const RECOVERY_MS_MAX = 1000;

/** Measures a run, with the scenario's options where nothing else is given. */
export type Measure = (row: Pick<RunOptions, 'phase' | 'rate'> & Partial<RunOptions>) => Promise<FanoutRun>;

/**
 * Rows without and with clients that do not read, alternating.
 * @param at a run of each rate: the highest, at which throughput is compared, and last the one for latencies
 */
export async function measureStopped(
  { stopped, pairs }: { stopped: number; pairs: number },
  at: FanoutRun[],
  measure: Measure,
): Promise<StoppedEffect> {
  const without: FanoutRun[][] = at.map(() => []);
  const with_: FanoutRun[][] = at.map(() => []);
  for (const [i, { phase, rate }] of at.entries()) {
    for (let n = 0; n < pairs; n++) {
      without[i].push(await measure({ phase, rate }));
      with_[i].push(await measure({ phase, rate, withStopped: true }));
    }
  }
  const memory = (row: FanoutRun) => row.serverRssAnonBytes + row.tcpBytes;
  const rows = with_.flat();
  const before = without.flat();
  const quiet = at.length - 1;
  const deliveredWithout = median(without[0].map((row) => row.deliveredPerSecond));
  const deliveredWith = median(with_[0].map((row) => row.deliveredPerSecond));
  const p99Without = without[quiet].map((row) => row.latencyUs.p99);
  const p99With = with_[quiet].map((row) => row.latencyUs.p99);
  const memoryGrownBytes = Math.max(...rows.map((row, i) => memory(row) - memory(before[i])));
  const memoryGrownBytesMax = stopped * (WINDOW_BYTES + FRAME_BYTES_MAX);
  const recoveredMs = Math.max(...rows.map((row) => row.recoveredMs ?? 0));
  return {
    deliveredWithout,
    deliveredWith,
    p99Without,
    p99With,
    memoryGrownBytes,
    memoryGrownBytesMax,
    recoveredMs,
    holds: {
      throughput: deliveredWith >= THROUGHPUT_KEPT * deliveredWithout,
      p99: median(p99With) <= Math.max(...p99Without),
      memory: memoryGrownBytes <= memoryGrownBytesMax,
      recovery: recoveredMs <= RECOVERY_MS_MAX,
    },
  };
}
