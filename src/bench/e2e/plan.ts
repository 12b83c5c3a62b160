/** Which runs scenario `e2e` measures of each system, and about how long all of them take. */
import type { System } from './systems.js';

/** Shares of its capacity that a system is measured at; `--rates` names rates instead. Twice its capacity comes after them. */
const LOADS: readonly number[] = [0.1, 0.5, 0.75, 0.9, 1];
/** The same of a system that is another one with one thing changed: what the first table quotes. */
const LOADS_OF_VARIANTS: readonly number[] = [0.5, 0.9, 1];
export const OVERLOAD = 2;
/** So many times as long is a run at twice the capacity: what lags takes time to lag. */
export const OVERLOAD_LENGTH = 2;
export const SLOW_LOAD = 0.5;
export const PROBE_SECONDS = 1;
export const PROBE_WARMUP = 0.4;
/** So many times as long as a run is the load that a system gets after each start: on one core, compiling takes that long. */
export const WARM_LENGTH = 4;

// What an estimate goes by: seconds as a machine of two cores takes them.
const RUN_EXTRA_S = 0.3;
const START_S = 0.8;
const START_S_PER_CLIENT = 0.0015;
/** Draining what was offered at twice the capacity, and at a rate that a probe found too high. */
const DRAIN_S = 1;
const PROBES = 8;
const PROBES_TOO_HIGH = 3;
/** Rows besides those of the sweep: overload, slow; and common, where capacities are sought. */
const OTHER_ROWS = 2;
/** Beside a subscriber that does not read, and before: a system is started for each. */
const STARTS_PER_PASS = 2;

export interface Plan {
  rates: number[] | 'auto';
  clients: number;
  seconds: number;
  warmup: number;
  passes: number;
}

export function loadsOf({ peer, log, mode }: System): readonly number[] {
  const isVariant = peer?.batched === true || log || mode === 'latest';
  return isVariant ? LOADS_OF_VARIANTS : LOADS;
}

/** Whether a system has its capacity sought: in mode `latest` nothing is lost at any rate, and it gets that of `every`. */
export function isSought({ mode }: System, all: readonly System[]): boolean {
  return mode !== 'latest' || !all.some(({ name }) => name === 'tickwire');
}

export function estimateSeconds(systems: readonly System[], plan: Plan): number {
  const { rates, clients, seconds, warmup, passes } = plan;
  const startS = START_S + START_S_PER_CLIENT * clients + WARM_LENGTH * seconds;
  const rowS = warmup + seconds + RUN_EXTRA_S;
  const probeS = PROBE_WARMUP + Math.min(PROBE_SECONDS, seconds) + RUN_EXTRA_S;
  let total = 0;
  for (const system of systems) {
    const sweep = rates === 'auto' ? loadsOf(system).length + 1 : rates.length;
    total += passes * ((sweep + OTHER_ROWS) * rowS + STARTS_PER_PASS * startS + DRAIN_S);
    total += passes * (OVERLOAD_LENGTH - 1) * seconds;
    if (rates === 'auto' && isSought(system, systems))
      total += startS + PROBES * probeS + PROBES_TOO_HIGH * DRAIN_S;
  }
  return Math.round(total);
}
