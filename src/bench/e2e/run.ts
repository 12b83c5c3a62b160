/** One run of scenario `e2e`: its figures, and whether they may be quoted. */

import type { MachineNoise } from '../harness/hiccups.js';
import type { LatencyUs } from '../harness/latency.js';
import type { ProcessUse } from '../harness/processes.js';
import type { StageTimes } from '../harness/traced.js';
import type { LoadMark } from '../load/load.js';
import type { System } from './systems.js';
import type { E2eRun, RunOptions, SetupOptions } from './types.js';

/** As in `bench/fanout/run.ts`: share of its core that the load generator may use, and cores that others may. */
export const LOAD_CPU_MAX = 0.85;
const OTHER_CPU_MAX = 0.2;
/** Share of what was offered that has to get through, and beyond which it is of an earlier backlog. */
const SUSTAINED = 0.98;
const BACKLOG = 1.02;

/** What was seen between two marks. */
export interface Seen {
  server: [ServerSeen, ServerSeen];
  load: [LoadMark, LoadMark];
  latencyUs: LatencyUs;
  hdr: string;
  stages: StageTimes | null;
  processes: E2eRun['processes'];
  /** CPU time of the whole machine, in seconds. */
  machineS: number;
  tcpBytes: number;
  oversleptUs: MachineNoise['oversleptUs'];
}

interface ServerSeen {
  monotonicNs: number;
  symbolSeqs: number[];
  scheduleStartNs: number;
  madeBefore: number;
}

interface Faults {
  lost: number;
  reordered: number;
  wrongFinalState: number;
  disconnected: number;
  slowDisconnected: boolean;
}

/** Whether ticks came as they must not: out of order, or not at all at a rate that was sustained. */
export function isWrong(row: Pick<E2eRun, Exclude<keyof Faults, 'slowDisconnected'> | 'sustained'>): boolean {
  const hasLosses = row.lost + row.wrongFinalState + row.disconnected > 0;
  return row.reordered > 0 || (hasLosses && row.sustained);
}

/** @param watchers by symbol id: how many clients watch it */
export function judgeRun(
  { name, mode }: System,
  { cores }: SetupOptions,
  { pass, phase, load: share, rate, withSlow }: RunOptions,
  watchers: readonly number[],
  { server: [s0, s1], load: [l0, l1], processes, ...seen }: Seen,
  faults: Faults,
  { drainedMs, staleUs }: { drainedMs: number | null; staleUs: LatencyUs | null },
): E2eRun {
  const seconds = (l1.monotonicNs - l0.monotonicNs) / 1e9;
  const delivered = l1.delivered - l0.delivered;
  let generated = 0;
  let deliveries = 0;
  for (let id = 1; id < watchers.length; id++) {
    const ticks = s1.symbolSeqs[id] - s0.symbolSeqs[id];
    generated += ticks;
    deliveries += ticks * watchers[id];
  }
  const total = watchers.reduce((sum, count) => sum + count, 0);
  const perTick = generated > 0 ? deliveries / generated : total / (watchers.length - 1);
  const offeredPerSecond = perTick * rate;
  const achievedPerSecond = delivered / seconds;
  const madePerSecond = (generated / (s1.monotonicNs - s0.monotonicNs)) * 1e9;
  const cpuS = (role: string) =>
    processes.filter((p) => p.role === role).reduce((sum, p) => sum + p.userS + p.systemS, 0);
  const cpu = {
    server: cpuS('server') / seconds,
    publisher: cpuS('publisher') / seconds,
    load: (l1.cpuNs - l0.cpuNs) / 1e9 / seconds,
    other: 0,
  };
  cpu.other = Math.max(0, seen.machineS / seconds - cpu.server - cpu.publisher - cpu.load);
  const memory = (of: (p: ProcessUse) => number) =>
    processes.filter((p) => p.role === 'server').reduce((sum, p) => sum + of(p), 0);
  // A measured time begins and ends between two ticks: of a slow market one more or less is a good part.
  const slack = perTick / seconds;
  const sustained =
    madePerSecond >= SUSTAINED * rate - 1 / seconds &&
    (mode === 'latest' || achievedPerSecond >= SUSTAINED * offeredPerSecond - slack);
  const hasLosses = faults.lost + faults.wrongFinalState + faults.disconnected > 0;
  const isFaultless = !hasLosses && faults.reordered === 0;
  const why: string[] = [];
  if (cores === undefined) why.push('the processes were not pinned to a core each');
  if (cpu.load > LOAD_CPU_MAX)
    why.push(`the load generator used ${(cpu.load * 100).toFixed(0)} % of its core`);
  if (cpu.other > OTHER_CPU_MAX) why.push(`other processes used ${cpu.other.toFixed(1)} cores`);
  if (faults.reordered > 0) why.push(`${faults.reordered} ticks came out of order, or again`);
  if (seen.latencyUs.negative > 0) why.push(`${seen.latencyUs.negative} ticks came before they were due`);
  if (seen.latencyUs.samples === 0) why.push('nothing was delivered');
  if (mode === 'every' && achievedPerSecond > BACKLOG * offeredPerSecond + slack)
    why.push('a backlog of the warm-up was delivered too');
  if (hasLosses && sustained) why.push('ticks were lost at a rate that was sustained');
  return {
    system: name,
    pass,
    phase,
    load: share,
    rate,
    madePerSecond: Math.round(madePerSecond),
    offeredPerSecond: Math.round(offeredPerSecond),
    achievedPerSecond: Math.round(achievedPerSecond),
    latencyUs: seen.latencyUs,
    latencyHdr: seen.hdr,
    stages: seen.stages,
    stalenessUs: staleUs,
    ...faults,
    withSlow,
    drainedMs,
    cpu,
    cpuNsPerTick: {
      server: (cpu.server * 1e9) / achievedPerSecond,
      withPublisher: ((cpu.server + cpu.publisher) * 1e9) / achievedPerSecond,
    },
    deliveredPerCpuSecond: Math.round(achievedPerSecond / cpu.server),
    memory: {
      rssBytes: memory((p) => p.rssBytes),
      rssAnonBytes: memory((p) => p.rssAnonBytes),
      tcpBytes: seen.tcpBytes,
    },
    processes,
    oversleptUs: seen.oversleptUs,
    bytesPerTick: (l1.bytes - l0.bytes) / delivered,
    seconds,
    sustained,
    holds: sustained && isFaultless && cpu.load <= LOAD_CPU_MAX,
    valid: why.length === 0,
    why,
  };
}
