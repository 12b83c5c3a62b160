/** What each process of each system used, under load: one table for the terminal and the report. */

import { median } from '../harness/measure.js';
import type { E2eRun } from './types.js';

type Process = E2eRun['processes'][number];

const MIB = 1024 * 1024;
/** Load whose runs are reported. */
const BUSY = 0.9;

export const PROCESS_HEAD = [
  'process',
  'rate',
  'CPU cores',
  'RSS MiB',
  'RssAnon MiB',
  'switches/s, voluntary',
  'forced',
  'GC/s',
  'GC %',
  'longest GC ms',
];

/** At 0.9 of each system's capacity, or the highest load of the sweep up to there; medians over the passes, of GC pauses the longest. */
export function processTable(systems: readonly string[], rows: readonly E2eRun[]): string[][] {
  return systems.flatMap((system) => {
    const busy = busiest(rows.filter((row) => row.system === system && row.phase === 'sweep'));
    if (busy.length === 0) return [];
    return busy[0].processes.map(({ name }, i) => line(`${system}: ${name}`, busy, i));
  });
}

function busiest(sweep: E2eRun[]): E2eRun[] {
  const most = (rows: E2eRun[]) => Math.max(...rows.map((row) => row.rate));
  const upTo = sweep.filter(({ load }) => load === null || load <= BUSY);
  const rate = most(upTo.length > 0 ? upTo : sweep);
  return sweep.filter((row) => row.rate === rate);
}

function line(name: string, rows: E2eRun[], i: number): string[] {
  const of = (value: (process: Process) => number) => median(rows.map((row) => value(row.processes[i])));
  const perSecond = (value: (process: Process) => number) =>
    median(rows.map((row) => value(row.processes[i]) / row.seconds));
  const gcs = rows.flatMap(({ processes }) => processes[i].gc ?? []);
  return [
    name,
    String(rows[0].rate),
    perSecond((p) => p.userS + p.systemS).toFixed(2),
    (of((p) => p.rssBytes) / MIB).toFixed(0),
    (of((p) => p.rssAnonBytes) / MIB).toFixed(0),
    perSecond((p) => p.voluntarySwitches).toFixed(0),
    perSecond((p) => p.involuntarySwitches).toFixed(0),
    ...(gcs.length === 0
      ? ['–', '–', '–']
      : [
          perSecond((p) => p.gc?.count ?? 0).toFixed(1),
          perSecond((p) => (p.gc?.ms ?? 0) / 10).toFixed(1),
          Math.max(...gcs.map(({ msMax }) => msMax)).toFixed(1),
        ]),
  ];
}
