/** One row of scenario `fanout`: its figures, and whether they may be quoted. */
import type { FanoutRun, Measured, RunOptions, SetupOptions } from './types.js';

/** Share of its core above which the load generator itself is what is measured. */
const LOAD_CPU_MAX = 0.85;
/** Cores that other processes may use without a run being in doubt. */
const OTHER_CPU_MAX = 0.2;
/** Share of what was offered that has to get through. */
const SUSTAINED = 0.98;
/** Share of what was offered beyond which there was a backlog before the measured time began. */
const BACKLOG = 1.02;

export interface Faults {
  lost: number;
  reordered: number;
  wrongFinalState: number;
  failures: string[];
}

/** @param watchers by symbol id: how many readers watch it */
export function judge(
  { mode, cores }: SetupOptions,
  { phase, rate, withStopped }: RunOptions,
  { server: [s0, s1], load: [l0, l1], latencyUs, tcpBytes, machineCpuNs }: Measured,
  watchers: readonly number[],
  { failures, ...faults }: Faults,
  recoveredMs: number | null,
): FanoutRun {
  const serverSeconds = (s1.monotonicNs - s0.monotonicNs) / 1e9;
  const seconds = (l1.monotonicNs - l0.monotonicNs) / 1e9;
  const ticks = s1.sequenced - s0.sequenced;
  const delivered = l1.delivered - l0.delivered;
  const serverCpu = (s1.cpuNs - s0.cpuNs) / 1e9 / serverSeconds;
  const loadCpu = (l1.cpuNs - l0.cpuNs) / 1e9 / seconds;
  const otherCpu = Math.max(0, machineCpuNs / 1e9 - serverCpu - loadCpu);
  // How many readers a tick has, on average over the ticks that there were.
  let deliveries = 0;
  watchers.forEach((readers, id) => {
    deliveries += readers * ((s1.symbolSeqs[id] ?? 0) - (s0.symbolSeqs[id] ?? 0));
  });
  const offeredPerSecond = ticks === 0 ? 0 : (deliveries / ticks) * rate;
  const deliveredPerSecond = delivered / seconds;
  const ticksPerSecond = ticks / serverSeconds;
  const keepsUp = ticksPerSecond >= SUSTAINED * rate;
  const sustained = keepsUp && (mode === 'latest' || deliveredPerSecond >= SUSTAINED * offeredPerSecond);
  const why: string[] = [];
  if (cores === undefined) why.push('the processes were not pinned to a core each');
  if (loadCpu > LOAD_CPU_MAX) why.push(`the load generator used ${(loadCpu * 100).toFixed(0)} % of its core`);
  if (mode === 'every' && deliveredPerSecond > BACKLOG * offeredPerSecond)
    why.push('a backlog of the warm-up was delivered too');
  if (otherCpu > OTHER_CPU_MAX) why.push(`other processes used ${otherCpu.toFixed(1)} cores`);
  if (faults.lost > 0) why.push(`${faults.lost} ticks were lost`);
  if (faults.reordered > 0) why.push(`${faults.reordered} ticks came out of order, or again`);
  if (faults.wrongFinalState > 0) why.push(`${faults.wrongFinalState} last states were wrong`);
  if (latencyUs.negative > 0) why.push(`${latencyUs.negative} ticks came before they were due`);
  why.push(...failures);
  const isFaultless = faults.lost + faults.reordered + faults.wrongFinalState + failures.length === 0;
  return {
    mode,
    phase,
    withStopped,
    rate,
    ticksPerSecond: Math.round(ticksPerSecond),
    offeredPerSecond: Math.round(offeredPerSecond),
    deliveredPerSecond: Math.round(deliveredPerSecond),
    deliveredPerCpuSecond: Math.round(deliveredPerSecond / serverCpu),
    ...faults,
    latencyUs,
    bytesPerTick: (l1.bytes - l0.bytes) / delivered,
    serverCpu,
    loadCpu,
    otherCpu,
    loadNsPerTick: (l1.cpuNs - l0.cpuNs) / delivered,
    serverRssBytes: s1.rssBytes,
    serverRssAnonBytes: s1.rssAnonBytes,
    tcpBytes,
    catchUps: l1.catchUps - l0.catchUps,
    recoveredMs,
    seconds,
    sustained,
    holds: sustained && isFaultless && loadCpu <= LOAD_CPU_MAX,
    valid: why.length === 0,
    why,
  };
}
