/** Rows of scenario `e2e`, brought together over the passes: medians and spreads. */

import { median, type Spread, spread } from '../harness/measure.js';
import { type Figure, figure } from '../harness/scenario.js';
import { mergedStages } from '../harness/traced.js';
import { LOAD_CPU_MAX } from './run.js';
import type { Cell, E2eRun, Subject, SystemSummary } from './types.js';

const PERCENTILES = ['p50', 'p90', 'p99', 'p999', 'p9999', 'max'] as const;
/** Loads whose figures the first table quotes. */
const BUSY = 0.9;
const HALF = 0.5;

function spreadOrNull(values: (number | undefined)[]): Spread | null {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? null : spread(known);
}

/** Rows of the same system, phase and load; probes and warm-ups are none of them. */
export function cellsOf(rows: E2eRun[]): Cell[] {
  const groups = new Map<string, E2eRun[]>();
  for (const row of rows) {
    if (row.phase === 'probe' || row.phase === 'warmup') continue;
    const key = JSON.stringify([row.system, row.phase, row.load ?? row.rate]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map(cellOf);
}

function cellOf(all: E2eRun[]): Cell {
  const good = all.filter((row) => row.valid);
  const rows = good.length > 0 ? good : all;
  const over = (of: (row: E2eRun) => number) => spread(rows.map(of));
  const { system, phase, load } = all[0];
  return {
    system,
    phase,
    load,
    rate: median(rows.map((row) => row.rate)),
    runs: all.length,
    validRuns: good.length,
    offeredPerSecond: median(rows.map((row) => row.offeredPerSecond)),
    achievedPerSecond: over((row) => row.achievedPerSecond),
    deliveredPerCpuSecond: over((row) => row.deliveredPerCpuSecond),
    cpuNsPerTick: {
      server: over((row) => row.cpuNsPerTick.server),
      withPublisher: over((row) => row.cpuNsPerTick.withPublisher),
    },
    latencyUs: Object.fromEntries(
      PERCENTILES.map((name) => [name, over((row) => row.latencyUs[name])]),
    ) as Cell['latencyUs'],
    stagesUs: mergedStages(rows.map((row) => row.stages)),
    stalenessP99Us: spreadOrNull(rows.map((row) => row.stalenessUs?.p99)),
    lost: Math.max(...all.map((row) => row.lost)),
    disconnected: Math.max(...all.map((row) => row.disconnected)),
    slowDisconnected: all.some((row) => row.slowDisconnected),
    rssAnonBytes: over((row) => row.memory.rssAnonBytes),
    tcpBytes: over((row) => row.memory.tcpBytes),
    sustained: rows.filter((row) => row.sustained).length * 2 > rows.length,
  };
}

export function summarise(
  { system, version, settings, capacity }: Subject,
  rows: E2eRun[],
  cells: Cell[],
): SystemSummary {
  const own = cells.filter((cell) => cell.system === system.name);
  const sweep = own.filter((cell) => cell.phase === 'sweep');
  // Where rates were given, loads are shares of the highest that was sustained.
  const loadOf = (cell: Cell) => cell.load ?? cell.rate / (capacity ?? Number.NaN);
  const nearest = (load: number) =>
    sweep.filter((cell) => loadOf(cell) <= load * 1.001).sort((a, b) => loadOf(b) - loadOf(a))[0];
  const phase = (name: E2eRun['phase']) => own.find((cell) => cell.phase === name);
  const overload = phase('overload');
  const atCapacity = rows.filter(
    (row) => row.system === system.name && row.phase === 'sweep' && row.holds && row.rate === capacity,
  );
  const quoted = [nearest(1), nearest(BUSY), nearest(HALF), phase('slow'), overload];
  return {
    system: system.name,
    what: system.what,
    peer: system.peer ?? null,
    log: system.log,
    version,
    settings,
    capacityRate: capacity,
    capacityPerSecond:
      spreadOrNull(atCapacity.map((row) => row.achievedPerSecond)) ?? nearest(1)?.achievedPerSecond ?? null,
    capacityIsLowerBound: rows.some(
      (row) =>
        row.system === system.name &&
        row.rate > (capacity ?? Number.POSITIVE_INFINITY) &&
        row.sustained &&
        row.cpu.load > LOAD_CPU_MAX,
    ),
    deliveredPerCpuSecond: (nearest(BUSY) ?? nearest(1))?.deliveredPerCpuSecond ?? null,
    p99AtHalfUs: nearest(HALF)?.latencyUs.p99 ?? null,
    p99AtCommonUs: phase('common')?.latencyUs.p99 ?? null,
    p99BesideSlowUs: phase('slow')?.latencyUs.p99 ?? null,
    overload:
      overload === undefined
        ? null
        : {
            stalenessP99Us: overload.stalenessP99Us,
            lost: overload.lost,
            disconnected: overload.disconnected,
            rssAnonBytes: overload.rssAnonBytes,
          },
    valid:
      quoted.some((cell) => cell !== undefined) &&
      quoted.every((cell) => cell === undefined || cell.validRuns > 0),
  };
}

/** What is compared between results: of each system the figures of the first table. */
export function figuresOf(systems: SystemSummary[]): Record<string, Figure> {
  const figures: Record<string, Figure> = {};
  for (const s of systems) {
    const add = (name: string, unit: string, better: Figure['better'], value: Spread | null | undefined) => {
      // A ratio of two figures needs both above 0: what is below one is as good as one.
      if (value != null)
        figures[`${s.system}, ${name}`] = figure(
          unit,
          better,
          value.runs.map((run) => Math.max(1, run)),
        );
    };
    add('capacity', 'ticks/s', 'higher', s.capacityPerSecond);
    add('delivered per CPU second', 'ticks', 'higher', s.deliveredPerCpuSecond);
    add('p99 at half its capacity', 'µs', 'lower', s.p99AtHalfUs);
    add('p99 at the common rate', 'µs', 'lower', s.p99AtCommonUs);
    add('p99 beside a slow subscriber', 'µs', 'lower', s.p99BesideSlowUs);
    add('staleness p99 at twice its capacity', 'µs', 'lower', s.overload?.stalenessP99Us);
    add('RssAnon at twice its capacity', 'bytes', 'lower', s.overload?.rssAnonBytes);
  }
  return figures;
}
