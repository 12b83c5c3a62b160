/** What a report shows of the results of scenarios: tables and charts, as data that Node makes and a browser draws. */

import type { Figure, ScenarioResult } from './scenario.js';

/** How an axis is divided. Of `nines`, x is 1 / (1 − share): each decade is one more nine. */
export type Scale = 'linear' | 'log' | 'nines';

export interface Axis {
  label: string;
  scale: Scale;
}

export interface LineChart {
  kind: 'lines';
  title: string;
  note: string;
  x: Axis;
  y: Axis;
  series: { label: string; points: [number, number][] }[];
}

export interface BarChart {
  kind: 'bars';
  title: string;
  note: string;
  unit: string;
  bars: { label: string; median: number; min: number; max: number; runs: number }[];
}

export type Chart = LineChart | BarChart;

export interface Table {
  title: string;
  note: string;
  head: string[];
  rows: string[][];
}

export interface Report {
  title: string;
  /** ISO time. */
  madeAt: string;
  tables: Table[];
  charts: Chart[];
  /** What each scenario ran with, and on. */
  settings: { scenario: string; options: object; machine: object; process: object }[];
}

/** A part of a report that some scenario's results have. */
export type Part = (results: readonly ScenarioResult[]) => { tables?: Table[]; charts?: Chart[] };

export function reportOf(results: readonly ScenarioResult[], madeAt: Date, parts: readonly Part[]): Report {
  const created = parts.map((part) => part(results));
  return {
    title: `tickwire benchmarks: ${results.map((r) => r.scenario).join(', ')}`,
    madeAt: madeAt.toISOString(),
    tables: created.flatMap((part) => part.tables ?? []),
    charts: created.flatMap((part) => part.charts ?? []),
    settings: results.map(({ scenario, options, machine, process }) => ({
      scenario,
      options,
      machine,
      process,
    })),
  };
}

/** Which results count, and why others do not. */
export const validity: Part = (results) => ({
  tables: [
    {
      title: 'Results',
      note: 'A figure counts only where everything was checked: order, completeness or right last state.',
      head: ['scenario', 'figure', 'median', 'lowest', 'highest', 'runs', 'valid'],
      rows: results.flatMap(({ scenario, figures, valid, why }) =>
        Object.entries(figures).map(([name, f]) => [
          scenario,
          `${name} (${f.better} is better)`,
          `${short(f.median)} ${f.unit}`,
          short(f.min),
          short(f.max),
          String(f.runs.length),
          valid ? 'yes' : `no: ${why.join('; ')}`,
        ]),
      ),
    },
  ],
});

/** Bars with their spread: the figures of a scenario that have the same unit share a chart. */
export const bars: Part = (results) => ({
  charts: results.filter(hasFewFigures).flatMap(({ scenario, figures }) =>
    [...byUnit(figures)].filter(hasSpread).map(
      ([unit, group]): BarChart => ({
        kind: 'bars',
        title: `${scenario}: ${unit}`,
        note: 'Medians; the whiskers reach from the lowest run to the highest.',
        unit: group[0][1].unit,
        bars: group.map(([label, f]) => ({ label, ...spreadOf(f) })),
      }),
    ),
  ),
});

/** Systems that are compared have charts of their own: a bar for each figure of each would be a crowd. */
function hasFewFigures(result: ScenarioResult): boolean {
  return !('systems' in result);
}

/** Whether there is more to draw than the table has. */
function hasSpread([, group]: [string, [string, Figure][]]): boolean {
  return group.length > 1 || group[0][1].runs.length > 1;
}

function byUnit(figures: Record<string, Figure>): Map<string, [string, Figure][]> {
  const groups = new Map<string, [string, Figure][]>();
  for (const entry of Object.entries(figures)) {
    const unit = `${entry[1].unit}, ${entry[1].better} is better`;
    const group = groups.get(unit);
    if (group === undefined) groups.set(unit, [entry]);
    else group.push(entry);
  }
  return groups;
}

function spreadOf({ median, min, max, runs }: Figure) {
  return { median, min, max, runs: runs.length };
}

/** Four digits, with a letter for thousands and more. */
export function short(value: number): string {
  for (const [size, letter] of [
    [1e9, ' G'],
    [1e6, ' M'],
    [1e4, ' k'],
  ] as const) {
    if (Math.abs(value) >= size)
      return `${Number((value / (size === 1e4 ? 1e3 : size)).toPrecision(4))}${letter}`;
  }
  return String(Number(value.toPrecision(4)));
}
